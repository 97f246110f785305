package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
	"github.com/buuta/mail/internal/wire"
)

// Conn is a server's connection to a client. Its methods may be called from the session and the hooks of that
// connection.
type Conn struct {
	srv      *Server
	ctx      context.Context
	cancel   context.CancelFunc
	nc       net.Conn // the connection below TLS
	stream   net.Conn // nc, or TLS over it
	in       connReader
	r        *wire.Reader
	out      []byte
	outBuf   *[replyBufferSize]byte
	writeErr error

	remote, local net.Addr // as the client or those who speak for it say
	real          net.Addr // as the network says
	tls           *tls.ConnectionState
	shown         *sasl.ShownCertificate
	hello         string
	helloVerb     verb
	protoOverride string // by XCLIENT
	clientName    string // by XCLIENT
	forward       *Forwarded
	identity      *mail.Identity
	mechanism     string
	session       Session
	exts          Extension

	tx       *transaction
	done     *transaction // the one that the reply being made ends
	pending  string       // a command line that ended a message sent by BDAT, to be worked on next
	refused  *Reply       // greeting of a refused client: everything but QUIT is answered 503
	last     string       // the command before, for the log
	where    string       // a name for the present command other than its verb
	lastTo   string       // what the RCPT command in work named
	sawHook  bool         // Hooks.Connected has been called
	rated    bool         // the RateLimiter counts this connection
	limited  bool         // the reply being made is the RateLimiter's
	data     int64        // octets of the message being read
	deadline time.Time
	// messageEnd is when the message being read must be there.
	messageEnd time.Time
	phase      phase
	state      ConnState
	end        *End

	errors, junk, authFailures, messages, commands int
	counts                                         [numVerbs]counter

	mu      sync.Mutex // guards what Shutdown and Close touch
	closing bool
	idle    bool
}

// Context returns the connection's context. It ends when the connection does.
func (c *Conn) Context() context.Context { return c.ctx }

// Server returns the server.
func (c *Conn) Server() *Server { return c.srv }

// Session returns the session, nil before there is one.
func (c *Conn) Session() Session { return c.session }

// RemoteAddr returns the client's address: as a PROXY header or XCLIENT has it, else the network's.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr returns the address that the client connected to.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// PeerAddr returns the address that the connection really comes from, perhaps a proxy's.
func (c *Conn) PeerAddr() net.Addr { return c.real }

// RemoteIP returns the IP address of RemoteAddr as text, or "" where there is none.
func (c *Conn) RemoteIP() string { return addrIP(c.remote) }

// ClientName returns the client's host name as XCLIENT or SetClientName gave it, or "". The server asks no name server
// itself.
func (c *Conn) ClientName() string { return c.clientName }

// SetClientName says what the client's host is called, for Received fields and logs. A Backend that asks a name server
// calls it.
func (c *Conn) SetClientName(name string) { c.clientName = name }

// Forwarded returns what XFORWARD said about the client that the message comes from, or nil. It is for the log and is
// no ground for any decision.
func (c *Conn) Forwarded() *Forwarded { return c.forward }

// TLS returns the state of TLS, or nil without it.
func (c *Conn) TLS() *tls.ConnectionState { return c.tls }

// Hello returns the name that the client gave with HELO, EHLO or LHLO, "" before.
func (c *Conn) Hello() string { return c.hello }

// Extended reports whether the client said EHLO or LHLO.
func (c *Conn) Extended() bool { return c.helloVerb == verbEHLO || c.helloVerb == verbLHLO }

// Identity returns who the client has proved to be, or nil.
func (c *Conn) Identity() *mail.Identity { return c.identity }

// Mechanism returns the SASL mechanism that the client authenticated with, or "".
func (c *Conn) Mechanism() string { return c.mechanism }

// Extensions returns what the client may use now.
func (c *Conn) Extensions() Extension { return c.exts }

// Protocol returns the name of the protocol as the Received field's "with" has it: "SMTP", "ESMTP", with "S" for TLS and "A"
// for AUTH ("ESMTPSA", RFC 3848); for a message with SMTPUTF8 "UTF8SMTPSA" (RFC 6531 section 4.3); and the same with LMTP.
func (c *Conn) Protocol() string {
	if c.protoOverride != "" {
		return c.protoOverride
	}
	name := "SMTP"
	switch {
	case c.srv.LMTP:
		name = "LMTP"
	case c.Extended():
		name = "ESMTP"
	}
	if c.tx != nil && c.tx.opts.UTF8 {
		name = "UTF8" + strings.TrimPrefix(name, "E")
	}
	if c.Extended() {
		if c.tls != nil {
			name += "S"
		}
		if c.identity != nil {
			name += "A"
		}
	}
	return name
}

// ProtocolFamily returns "SMTP", "ESMTP" or "LMTP", as logs have it.
func (c *Conn) ProtocolFamily() string {
	switch {
	case c.protoOverride != "":
		return c.protoOverride
	case c.srv.LMTP:
		return "LMTP"
	case c.Extended():
		return "ESMTP"
	}
	return "SMTP"
}

// Counts returns how often each command came, in a fixed order, without those that never did.
func (c *Conn) Counts() []CommandCount {
	var out []CommandCount
	for v, n := range c.counts {
		if n.total > 0 {
			out = append(out, CommandCount{verbNames[v], int(n.ok), int(n.total)})
		}
	}
	return out
}

// CountsText returns Counts as Postfix's log has it: "ehlo=1 mail=1 rcpt=0/1 quit=1 commands=3/4".
func (c *Conn) CountsText() string {
	var b []byte
	var sum CommandCount
	add := func(n CommandCount) {
		b = append(b, n.Name...)
		b = append(b, '=')
		b = strconv.AppendInt(b, int64(n.Accepted), 10)
		if n.Accepted != n.Total {
			b = append(b, '/')
			b = strconv.AppendInt(b, int64(n.Total), 10)
		}
	}
	for _, n := range c.Counts() {
		add(n)
		b = append(b, ' ')
		sum.Accepted += n.Accepted
		sum.Total += n.Total
	}
	sum.Name = "commands"
	add(sum)
	return string(b)
}

// addrIP returns the IP address of a as text, or "" where there is none.
func addrIP(a net.Addr) string {
	if ip := serving.IP(a); ip.IsValid() {
		return ip.String()
	}
	return ""
}

// Drop cuts the connection without a word. The session's work goes on until it next reads or writes.
func (c *Conn) Drop() {
	c.cancel()
	_ = c.nc.Close()
}
