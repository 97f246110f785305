package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/buuta/mail"
)

// ClientOptions say how a [Client] connects, secures and introduces itself. The zero value is right for most: TLS by
// STARTTLS when offered (implicit on port 465) with a verified certificate, no AUTH, the timeouts of RFC 5321.
type ClientOptions struct {
	// LocalName is the name given in EHLO (RFC 5321 section 4.1.1.1). "" means the host's name when that is a domain
	// with a dot, and otherwise the connection's local address as an address literal.
	LocalName string

	// ServerName is the server's name, for the certificate check and [mail.Result].Relay. "" means the host in the
	// dialled address.
	ServerName string

	LMTP bool // speak LMTP (RFC 2033): LHLO, and a reply for each recipient after the message

	TLS       TLSMode
	TLSConfig *tls.Config // nil: the system's roots, ServerName, TLS 1.2 or newer; it is cloned before use

	// Auth is what to log in with; nil for no AUTH. The best mechanism is used that the server offers; one that shows the
	// password only where the certificate was checked (a TLSConfig of your own counts as that) or the server is on this machine.
	Auth *mail.Credentials

	// Dial opens the connection. nil means a net.Dialer. Network is "tcp" or "unix".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Timeouts ClientTimeouts
	Limits   ClientLimits

	// NoPipelining and NoChunking keep the client from using PIPELINING (RFC 2920) and BDAT (RFC 3030) with servers
	// that announce them and can't do them.
	NoPipelining, NoChunking bool

	// RequireDSN makes a transaction that asks for delivery status notifications fail at a server that can't do DSN.
	// When it is false the parameters are left out, as RFC 3461 section 5.2.2 has a relay do.
	RequireDSN bool

	// Trace is called with each line sent (sent is true) and received, without its line end. What AUTH sends is
	// replaced by "***", and a message's content is shown as its size only.
	Trace func(sent bool, line string)
}

// TLSMode says when a client uses TLS.
type TLSMode int

const (
	// TLSAuto is implicit TLS on port 465 (RFC 8314), and elsewhere STARTTLS (RFC 3207) when the server offers it. On a
	// failed handshake the connection is given up, not continued in the clear.
	TLSAuto TLSMode = iota
	// TLSNone never uses TLS.
	TLSNone
	// TLSStartTLS demands STARTTLS: a server that doesn't offer it is refused.
	TLSStartTLS
	// TLSImplicit begins with TLS (RFC 8314 section 3.3).
	TLSImplicit
)

// ClientTimeouts bound each phase of a session. 0 means the value of RFC 5321 section 4.5.3.2 where it has one;
// negative means none. A context's deadline holds beside them.
type ClientTimeouts struct {
	Dial      time.Duration // connecting; 0: 30 s
	TLS       time.Duration // handshake; 0: 1 min
	Greeting  time.Duration // the 220; 0: 5 min
	Hello     time.Duration // EHLO, HELO, LHLO, STARTTLS, AUTH; 0: 5 min
	Mail      time.Duration // MAIL; 0: 5 min
	Recipient time.Duration // RCPT; 0: 5 min
	DataInit  time.Duration // DATA to 354; 0: 2 min
	DataBlock time.Duration // each block of the message; 0: 3 min
	DataDone  time.Duration // the end of the message to its reply; 0: 10 min
	Reset     time.Duration // RSET, NOOP, VRFY and the like; 0: 20 s
	Quit      time.Duration // QUIT; 0: 5 s
}

// ClientLimits bound what a server can make a client hold. 0 means the default.
type ClientLimits struct {
	LineLength  int // octets of a reply line, without CRLF; 0: 4,096 (RFC 5321 section 4.5.3.1.5 asks for 512)
	ReplyLines  int // lines of a reply; 0: 256
	ReplyLength int // octets of a whole reply; 0: 65,536
	ChunkSize   int // octets of a BDAT chunk; 0: 262,144
	Recipients  int // recipients of one transaction; 0: 1,000, or what the server announces by LIMITS RCPTMAX
}
