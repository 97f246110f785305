package imapclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Client is the client's end of one IMAP connection. [Dial] or [NewClient] makes one, Logout or Close ends it. It may be used
// by many goroutines at once: commands go out one behind the other without waiting for each other's answers, except where
// the answers could not be told apart or would change what the commands mean (RFC 9051 section 5.5); those wait for each
// other by themselves.
//
// A method whose context ends before the server has answered returns at once and leaves the command to end by itself; the
// Client stays usable. Only a command that has been sent in part, as a message that is being appended, takes the
// connection with it.
//
// Errors are of type [*Error]. The server's NO or BAD is an [*imap.Status] among their causes.
type Client struct {
	opts   Options
	lim    Limits
	host   string
	port   int
	local  bool // the server is on this machine
	line   line
	dec    *imap.Decoder // belongs to the reading goroutine
	spoilt bool          // the reading goroutine's: a command has been told that this response can't be read
	enc    *imap.Encoder // belongs to who has the turn
	clock  func() instant

	turn       chan struct{} // held while a command is written
	writing    *command      // by whoever has the turn
	writingCtx context.Context
	plus       chan string   // text of "+" for who has the turn
	over       chan struct{} // closed when the connection has ended
	hurry      chan struct{} // has an element when a call began to wait
	reader     sync.WaitGroup

	mu        sync.Mutex
	running   []*command    // in the order in which they were sent
	ended     chan struct{} // closed and replaced when a command ends
	serial    int
	waiting   int               // calls that wait for the server
	secret    *mail.Credentials // what the trace must not show, while a login runs
	caps      Capabilities
	capsKnown bool
	enabled   Capabilities
	greeting  *imap.Status
	bye       *imap.Status
	tls       *tls.ConnectionState
	state     State
	mailbox   *Mailbox
	selecting *Mailbox // while SELECT runs
	saved     saved    // what the last search with Save has found, if that is here
	idle      *idling
	listeners []*func(Event)
	err       error // why the connection has ended
}

// State is how far a session is (RFC 9051 section 3).
type State int

// The states.
const (
	StateNotAuthenticated State = iota
	StateAuthenticated
	StateSelected
	StateLogout // the connection has ended, or is about to
)

// String returns the state's name.
func (s State) String() string {
	return [...]string{"not authenticated", "authenticated", "selected", "logout"}[s&3]
}

// Dial connects to addr, "host:port" or "unix:/path", reads the greeting and gets the session ready as opts say: TLS, login,
// ENABLE, ID, COMPRESS. A host without a port means port 993. A nil opts is the zero one.
func Dial(ctx context.Context, addr string, opts *Options) (*Client, error) {
	o := options(opts)
	network, target := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, target = "unix", path
		if o.ServerName == "" {
			o.ServerName = "localhost"
		}
	} else {
		host, port, err := net.SplitHostPort(addr)
		if err != nil && !strings.Contains(addr, ":") {
			host, port, err = addr, "993", nil
			target = net.JoinHostPort(host, port)
		}
		if err != nil {
			return nil, &Error{Host: addr, Err: err}
		}
		if o.ServerName == "" {
			o.ServerName = host
		}
		if o.TLS == TLSAuto && (port == "993" || port == "imaps") {
			o.TLS = TLSImplicit
		}
	}
	conn, err := o.dial(ctx, network, target)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return nil, &Error{Host: o.ServerName, Err: err}
	}
	return NewClient(ctx, conn, &o)
}

func options(opts *Options) Options {
	if opts == nil {
		return Options{}
	}
	return *opts
}

func (o *Options) dial(ctx context.Context, network, target string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, orDefault(o.Timeouts.Dial, 30*time.Second))
	defer cancel()
	if o.Dial != nil {
		return o.Dial(ctx, network, target)
	}
	return new(net.Dialer).DialContext(ctx, network, target)
}

// NewClient does what Dial does, on a connection that is open. When it fails it closes conn.
func NewClient(ctx context.Context, conn net.Conn, opts *Options) (*Client, error) {
	c := newClient(conn, options(opts))
	if err := c.open(ctx); err != nil {
		c.fail(err)
		c.reader.Wait()
		return nil, err
	}
	return c, nil
}

func newClient(conn net.Conn, o Options) *Client {
	c := &Client{opts: o, lim: o.Limits.withDefaults(), turn: make(chan struct{}, 1), plus: make(chan string, 1), over: make(chan struct{}),
		hurry: make(chan struct{}, 1), ended: make(chan struct{}), clock: present}
	c.line.c, c.line.silence = c, orDefault(o.Timeouts.Command, 2*time.Minute)
	c.line.use(conn)
	c.name(conn)
	c.dec = imap.NewDecoder(&c.line)
	c.dec.SetLimits(imap.DecoderLimits{Line: c.lim.Line, Literal: c.lim.Literal, Command: c.lim.Response, Drain: 1 << 62, Depth: c.lim.Depth,
		Items: c.lim.Items, Ranges: c.lim.Items})
	c.dec.Response, c.dec.BareLF, c.dec.Buffer = true, true, 32<<10
	c.enc = imap.NewEncoder(&c.line)
	c.enc.Ask, c.enc.NonSync = c.ask, c.nonSync
	if o.Trace != nil {
		c.enc.Trace = c.traceSent
	}
	return c
}

// name works out what errors call the server, and whether it is on this machine.
func (c *Client) name(conn net.Conn) {
	c.host = c.opts.ServerName
	switch a := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		c.local, c.port = a.IP.IsLoopback(), a.Port
		if c.host == "" {
			c.host = a.IP.String()
		}
	case *net.UnixAddr:
		c.local = true
	case nil:
	default:
		c.local = a.Network() == "pipe"
	}
	if c.host == "" {
		c.host = "localhost"
	}
}

// Greeting returns the server's first response.
func (c *Client) Greeting() *imap.Status { return c.greeting }

// TLS returns the state of the connection's TLS, nil without TLS.
func (c *Client) TLS() *tls.ConnectionState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tls
}

// State returns how far the session is.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || c.bye != nil {
		return StateLogout
	}
	return c.state
}

// Err returns why the connection has ended, nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// owed reports whether the server owes an answer.
func (c *Client) owed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.running, func(cmd *command) bool { return !cmd.quiet })
}

// why returns why the connection has ended.
func (c *Client) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// fail ends the connection, for the first reason that is given. Nothing runs after it.
func (c *Client) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if e, ok := err.(*Error); ok {
		err = e.Err
	}
	if c.bye != nil && !errors.Is(err, c.bye) {
		err = errors.Join(ErrClosed, c.bye)
	}
	c.err = err
	running := slices.Clone(c.running)
	close(c.over)
	c.mu.Unlock()
	_ = c.line.close()
	for _, cmd := range running {
		if cmd.fetch != nil {
			cmd.fetch.leave()
		}
		c.finish(cmd, nil, err)
	}
}

// Close closes the connection without a word. Calls that wait return ErrClosed.
func (c *Client) Close() error {
	c.fail(ErrClosed)
	c.reader.Wait()
	return nil
}

// Logout says goodbye, waits a moment for the answer, and closes the connection. An error of the goodbye is not reported:
// whatever was answered before holds.
func (c *Client) Logout(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.opts.Timeouts.Logout, 5*time.Second))
	defer cancel()
	_ = c.run(ctx, &command{name: "LOGOUT", rule: rule{alone: true}}, nil)
	return c.Close()
}
