package imapclient

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// Options say how a [Client] connects, secures and logs in. The zero value is right for most: TLS from the start on port
// 993, STARTTLS elsewhere when it is offered, a verified certificate, no login.
type Options struct {
	// ServerName is the server's name, for the certificate check. "" means the host in the dialled address.
	ServerName string

	TLS       TLSMode
	TLSConfig *tls.Config // nil: the system's roots, ServerName, TLS 1.2 or newer; it is cloned before use

	// Auth is what to log in with; nil for not logging in. The best mechanism is used that the server offers, and LOGIN where it
	// offers none; one that shows the password only where the certificate was checked (a TLSConfig of your own counts as
	// that) or the server is on this machine.
	Auth *mail.Credentials

	// ID is what the server is told about the client after login, name, value, name, value (RFC 2971). Some servers want to know
	// before they let anybody read. Empty: nothing is told.
	ID []string

	// Without are capabilities that are not used though the server offers them: against servers' troubles with them.
	Without []string

	// UTF8 makes the session use UTF8=ACCEPT where the server offers it, and RawMessages of that kind be sent as they are
	// (RFC 6855). IMAP4rev2, which has UTF-8 names too, is enabled wherever it is offered, unless Without has it.
	UTF8 bool

	// Compress uses COMPRESS=DEFLATE where it is offered (RFC 4978). It costs the processor about 10 ms for each megabyte.
	Compress bool

	// Events, if not nil, is called with everything that the server tells without being asked, in its order, on the goroutine
	// that reads the connection: it must be quick, and must not call the Client's methods that send. The slices and
	// values are the callee's.
	Events func(Event)

	// Dial opens the connection. nil means a net.Dialer. Network is "tcp" or "unix".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// CharsetReader makes more charsets known than UTF-8, US-ASCII and ISO-8859-1, as package mime/charset does, for texts that are looked
	// at here because the server can't: in sorting, threads and previews.
	CharsetReader mime.CharsetReader

	Timeouts Timeouts
	Limits   Limits

	// Trace is called with each line sent (sent is true) and received, without its line end and up to its first literal. What
	// LOGIN and AUTHENTICATE send is replaced by "***". It may be called by two goroutines at once.
	Trace func(sent bool, line string)
}

// TLSMode says when a client uses TLS.
type TLSMode int

const (
	// TLSAuto is TLS from the start on port 993 (RFC 8314), and elsewhere STARTTLS when the server offers it. On a failed
	// handshake the connection is given up, not continued in the clear.
	TLSAuto TLSMode = iota
	// TLSNone never uses TLS.
	TLSNone
	// TLSStartTLS demands STARTTLS: a server that doesn't offer it, or greets with PREAUTH, is refused.
	TLSStartTLS
	// TLSImplicit begins with TLS (RFC 8314 section 3.2).
	TLSImplicit
)

// Timeouts bound how long a Client waits. 0 means the default, negative means no bound. A context's deadline holds beside them.
// They are measured by the clock on the wall, which goes on while the machine sleeps: a connection that died meanwhile is noticed
// within seconds of waking up, and not after the time that was left. Setting that clock back does not make them longer.
type Timeouts struct {
	Dial     time.Duration // connecting; 0: 30 s
	Greeting time.Duration // TLS handshake and greeting; 0: 1 min
	Command  time.Duration // silence of the server while a command runs; 0: 2 min
	Write    time.Duration // until the server takes a piece of what is sent; 0: 1 min
	Idle     time.Duration // after which IDLE is renewed; 0: 9 min, shorter than routers forget; servers may end it after 30
	Poll     time.Duration // between looks where the server has no IDLE; 0: 1 min
	Logout   time.Duration // for the server's goodbye; 0: 5 s
}

func orDefault(d, def time.Duration) time.Duration {
	switch {
	case d == 0:
		return def
	case d < 0:
		return 1 << 62
	}
	return d
}

// Limits bound what a server can make a client hold. 0 means the default.
type Limits struct {
	Line     int   // octets of a response line without its literals; 0: 16 MiB, what a SEARCH of two million messages takes
	Literal  int64 // octets of a literal that is held in memory; 0: 64 MiB. Streamed ones have no limit
	Response int64 // octets of a whole response that is held in memory; 0: 128 MiB
	Depth    int   // parentheses within parentheses; 0: 100
	Items    int   // elements of a list, and of a structure; 0: 100,000
	// Ahead is how many octets a Fetch loop may be behind what the server has sent while other commands wait for their
	// answers, which come after; 0: 64 MiB. Otherwise it is never more than a few dozen messages behind.
	Ahead int64
}

func (l Limits) withDefaults() Limits {
	if l.Line == 0 {
		l.Line = 16 << 20
	}
	if l.Literal == 0 {
		l.Literal = 64 << 20
	}
	if l.Response == 0 {
		l.Response = 128 << 20
	}
	if l.Depth == 0 {
		l.Depth = 100
	}
	if l.Items == 0 {
		l.Items = 100_000
	}
	if l.Ahead == 0 {
		l.Ahead = 64 << 20
	}
	return l
}
