package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/serving"
)

// Server is an SMTP, submission or LMTP server. The zero value works, and refuses every message for want of a Backend.
// Fields must not be changed while it serves.
type Server struct {
	// Hostname is this server's name in its greeting and replies. "" means the name that the operating system gives.
	Hostname string
	// Greeting is the text behind "220 " (RFC 5321 section 4.2); it should begin with the host's name. "" means
	// "HOSTNAME ESMTP", or LMTP.
	Greeting string
	// Backend makes the sessions. nil refuses all mail.
	Backend Backend
	// LMTP makes it a server of LMTP (RFC 2033): LHLO instead of EHLO, and after the message one reply for each recipient.
	LMTP bool

	// TLSConfig makes STARTTLS possible (RFC 3207), and is used by ServeTLS. Where it asks clients for certificates
	// without checking them (tls.RequestClientCert), those of its ClientCAs are found out: Conn.TLS has VerifiedChains then, and EXTERNAL is offered.
	TLSConfig *tls.Config
	// RequireSecure refuses mail and AUTH before TLS: "530 5.7.0 Must issue a STARTTLS command first".
	RequireSecure bool

	// Authenticator makes AUTH possible (RFC 4954), with the mechanisms that its abilities allow.
	Authenticator mail.Authenticator
	// Guard, if not nil, slows down those who guess passwords. Servers that have the same one share what it knows.
	Guard mail.AuthGuard
	// Mechanisms narrows the SASL mechanisms to those named. nil allows all.
	Mechanisms []string
	// AllowPlaintext says that passwords may cross this connection without TLS. nil allows it to nobody.
	AllowPlaintext func(c *Conn) bool
	// RequireAuth refuses mail from clients that have not authenticated: "530 5.7.0 Authentication required".
	RequireAuth bool
	// Service is what the Authenticator is told: "" means "smtp".
	Service string

	// Extensions are offered beside those that are offered for what has been plugged in. 0 means DefaultExtensions. A
	// session adds to them as an [Extender].
	Extensions Extension
	// Without takes extensions away, whoever offers them.
	Without Extension

	// BareLines says what becomes of lines that end in LF alone, and of CRs that stand alone. They never end a message.
	BareLines BareLines
	// StrictSyntax refuses what RFC 5321's grammar doesn't have and clients and people write all the same: a path without angle
	// brackets, a space behind "FROM:", an address without a domain or with two dots in a row.
	StrictSyntax bool
	// AngleBrackets refuses paths without them, and nothing else that StrictSyntax refuses.
	AngleBrackets bool
	// AllowNoHello takes mail from clients that didn't say HELO or EHLO first (RFC 5321 section 4.1.4 forbids it to them).
	AllowNoHello bool
	// AllowEarlyTalk lets clients send commands or data before they could know that they may: behind EHLO, behind DATA
	// and before the greeting. Otherwise they get "554 5.5.0 Error: SMTP protocol synchronization" and are cut off.
	AllowEarlyTalk bool
	// GreetDelay is how long the greeting waits for clients that talk before their turn.
	GreetDelay time.Duration

	// Proxy, XClient and XForward say who may speak for others: send a PROXY protocol header (it then must), and use the
	// XCLIENT and XFORWARD commands. nil means nobody. They are asked with the address the connection really comes from.
	Proxy, XClient, XForward func(addr net.Addr) bool

	// Forbidden reports commands, in upper case, that no mail client sends: the connection is ended, as it is for a header field in place of
	// a command. nil: CONNECT, GET and POST.
	Forbidden func(command string) bool

	// Rewrite, if not nil, is told each command as the client wrote it, without its line end, and returns what is done in its place.
	Rewrite func(c *Conn, line string) string
	// Refusal, if not nil, is told each reply that says no, and returns what is sent in its place: one with a footer, perhaps. Logs and hooks have the
	// reply as it was.
	Refusal func(c *Conn, r *Reply) *Reply

	// RateLimiter, if not nil, counts what clients do over time and refuses what is too much.
	RateLimiter RateLimiter

	// HelpText answers HELP when the session is no [Helper].
	HelpText string

	Limits   Limits
	Timeouts Timeouts
	Hooks    Hooks

	// ConnState, if not nil, is called when a connection's state changes.
	ConnState func(c *Conn, state ConnState)
	// Trace, if not nil, gets every line that is received and sent, without its end. What AUTH carries is shown as "***", a
	// message's content as its size.
	Trace func(c *Conn, sent bool, line string)
	// Logger gets what goes wrong on the server's side; nil is silent.
	Logger *slog.Logger
	// BaseContext, if not nil, returns the context that connections of l descend from.
	BaseContext func(l net.Listener) context.Context
	// Now is the clock for what is shown; nil is time.Now.
	Now func() time.Time

	mu        sync.Mutex
	hostname  serving.Hostname
	group     serving.Group[*Conn]
	tlsConfig *tls.Config // TLSConfig as handshakes use it
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("smtp: server closed")

// BareLines says what a server does with bare CR and LF (RFC 5321 section 2.3.8).
type BareLines int

const (
	// RejectBare answers "500 5.5.2 Error: bare <LF> received" to a command, and 550 to a message after all of it
	// has been read.
	RejectBare BareLines = iota
	// NormalizeBare takes a command that ends in LF, and makes a bare LF in a message a CRLF and a bare CR a space. The
	// message still ends with CRLF.CRLF and nothing else.
	NormalizeBare
)

// ConnState is a connection's state.
type ConnState int

// The states. A connection goes from new to idle and active in turns, and ends closed.
const (
	StateNew    ConnState = iota // just accepted
	StateActive                  // a transaction is open, or a command is worked on
	StateIdle                    // waiting for a command outside a transaction
	StateClosed
)

// String returns the state's name.
func (s ConnState) String() string {
	return [...]string{"new", "active", "idle", "closed"}[s&3]
}

// ListenAndServe listens on a TCP address, ":25" if it is "" (":24" for LMTP), and serves until Shutdown or Close.
func (s *Server) ListenAndServe(addr string) error {
	if addr == "" {
		addr = ":25"
		if s.LMTP {
			addr = ":24"
		}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS listens on a TCP address, ":465" if it is "", for clients that begin with TLS (RFC 8314 section 3.3).
func (s *Server) ListenAndServeTLS(addr string) error {
	if addr == "" {
		addr = ":465"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.ServeTLS(l)
}

// Serve accepts connections from l until Shutdown or Close, and returns ErrServerClosed then. It closes l.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, false) }

// ServeTLS is Serve for clients that begin with TLS, by TLSConfig. A PROXY header comes before TLS.
func (s *Server) ServeTLS(l net.Listener) error {
	if s.TLSConfig == nil {
		_ = l.Close()
		return errors.New("smtp: ServeTLS without TLSConfig")
	}
	return s.serve(l, true)
}

func (s *Server) serve(l net.Listener, implicit bool) error {
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(l)
	}
	err := s.group.Serve(ctx, l, s.Logger, func(nc net.Conn) { s.serveConn(ctx, nc, implicit) })
	if err == nil {
		err = ErrServerClosed
	}
	return err
}

// ServeConn serves one connection, whatever it is made of, and returns when it has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) { s.serveConn(ctx, nc, false) }

// host returns the server's name.
func (s *Server) host() string {
	return s.hostname.Or(s.Hostname)
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Server) log(ctx context.Context, level slog.Level, msg string, args ...any) {
	if s.Logger != nil {
		s.Logger.Log(ctx, level, msg, args...)
	}
}
