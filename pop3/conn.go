package pop3

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
	"github.com/buuta/mail/internal/wire"
)

// Conn is a server's connection to a client. Its methods may be called from the hooks of that connection.
type Conn struct {
	srv      *Server
	ctx      context.Context
	cancel   context.CancelFunc
	nc       net.Conn // the connection below TLS
	remote   net.Addr // XCLIENT's, else nil
	stream   net.Conn // nc, or TLS over it
	r        *wire.Reader
	in       input
	out      []byte // answers not sent yet
	outBuf   *[outSize]byte
	writeErr error

	tls       *tls.ConnectionState
	shown     *sasl.ShownCertificate
	timestamp string // APOP's, "" when APOP is not offered
	user      string // USER's argument, until PASS
	identity  *mail.Identity
	method    string // how the client logged in
	drop      *maildrop
	utf8      bool
	lang      language
	next      int    // index of the message that is likely to be asked for next, 0 when nothing is
	ahead     *block // that message, once it is read

	phase    phase
	deadline time.Time
	state    ConnState
	end      *End
	stats    Stats
	sawHook  bool

	errors, authFailures, commands int

	mu      sync.Mutex // guards what Shutdown and Close touch
	closing bool
	idle    bool
}

// Context returns the connection's context. It ends when the connection does.
func (c *Conn) Context() context.Context { return c.ctx }

// Server returns the server.
func (c *Conn) Server() *Server { return c.srv }

// Close ends the connection from outside of it, without a word to the client; its Disconnected hook is called as for a client that went away, and nothing is deleted.
func (c *Conn) Close() error { return c.nc.Close() }

// RemoteAddr returns the client's address: as XCLIENT has it, else the network's.
func (c *Conn) RemoteAddr() net.Addr {
	if c.remote != nil {
		return c.remote
	}
	return c.nc.RemoteAddr()
}

// LocalAddr returns the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteIP returns the IP address of RemoteAddr as text, or "" where there is none.
func (c *Conn) RemoteIP() string { return addrIP(c.RemoteAddr()) }

// LocalIP returns the IP address of LocalAddr as text, or "" where there is none.
func (c *Conn) LocalIP() string { return addrIP(c.nc.LocalAddr()) }

// FromThisMachine reports whether the client runs on the machine that it connected to: over loopback, a unix socket, or
// from the address that it connects to.
func (c *Conn) FromThisMachine() bool { return serving.FromThisMachine(c.RemoteAddr(), c.LocalAddr()) }

// TLS returns the state of TLS, or nil without it.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// Identity returns who the client has proved to be, or nil.
func (c *Conn) Identity() *mail.Identity { return c.identity }

// Method returns how the client logged in: "USER", "APOP", or a SASL mechanism's name; "" before.
func (c *Conn) Method() string { return c.method }

// Stats returns what the session has done so far.
func (c *Conn) Stats() Stats { return c.stats }

// secured reports whether passwords may be sent in the clear.
func (c *Conn) secured() bool {
	return c.tls != nil || c.srv.AllowPlaintext != nil && c.srv.AllowPlaintext(c)
}

// sasl returns what authentication works with.
func (c *Conn) sasl() *sasl.Config {
	cfg := &sasl.Config{
		Authenticator: c.srv.Authenticator, Guard: c.srv.Guard, Service: c.srv.Service, Hostname: c.srv.host(), Remote: c.RemoteAddr(),
		Secured: c.secured(), TLS: c.tls, Allow: c.srv.Mechanisms,
	}
	if cfg.Service == "" {
		cfg.Service = "pop3"
	}
	if c.shown != nil {
		cfg.Certificate = c.shown.DER()
	}
	return cfg
}

// addrIP returns the IP address of a as text, or "" where there is none.
func addrIP(a net.Addr) string {
	if ip := serving.IP(a); ip.IsValid() {
		return ip.String()
	}
	return ""
}
