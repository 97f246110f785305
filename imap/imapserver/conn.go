package imapserver

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
)

// Conn is a connection and the session on it. One goroutine at a time serves it; what others may call are the exported methods, in
// hooks, and the stream's wake and close.
type Conn struct {
	srv    *Server
	stream *stream
	dec    *imap.Decoder
	enc    *imap.Encoder
	cancel context.CancelFunc

	tls      *tls.ConnectionState
	shown    *sasl.ShownCertificate
	identity *mail.Identity
	account  mail.Account
	sel      *selected // nil unless in selected state
	without  []imap.Capability

	condStore, qresync, rev2, utf8, uidOnly bool // enabled by the client (RFC 5161)

	metadata5464 bool      // ENABLE METADATA or METADATA-SERVER
	notify       *notifier // nil until NOTIFY or one of these
	language     string    // which LANGUAGE has chosen; "" until then

	idle    *idling   // in IDLE
	resting bool      // waits for a command without its buffers
	until   time.Time // a command must begin by then; zero until it is waited for
	due     time.Time // what the wait that has just ended was armed with

	bad, authFailures int
	end               End
	bye               bool // no more commands
	connected         time.Time
	closed            chan struct{} // closed in the end; nil where nobody waits for it
}

func newConn(s *Server, nc net.Conn, cancel context.CancelFunc) *Conn {
	c := &Conn{srv: s, cancel: cancel, without: s.Without, connected: time.Now(), end: End{Cause: CauseLost}}
	c.stream = &stream{raw: nc, nc: nc, readTimeout: wait(s.Timeouts.Data, 5*time.Minute),
		writeTimeout: wait(s.Timeouts.Write, 5*time.Minute)}
	c.stream.latest = c.connected.Add(wait(s.Timeouts.Login, time.Minute))
	c.dec = imap.NewDecoder(c.stream)
	c.dec.BareLF = s.BareLF
	c.dec.Continue = c.continueRequest
	c.enc = imap.NewEncoder(c.stream)
	c.stream.flush = c.enc.Flush
	if s.Trace != nil {
		c.enc.Trace = c.traceSent
	}
	return c
}

// Server returns the server that the connection came to.
func (c *Conn) Server() *Server { return c.srv }

// RemoteAddr returns the client's address.
func (c *Conn) RemoteAddr() net.Addr { return c.stream.raw.RemoteAddr() }

// Close ends the connection from outside of it, without a word to the client; its Disconnected hook is called as for a client that went away.
func (c *Conn) Close() error { return c.stream.raw.Close() }

// LocalAddr returns the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.stream.raw.LocalAddr() }

// TLS returns the state of TLS, nil without.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// Identity returns who has logged in, nil before.
func (c *Conn) Identity() *mail.Identity { return c.identity }

// Mailbox returns the name of the selected mailbox, "" when there is none.
func (c *Conn) Mailbox() string {
	if c.sel == nil {
		return ""
	}
	return c.sel.name
}

// FromThisMachine reports whether both ends of the connection are on this machine, so that nobody can listen.
func (c *Conn) FromThisMachine() bool { return serving.FromThisMachine(c.RemoteAddr(), c.LocalAddr()) }

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// continueRequest answers a synchronizing literal.
func (c *Conn) continueRequest() error {
	return c.enc.Raw("+ OK").CRLF().Flush()
}

// begin runs the session from its greeting on. It may return while the session goes on: see session.
func (c *Conn) begin(ctx context.Context, implicit bool, refusal *imap.Status) {
	c.setState(StateNew)
	if h := c.srv.Hooks.Connected; h != nil {
		h(c)
	}
	c.applyLimits()
	if implicit {
		if err := c.startTLS(ctx); err != nil {
			c.end.Cause, c.end.Err = CauseTLS, err
			c.close()
			return
		}
	}
	if refusal != nil {
		c.end.Cause = CauseRefused
		c.enc.Status("*", refusal)
		_ = c.enc.Flush() // nobody may be there any more
		c.close()
		return
	}
	c.greet()
	c.session(ctx, false)
}

// ended notes why the session ends and says BYE where somebody may still listen.
func (c *Conn) ended(err error) {
	c.end.Err = err
	bye := ""
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.end.Cause, bye = CauseTimeout, "Disconnected for inactivity."
	case errors.Is(err, errShutdown):
		c.end.Cause = CauseShutdown
		c.enc.Status("*", byeShutdown())
	case errors.Is(err, imap.ErrPeerTooLarge):
		c.end.Cause, bye = CauseErrors, "Literal too large."
	case errors.Is(err, errMailboxGone): // BYE and the cause are there already
	case errors.As(err, new(*tlsFailed)):
		c.end.Cause = CauseTLS
		return
	default:
		c.end.Cause = CauseLost
		if c.srv.group.Closing() {
			c.end.Cause = CauseShutdown
		}
	}
	if bye != "" {
		c.enc.Status("*", &imap.Status{Type: imap.BYE, Text: bye})
	}
	_ = c.enc.Flush()
}

// close ends the session for good.
func (c *Conn) close() {
	c.endIdle()
	c.unselect()
	c.stopNotify()
	if c.account != nil {
		_ = c.account.Close()
	}
	_ = c.stream.nc.Close()
	c.setState(StateClosed)
	if h := c.srv.Hooks.Disconnected; h != nil {
		c.end.In, c.end.Out = c.stream.in.Load(), c.stream.out.Load()
		h(c, &c.end)
	}
	c.srv.group.Remove(c)
	c.cancel()
	if c.closed != nil {
		close(c.closed)
	}
}

func (c *Conn) setState(s ConnState) {
	if c.srv.ConnState != nil {
		c.srv.ConnState(c, s)
	}
}

func (c *Conn) greet() {
	text := orDefault(c.srv.Greeting, "IMAP server ready.")
	c.enc.Status("*", imap.Okay(imap.CodeCapability, c.capabilityString(), text))
}

// errShutdown ends a session because the server is being shut down.
var errShutdown = errors.New("imapserver: shutting down")
