package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/dialogue/builtin"
	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/screen"
	"github.com/buuta/mail/examples/dialogue/web"
)

const watchHelp = `dialogue watch [flags] [smtp|lmtp|pop3|pop2|imap]: a proxy that explains what your own client and a server say

Point a mail program at -listen. What it says goes to -to as it is, octet for octet, and so does what comes back; passwords are not shown.
After STARTTLS nothing can be read, unless -tls-inside ends TLS here: then the client sees a certificate of this program's own making.

`

// watcher explains what goes through it.
type watcher struct {
	screen   *screen.Screen
	words    bool
	to       string
	protocol explain.Protocol
	inside   *tls.Config // for clients, where TLS ends here; nil: it doesn't
	target   func(addr string) *tls.Config
	secure   bool // TLS to the server from the beginning
	timeout  time.Duration
	content  int // as explain.Session has it
	board    *web.Board

	mu    sync.Mutex // of out
	out   io.Writer
	count int
}

func watch(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	c := newCommon("watch", watchHelp, stderr)
	listen := c.fs.String("listen", "127.0.0.1:2525", "`address` for your client")
	to := c.fs.String("to", "builtin", "`host:port` of the server, or \"builtin\"")
	inside := c.fs.Bool("tls-inside", false, "end TLS here, with a throw-away certificate, to see what is within it")
	secure := c.fs.Bool("tls", false, "TLS to the server from the beginning, as at ports 465, 993 and 995; the client speaks without")
	insecure := c.fs.Bool("insecure", false, "trust any certificate of the server's")
	timeout := c.fs.Duration("timeout", 30*time.Second, "how long to wait for the server's connection, and for TLS")
	content := c.fs.Int("content", explain.DefaultContent, "explain so many `octets` of a message line by line, and only count the rest; less than 0: all")
	if err := c.parse(args); err != nil {
		return err
	}
	p, err := protocolOf(c.fs.Args(), *to)
	if err != nil {
		return misuse{err}
	}
	w := &watcher{screen: c.screen(stdout), words: !c.brief, to: *to, protocol: p, secure: *secure, timeout: *timeout, content: *content, out: stdout}
	w.target = func(addr string) *tls.Config {
		host, _, _ := net.SplitHostPort(addr)
		return &tls.Config{ServerName: host, InsecureSkipVerify: *insecure}
	}
	if *inside {
		if w.inside, err = throwAway(time.Now()); err != nil {
			return err
		}
	}
	if *to == "builtin" {
		world, err := builtin.Start(func(line string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.screen.Block(w.out, "▤ ", explain.ReadLog(line).Text)
		})
		if err != nil {
			return err
		}
		defer func() {
			if err := world.Close(); err != nil {
				fmt.Fprintf(stderr, "dialogue watch: %v\n", err)
			}
		}()
		w.to = world.Addr(p)
		w.target = func(string) *tls.Config { return world.TLS() }
	} else if _, _, err := net.SplitHostPort(*to); err != nil {
		return misuse{fmt.Errorf("-to %s: a host and a port, such as mail.example.org:25", *to)}
	}
	if c.web != "" {
		w.board = web.New(w.screen.Lang)
		stop, err := serve(ctx, w.board, c.web, stderr, w.screen.Lang)
		if err != nil {
			return err
		}
		defer stop()
	}
	ln, err := net.Listen("tcp", *listen)
	if err != nil {
		return fmt.Errorf("-listen %s: %w", *listen, err)
	}
	fmt.Fprintln(stderr, w.screen.Lang.Say("watch.at", ln.Addr().String(), w.to))
	return w.serve(ctx, ln)
}

// serve takes connections until ctx ends.
func (w *watcher) serve(ctx context.Context, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := ln.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.count++
		number := w.count
		w.mu.Unlock()
		all.Go(func() { w.connection(ctx, c, number) })
	}
}

// connection is one client's.
func (w *watcher) connection(ctx context.Context, c net.Conn, number int) {
	defer c.Close()
	d := &net.Dialer{Timeout: w.timeout}
	var s net.Conn
	var err error
	if w.secure {
		s, err = (&tls.Dialer{NetDialer: d, Config: w.target(w.to)}).DialContext(ctx, "tcp", w.to)
	} else {
		s, err = d.DialContext(ctx, "tcp", w.to)
	}
	l := &link{w: w, name: fmt.Sprintf("%d", number), session: explain.New(w.protocol)}
	l.session.Content = w.content
	title := fmt.Sprintf("%s %s → %s", w.protocol, c.RemoteAddr(), w.to)
	l.head(w.screen.Lang.Say("watch.begins", title))
	if w.board != nil {
		l.shown = w.board.Begin(w.protocol, title)
		defer l.shown.End()
	}
	if err != nil {
		l.head(w.screen.Lang.Say("watch.no-server", err.Error()))
		return
	}
	defer s.Close()
	defer context.AfterFunc(ctx, func() {
		c.Close()
		s.Close()
	})()
	if err := l.run(c, s); err != nil && ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
		l.head(w.screen.Lang.Say("watch.failed", err.Error()))
	}
	l.show(l.session.Flush(explain.Client))
	l.show(l.session.Flush(explain.Server))
	l.head(w.screen.Lang.Say("watch.ends", title))
}

// head writes a line about a connection.
func (l *link) head(text string) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	l.w.screen.Block(l.w.out, "── "+l.name+" ", text)
}

// show writes notes, and puts them on the board.
func (l *link) show(notes []explain.Note) {
	if len(notes) == 0 {
		return
	}
	var b strings.Builder
	for _, n := range notes {
		b.WriteString(l.name + "  " + l.w.screen.Line(n) + "\n")
		l.w.screen.Note(&b, n, l.w.words)
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	io.WriteString(l.w.out, b.String())
	l.shown.Add(notes...)
}
