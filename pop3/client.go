package pop3

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// Client is the client's end of a POP3 connection. It is for one goroutine. [Dial] or [NewClient] makes one; Quit ends it
// and lets the server remove what was marked by Dele; Close ends it and everything stays.
//
// A server's "-ERR" is an [*Error], and the session goes on. After any other error the connection is closed. A context that
// ends closes the connection too, because nobody could tell afterwards which answer belongs to what.
type Client struct {
	opts     ClientOptions
	conn     net.Conn
	r        *wire.Reader
	out      bytes.Buffer
	caps     Capabilities
	greeting string
	apop     string // the greeting's timestamp
	tls      *tls.ConnectionState
	local    bool // the server is on this machine
	err      error
	ctx      context.Context // of the call that is being made
	block    time.Duration   // for each read
	message  *Message        // being read
	canceled atomic.Bool
}

// ErrNoSTLS says that a server doesn't offer the TLS that [TLSStartTLS] demands.
var ErrNoSTLS = errors.New("pop3: server doesn't offer STLS")

// errClosed is what calls return after Quit and Close.
var errClosed = errors.New("pop3: connection is closed")

// Dial connects to addr, "host:port" or "unix:/path", reads the greeting, and does what opts say: TLS, login. A nil opts is
// the zero one.
func Dial(ctx context.Context, addr string, opts *ClientOptions) (*Client, error) {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	network, target := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, target = "unix", path
	} else {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, fmt.Errorf("pop3: %w", err)
		}
		if o.ServerName == "" {
			o.ServerName = host
		}
		if o.TLS == TLSAuto && (port == "995" || port == "pop3s") {
			o.TLS = TLSImplicit
		}
	}
	dctx := ctx
	if d := wait(o.Timeouts.Dial, 30*time.Second); d > 0 {
		var cancel context.CancelFunc
		dctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(dctx, network, target)
	if err != nil {
		return nil, fmt.Errorf("pop3: %w", err)
	}
	return NewClient(ctx, conn, &o)
}

// NewClient does what Dial does, on a connection that is open. When it fails it closes conn.
func NewClient(ctx context.Context, conn net.Conn, opts *ClientOptions) (*Client, error) {
	c := &Client{conn: conn}
	if opts != nil {
		c.opts = *opts
	}
	if a := conn.RemoteAddr(); a != nil {
		ip := net.ParseIP(addrIP(a))
		c.local = a.Network() == "unix" || a.Network() == "pipe" || ip != nil && ip.IsLoopback()
	}
	c.r = wire.NewReader(conn, 0)
	c.r.LineEnd = wire.LF
	c.r.BeforeRead = c.beforeRead
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// start gets from an open connection to one that may be used.
func (c *Client) start(ctx context.Context) error {
	stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if t, ok := c.conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	} else if c.opts.TLS == TLSImplicit {
		if err := c.handshake(); err != nil {
			return err
		}
	}
	text, err := c.status("greeting")
	if err != nil {
		return err
	}
	c.greeting = text
	c.apop = timestamp(text)
	if err := c.capa(); err != nil {
		return err
	}
	if err := c.startTLS(); err != nil {
		return err
	}
	if c.opts.Auth != nil {
		return c.login(c.opts.Auth)
	}
	return nil
}

// timestamp finds APOP's "<…@…>" in a greeting (RFC 1939 section 7).
func timestamp(greeting string) string {
	i := strings.IndexByte(greeting, '<')
	if i < 0 {
		return ""
	}
	j := strings.IndexByte(greeting[i:], '>')
	if j < 0 || !strings.Contains(greeting[i:i+j], "@") {
		return ""
	}
	return greeting[i : i+j+1]
}

// startTLS says STLS where the options want it.
func (c *Client) startTLS() error {
	if c.tls != nil || c.opts.TLS == TLSNone {
		return nil
	}
	if !c.caps.Has("STLS") {
		if c.opts.TLS == TLSStartTLS {
			return ErrNoSTLS
		}
		return nil
	}
	if _, err := c.command("STLS", "STLS"); err != nil {
		return err
	}
	if c.r.Buffered() > 0 {
		// Somebody has put answers before TLS that would be read behind it (RFC 2595 section 2.2).
		return c.fail(errors.New("pop3: server talks between STLS and TLS"))
	}
	if err := c.handshake(); err != nil {
		return err
	}
	return c.capa() // RFC 2595 section 4: what was announced before TLS is worth nothing
}

func (c *Client) handshake() error {
	cfg := c.opts.TLSConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if cfg.ServerName == "" {
		cfg.ServerName = c.opts.ServerName
	}
	ctx := c.ctx
	if d := wait(c.opts.Timeouts.TLS, time.Minute); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	_ = c.conn.SetDeadline(time.Time{})
	t := tls.Client(c.conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return c.fail(fmt.Errorf("pop3: TLS: %w", err))
	}
	state := t.ConnectionState()
	c.conn, c.tls = t, &state
	c.r.Reset(t)
	return nil
}

// Greeting returns the text of the server's greeting.
func (c *Client) Greeting() string { return c.greeting }

// Capabilities returns what the server announced, behind TLS if there is TLS. It is empty for servers without CAPA.
func (c *Client) Capabilities() Capabilities { return c.caps }

// TLS returns the state of the connection's TLS, nil without TLS.
func (c *Client) TLS() *tls.ConnectionState { return c.tls }

// Quit ends the session: the server removes the messages that were marked by Dele. An error means that it may not have.
func (c *Client) Quit(ctx context.Context) error {
	stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	c.block = wait(c.opts.Timeouts.Quit, 2*time.Minute)
	c.send("QUIT", "QUIT")
	_, err = c.status("QUIT")
	stop()
	if cerr := c.Close(); err == nil {
		err = cerr
	}
	return err
}

// Close closes the connection without a word: the server removes nothing.
func (c *Client) Close() error {
	if c.err == errClosed {
		return nil
	}
	c.err = errClosed
	c.r.Discard()
	err := c.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
