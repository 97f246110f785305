package pop2

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/serving"
	"github.com/buuta/mail/internal/wire"
)

// commandLine is how long a command may be: "512 characters (including the command word and the CRLF)" (RFC 937, Sizes).
const commandLine = 512

// Conn is a server's connection to a client. Its methods may be called from the hooks of that connection.
type Conn struct {
	srv    *Server
	ctx    context.Context
	cancel context.CancelFunc
	nc     net.Conn
	r      *wire.Reader
	w      *bufio.Writer

	state    state
	identity *mail.Identity
	account  mail.Account
	unlock   func()
	folder   *folder
	body     mail.Body // of the current message, from READ to the acknowledgement
	retrs    int
	deleted  int
	err      error // why the connection ends; errQuit after QUIT

	mu      sync.Mutex // guards what Shutdown and Close touch
	closing bool
	idle    bool
}

// Close ends the connection from outside of it, without a word to the client.
func (c *Conn) Close() error { return c.nc.Close() }

// RemoteAddr returns the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// LocalAddr returns the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// Identity returns who the client has proved to be, or nil.
func (c *Conn) Identity() *mail.Identity { return c.identity }

// Retrieved returns how many messages have been sent, Deleted how many have been removed so far.
func (c *Conn) Retrieved() int { return c.retrs }

// Deleted is explained at [Conn.Retrieved].
func (c *Conn) Deleted() int { return c.deleted }

// FromThisMachine reports whether the client runs on the machine that it connected to.
func (c *Conn) FromThisMachine() bool { return serving.FromThisMachine(c.RemoteAddr(), c.LocalAddr()) }

// How a connection can end.
var (
	errQuit     = errors.New("quit")
	errTooMany  = errors.New("pop2: too many connections")
	errShutdown = errors.New("pop2: server is shutting down")
)

// failure is an end with a word to the client: "if anything goes wrong close the connection" (RFC 937).
type failure struct {
	text  string
	cause error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return "pop2: " + f.text + ": " + f.cause.Error()
	}
	return "pop2: " + f.text
}

func (f *failure) Unwrap() error { return f.cause }

func failed(format string, args ...any) error { return &failure{text: fmt.Sprintf(format, args...)} }

// ServeConn serves one connection, whatever it is made of, and returns when it has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	c := &Conn{srv: s, nc: nc, r: wire.NewReader(nc, 0), w: bufio.NewWriterSize(deadlined{s, nc}, 4096)}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.r.BeforeRead = c.beforeRead
	c.r.LineEnd = wire.LF // people type this protocol
	defer c.cancel()
	defer nc.Close()
	if !s.group.Add(c) {
		return
	}
	defer s.group.Remove(c)
	if s.Hooks.Connected != nil {
		s.Hooks.Connected(c)
	}
	defer c.end()
	defer func() {
		if p := recover(); p != nil {
			c.err = failed("internal error")
			s.logError(ctx, "panic in session", fmt.Errorf("%v", p), "stack", string(debug.Stack()))
		}
	}()
	if !s.group.Count(c, c.RemoteAddr(), max(s.Limits.Connections, 0), most(s.Limits.ConnectionsPerAddr, 50)) {
		c.err = &failure{text: "too many connections", cause: errTooMany}
		return
	}
	c.say("+ POP2 %s server ready", s.hostname.Or(s.Hostname))
	for c.err == nil {
		line, err := c.readLine()
		if err == nil {
			err = c.command(line)
		}
		c.err = err
	}
}

// end closes everything. What was not deleted by QUIT or FOLD stays.
func (c *Conn) end() {
	var f *failure
	if errors.As(c.err, &f) {
		c.say("- %s", f.text)
	} else if errors.Is(c.err, errShutdown) {
		c.say("- server is shutting down")
	}
	_ = c.w.Flush()
	c.dropBody()
	c.folder.close()
	if c.account != nil {
		_ = c.account.Close()
	}
	if c.unlock != nil {
		c.unlock()
	}
	c.r.Discard()
	if errors.Is(c.err, errQuit) {
		c.err = nil
	}
	if h := c.srv.Hooks.Disconnected; h != nil {
		h(c, c.err)
	}
}

func (c *Conn) beforeRead() error {
	if err := c.w.Flush(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = c.folder.untouched()
	if c.idle && c.closing {
		return errShutdown
	}
	var deadline time.Time
	if d := wait(c.srv.Timeouts.Command, 10*time.Minute); d > 0 {
		deadline = time.Now().Add(d)
	}
	return c.nc.SetReadDeadline(deadline)
}

func (c *Conn) readLine() (string, error) {
	line, err := c.r.ReadLine(commandLine)
	c.mu.Lock()
	defer c.mu.Unlock()
	woken := c.idle && c.closing
	c.idle = false
	switch {
	case err == nil:
		return string(line), nil
	case woken:
		return "", errShutdown
	case errors.Is(err, wire.ErrLineTooLong), errors.Is(err, wire.ErrBareCR):
		return "", &failure{text: "line too long or malformed", cause: err}
	}
	return "", err
}

// closeWhenIdle ends the wait for the next command, now or when it comes to that.
func (c *Conn) closeWhenIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if c.idle {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// say queues one line, of at most 512 octets (RFC 937, Sizes), whatever is put into it.
func (c *Conn) say(format string, args ...any) {
	line := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, fmt.Sprintf(format, args...))
	if len(line) > commandLine-2 {
		line = strings.ToValidUTF8(line[:commandLine-2], "")
	}
	c.trace(true, line)
	_, _ = c.w.WriteString(line)
	_, _ = c.w.WriteString("\r\n")
}

func (c *Conn) trace(sent bool, line string) {
	if c.srv.Trace != nil {
		c.srv.Trace(c, sent, line)
	}
}

// deadlined gives each write its time.
type deadlined struct {
	s *Server
	net.Conn
}

func (d deadlined) Write(p []byte) (int, error) {
	if t := wait(d.s.Timeouts.Write, time.Minute); t > 0 {
		_ = d.SetWriteDeadline(time.Now().Add(t))
	}
	return d.Conn.Write(p)
}
