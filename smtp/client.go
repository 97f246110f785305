package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// Client is the client's end of one SMTP or LMTP connection. It sends one message after the other; it is not for use by
// several goroutines at once (a [Transport] is). [Dial] or [NewClient] makes one, Quit or Close ends it.
//
// Send hands over a whole message with as few round trips as the server allows. Client is also a [mail.Deliverer], for
// callers that want each command's answer before the next.
//
// Every error is a [*Reply] among its causes. What the server answered comes in a [*RemoteError]; where there was no
// answer, the reply is made here, with the words and codes that Postfix has for it ("421 4.4.2 lost connection with
// mx.example.net[192.0.2.1] while sending MAIL FROM"), and the cause is within it. After an error of the second kind
// that has to do with the connection, it is closed.
type Client struct {
	opts     ClientOptions
	conn     net.Conn
	r        *wire.Reader
	out      []byte // what has been gathered and not sent
	reply    replyBuffer
	watch    watch
	caps     Capabilities
	greeting *Reply
	tls      *tls.ConnectionState
	host     string // "mx.example.net[192.0.2.1]"
	relay    string // "mx.example.net[192.0.2.1]:25"
	local    bool   // the server is on this machine
	connect  time.Duration
	dirty    bool // the server may still hold a transaction: RSET before the next
	closed   bool // nothing more can be sent
	uses     int  // messages sent, counted by a Pool
	current  *clientTransaction
	sending  clientTransaction // Send's, used again
	copyBuf  []byte
	data     dataWriter
	bdat     bdatWriter
}

// Dial connects to addr, "host:port" or "unix:/path", reads the greeting and gets the connection ready as opts say:
// EHLO, TLS, AUTH. A nil opts is the zero one.
func Dial(ctx context.Context, addr string, opts *ClientOptions) (*Client, error) {
	o := options(opts)
	start := time.Now()
	network, target := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, target = "unix", path
		if o.ServerName == "" {
			o.ServerName = "localhost"
		}
	} else {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, &Reply{Code: 550, Enhanced: EnhancedCode{5, 4, 4}, Text: "bad server address " + safeText(addr), Err: err}
		}
		if o.ServerName == "" {
			o.ServerName = host
		}
		if o.TLS == TLSAuto && (port == "465" || port == "submissions") {
			o.TLS = TLSImplicit
		}
	}
	conn, err := o.dial(ctx, network, target)
	if err != nil {
		return nil, dialError(ctx, target, err)
	}
	return newClient(ctx, conn, o, start)
}

// NewClient does what Dial does, on a connection that is open. When it fails it closes conn.
func NewClient(ctx context.Context, conn net.Conn, opts *ClientOptions) (*Client, error) {
	return newClient(ctx, conn, options(opts), time.Now())
}

func options(opts *ClientOptions) ClientOptions {
	if opts == nil {
		return ClientOptions{}
	}
	return *opts
}

func (o *ClientOptions) dial(ctx context.Context, network, target string) (net.Conn, error) {
	if d := timeout(o.Timeouts.Dial, 30*time.Second); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	if o.Dial != nil {
		return o.Dial(ctx, network, target)
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

func newClient(ctx context.Context, conn net.Conn, opts ClientOptions, start time.Time) (*Client, error) {
	c := &Client{opts: opts, conn: conn}
	c.bdat.c = c
	c.name()
	if err := c.arm(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	defer c.disarm()
	if err := c.start(ctx); err != nil {
		c.Close()
		return nil, err
	}
	c.connect = time.Since(start)
	return c, nil
}

// start gets from an open connection to one that takes MAIL.
func (c *Client) start(ctx context.Context) error {
	if t, ok := c.conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
		state := t.ConnectionState()
		c.tls = &state
	}
	c.r = wire.NewReader(c.conn, 0)
	c.r.LineEnd = wire.LF
	if c.tls == nil && c.opts.TLS == TLSImplicit {
		if err := c.handshake(ctx); err != nil {
			return err
		}
	}
	if err := c.greet(); err != nil {
		return err
	}
	if err := c.hello(); err != nil {
		return err
	}
	if err := c.startTLS(ctx); err != nil {
		return err
	}
	return c.authenticate()
}

// name works out what logs call the server.
func (c *Client) name() {
	host, ip, port := c.opts.ServerName, "", ""
	switch a := c.conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		ip, c.local = a.IP.String(), a.IP.IsLoopback()
		if a.Zone != "" {
			ip += "%" + a.Zone
		}
		_, port, _ = net.SplitHostPort(a.String())
	case *net.UnixAddr:
		ip, c.local = a.Name, true
	case nil:
	default:
		ip = a.String()
		if h, p, err := net.SplitHostPort(ip); err == nil {
			ip, port = h, p
		}
		c.local = a.Network() == "pipe"
	}
	if host == "" {
		host = ip
	}
	c.host = safeText(host) + "[" + safeText(ip) + "]"
	c.relay = c.host
	if port != "" {
		c.relay += ":" + port
	}
}

// Greeting returns the server's first reply.
func (c *Client) Greeting() *Reply { return c.greeting }

// Capabilities returns what the server announced last: behind TLS and AUTH if there were any.
func (c *Client) Capabilities() Capabilities { return c.caps }

// TLS returns the state of the connection's TLS, nil without TLS.
func (c *Client) TLS() *tls.ConnectionState { return c.tls }

// Relay returns the server's name as logs show it, "mx.example.net[192.0.2.1]:25".
func (c *Client) Relay() string { return c.relay }

// Quit says goodbye, waits a moment for the answer, and closes the connection. An error of the goodbye is not reported:
// whatever was answered before holds.
func (c *Client) Quit(ctx context.Context) error {
	if c.current != nil {
		c.current.Abort()
	}
	if !c.closed && c.arm(ctx) == nil {
		c.put("QUIT\r\n")
		c.command(timeout(c.opts.Timeouts.Quit, 5*time.Second), "QUIT", "sending QUIT command")
		c.disarm()
	}
	return c.Close()
}

// Close closes the connection without a word.
func (c *Client) Close() error {
	if c.closed && c.conn == nil {
		return nil
	}
	c.closed = true
	conn := c.conn
	c.conn = nil
	if c.r != nil {
		c.r.Discard()
	}
	if conn == nil {
		return nil
	}
	err := conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
