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

const talkHelp = `dialogue talk [flags] [smtp|lmtp|pop3|pop2|imap]: type to a server; each answer and each mistake is explained

Without -server it is a world of mail within this program, whose messages never leave it. What is typed goes to the server with CRLF at
its end. "?" tells what can be said now, and /help the words that are for this program.

`

// talker is somebody's conversation with servers, one after the other.
type talker struct {
	screen   *screen.Screen
	words    bool
	server   string
	secure   bool // TLS from the beginning
	insecure bool
	world    *builtin.World // nil: a real server
	board    *web.Board     // nil: no page
	timeout  time.Duration

	mu       sync.Mutex // of what follows, and of the order of what is shown
	out      io.Writer
	conn     net.Conn
	session  *explain.Session
	protocol explain.Protocol
	place    explain.Place
	shown    *web.Talk
	logs     []string      // lines of the built-in servers' log, not shown yet
	quiet    *time.Timer   // until the log is shown
	changed  chan struct{} // closed at each answer
	over     bool          // the connection
}

func talk(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	c := newCommon("talk", talkHelp, stderr)
	server := c.fs.String("server", "builtin", "`host[:port]` of a server, or \"builtin\"")
	secure := c.fs.Bool("tls", false, "begin with TLS, as at ports 465, 993 and 995; STARTTLS and STLS can be typed without it")
	insecure := c.fs.Bool("insecure", false, "trust any certificate")
	timeout := c.fs.Duration("timeout", time.Minute, "how long to wait for a connection, and for an answer where input is no terminal")
	if err := c.parse(args); err != nil {
		return err
	}
	t := &talker{screen: c.screen(stdout), words: !c.brief, server: *server, secure: *secure, insecure: *insecure, timeout: *timeout, out: stdout, changed: make(chan struct{})}
	p, err := protocolOf(c.fs.Args(), *server)
	if err != nil {
		return misuse{err}
	}
	if *server == "builtin" {
		if *secure {
			return misuse{errors.New("the built-in servers begin without TLS; type STARTTLS, or STLS")}
		}
		if t.world, err = builtin.Start(t.log); err != nil {
			return err
		}
		defer func() {
			if err := t.world.Close(); err != nil {
				fmt.Fprintf(stderr, "dialogue talk: %v\n", err)
			}
		}()
	}
	if c.web != "" {
		t.board = web.New(t.screen.Lang)
		stop, err := serve(ctx, t.board, c.web, stderr, t.screen.Lang)
		if err != nil {
			return err
		}
		defer stop()
	}
	in, out := c.terminal(stdin), c.terminal(stdout)
	if in == nil || out == nil {
		return t.pipe(ctx, p, stdin)
	}
	return t.terminal(ctx, p, in, out)
}

// ports are the usual ones.
var ports = map[explain.Protocol][2]string{explain.SMTP: {"25", "465"}, explain.LMTP: {"24", "24"}, explain.POP3: {"110", "995"}, explain.POP2: {"109", "109"}, explain.IMAP: {"143", "993"}}

// protocolOf is the protocol that is named, or that the port is for.
func protocolOf(args []string, server string) (explain.Protocol, error) {
	if len(args) > 1 {
		return "", errors.New("one protocol at a time")
	}
	if len(args) == 1 {
		for _, p := range explain.Protocols {
			if strings.EqualFold(args[0], string(p)) {
				return p, nil
			}
		}
		return "", fmt.Errorf("%q is none of %v", args[0], explain.Protocols)
	}
	if _, port, err := net.SplitHostPort(server); err == nil {
		for p, known := range ports {
			if port == known[0] || port == known[1] {
				return p, nil
			}
		}
	}
	return explain.SMTP, nil
}

// connect begins with a protocol's server. What it says is read by a goroutine of its own.
func (t *talker) connect(ctx context.Context, p explain.Protocol) error {
	addr := t.server
	if t.world != nil {
		addr = t.world.Addr(p)
	} else if _, _, err := net.SplitHostPort(addr); err != nil {
		port := ports[p][0]
		if t.secure {
			port = ports[p][1]
		}
		addr = net.JoinHostPort(strings.Trim(addr, "[]"), port)
	}
	d := &net.Dialer{Timeout: t.timeout}
	var conn net.Conn
	var err error
	if t.secure {
		conn, err = (&tls.Dialer{NetDialer: d, Config: t.tls(addr)}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = d.DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn, t.session, t.protocol, t.place, t.over = conn, explain.New(p), p, "", false
	if t.secure {
		t.session.Encrypted()
	}
	where := addr
	if t.world != nil {
		where = t.screen.Lang.Say("talk.builtin", addr)
	}
	t.write(t.screen.Lang.Say("protocol."+string(p)) + "\n" + t.screen.Lang.Say("talk.connected", where) + "\n")
	if t.board != nil {
		t.shown = t.board.Begin(p, string(p)+" "+addr)
	}
	go t.read(conn, t.session, addr)
	return nil
}

func (t *talker) tls(addr string) *tls.Config {
	if t.world != nil {
		return t.world.TLS()
	}
	host, _, _ := net.SplitHostPort(addr)
	return &tls.Config{ServerName: host, InsecureSkipVerify: t.insecure}
}

// write shows a text. The talker is locked.
func (t *talker) write(text string) { io.WriteString(t.out, text) }

// read shows what the server says until it hangs up.
func (t *talker) read(conn net.Conn, s *explain.Session, addr string) {
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		t.mu.Lock()
		if t.session != s { // another connection has begun
			t.mu.Unlock()
			return
		}
		t.answer(s.Feed(explain.Server, buf[:n]))
		secured, failed := net.Conn(nil), err
		if strings.HasSuffix(s.State().Server, ".tls") && s.Opaque() {
			secured, failed = t.handshake(conn, s, addr)
		}
		if secured != nil {
			conn, t.conn = secured, secured
		}
		if failed != nil {
			t.answer(s.Flush(explain.Server))
			t.over = true
			conn.Close()
			t.shown.End()
			if !errors.Is(failed, io.EOF) && !errors.Is(failed, net.ErrClosed) {
				t.write("  " + failed.Error() + "\n")
			}
			t.write(t.screen.Lang.Say("talk.over") + "\n")
		}
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if failed != nil {
			return
		}
	}
}

// handshake goes over to TLS, after the server has agreed.
func (t *talker) handshake(conn net.Conn, s *explain.Session, addr string) (net.Conn, error) {
	c := tls.Client(conn, t.tls(addr))
	ctx, cancel := context.WithTimeout(context.Background(), t.timeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", t.screen.Lang.Say("talk.tls-failed"), err)
	}
	s.Secured()
	n := explain.Inside(t.protocol, s.State())
	n.Text = "TLS: " + tls.VersionName(c.ConnectionState().Version) + ", " + tls.CipherSuiteName(c.ConnectionState().CipherSuite)
	t.answer([]explain.Note{n})
	return c, nil
}

// answer shows lines of the server's. The talker is locked.
func (t *talker) answer(notes []explain.Note) {
	for _, n := range notes {
		t.note(n, true)
	}
	if len(notes) == 0 {
		return
	}
	if n := notes[len(notes)-1]; n.After.Client != "client.waits" {
		t.drawing(n)
	}
}

// note shows what is known of a line, and the line itself where it isn't on the screen yet.
func (t *talker) note(n explain.Note, line bool) {
	var b strings.Builder
	if line {
		b.WriteString(t.screen.Line(n) + "\n")
	}
	t.screen.Note(&b, n, t.words)
	t.write(b.String())
	if n.Place != "" {
		t.place = n.Place
	}
	t.shown.Add(n)
}

// drawing shows where things stand.
func (t *talker) drawing(n explain.Note) {
	var b strings.Builder
	t.screen.Chain(&b, t.protocol, n.After.Server)
	if n.Place != "" {
		t.screen.Path(&b, n.Place)
	}
	t.write(b.String())
}

// say sends a line, and shows what it means. echo shows the line itself too.
func (t *talker) say(line string, echo bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		t.write(t.screen.Lang.Say("talk.no-connection") + "\n")
		return nil
	}
	for _, n := range t.session.Feed(explain.Client, []byte(line+"\r\n")) {
		t.note(n, echo)
	}
	if t.session.Opaque() {
		t.write(t.screen.Lang.Say("tls.opaque") + "\n")
		return nil
	}
	_, err := io.WriteString(t.conn, line+"\r\n")
	if err != nil {
		t.write("  " + err.Error() + "\n") // what there is to read may say why
	}
	return nil
}
