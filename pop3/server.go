package pop3

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
)

// Server is a POP3 server. The zero value works, and lets nobody in for want of an Authenticator. Fields must not be
// changed while it serves.
type Server struct {
	// Store has the maildrops: the INBOX of each account.
	Store mail.Store
	// Hostname is this server's name in APOP's timestamp and CRAM-MD5's challenge. "" means the name that the operating
	// system gives.
	Hostname string
	// Greeting is the text behind "+OK ". "" means "POP3 server ready". It must not have a "<": a timestamp in angle brackets
	// stands for APOP and is added when the Authenticator makes APOP possible.
	Greeting string
	// Implementation is announced by CAPA (RFC 2449 section 6.9) unless it is "".
	Implementation string

	// TLSConfig makes STLS possible (RFC 2595), and is used by ServeTLS.
	TLSConfig *tls.Config
	// RequireSecure refuses every login before TLS, with whatever mechanism.
	RequireSecure bool

	// Authenticator decides who logs in. USER needs nothing more; AUTH has the mechanisms that its abilities allow
	// ([mail.PasswordStore] and the others), and APOP needs mail.PasswordStore.
	Authenticator mail.Authenticator
	// Guard, if not nil, slows down those who guess passwords. Servers that have the same one share what it knows.
	Guard mail.AuthGuard
	// Mechanisms narrows the ways to log in to those named: SASL mechanisms, "USER", "APOP". nil allows all.
	Mechanisms []string
	// AllowPlaintext says that passwords may cross this connection without TLS. nil allows it to nobody;
	// [Conn.FromThisMachine] is a good answer.
	AllowPlaintext func(c *Conn) bool
	// Service is what the Authenticator is told: "" means "pop3".
	Service string

	// UIDLFormat is how unique-ids are made, in Dovecot's notation: %u is the message's UID, %v the mailbox's UIDVALIDITY,
	// %g the message's GUID, %f the name of its file in a Maildir, both as Dovecot has them; X makes hexadecimal, and a width may
	// stand before it as in "%08Xu". The rest stands for itself.
	// "" means "%08Xu%08Xv", Dovecot's own default, so that clients of a Maildir that was Dovecot's fetch nothing twice.
	UIDLFormat string
	// Locker keeps a second session from a maildrop that is in use. nil means that this Server does it for its own
	// connections; several servers or processes on one store should share one.
	Locker Locker
	// Delete, if not nil, is how QUIT removes the messages of set from the INBOX, all or none: [MoveTo] moves them to a folder,
	// [Keep] keeps them. nil means [mail.Mailbox].Expunge.
	Delete func(ctx context.Context, account mail.Account, inbox mail.Mailbox, set mail.UIDSet) error
	// Newest shows only that many of the latest messages of a maildrop, so that an old client doesn't begin by fetching a
	// mailbox of ten years. 0 shows all.
	Newest int
	// MarkSeen gives messages that were fetched by RETR the flag \Seen when the client says QUIT, as Dovecot does.
	MarkSeen bool
	// Expire is what CAPA says about how long messages are kept, in days or "NEVER" (RFC 2449 section 6.7). "" means
	// "NEVER". The server itself removes nothing by age.
	Expire string

	// XClient says which peers are proxies that may say by XCLIENT whose connection they hand on, as Dovecot's do. nil: none.
	XClient func(addr net.Addr) bool

	// LoginDelay is how long an account must wait from one login to the next (RFC 2449 section 6.5). 0 means not at all.
	LoginDelay time.Duration

	// RefuseUTF8 answers "-ERR [UTF8]" to a client that wants a message with UTF-8 in its header and hasn't said UTF8 (RFC
	// 6856 section 5). Otherwise it is sent as it is, what every other server does.
	RefuseUTF8 bool
	// LateUTF8 lets clients say UTF8 after having logged in, as Outlook does, though RFC 6856 section 2 forbids it.
	LateUTF8 bool

	Limits   Limits
	Timeouts Timeouts
	Hooks    Hooks

	// ConnState, if not nil, is called when a connection's state changes.
	ConnState func(c *Conn, state ConnState)
	// Trace, if not nil, gets every line that is received and sent, without its end. What PASS, APOP and AUTH carry is
	// shown as "***", a message's content and long lists as their size.
	Trace func(c *Conn, sent bool, line string)
	// Logger gets what goes wrong on the server's side; nil is silent.
	Logger *slog.Logger
	// BaseContext, if not nil, returns the context that connections of l descend from.
	BaseContext func(l net.Listener) context.Context

	mu        sync.Mutex
	locked    map[string]struct{}
	logins    map[string]time.Time // of accounts that have to wait
	purge     time.Time            // when to forget those that don't
	hostname  serving.Hostname
	group     serving.Group[*Conn]
	tlsOnce   sync.Once
	tlsConfig *tls.Config // TLSConfig that tells which certificate it shows
	uidlOnce  sync.Once
	uidl      *uidlFormat
	uidlErr   error
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("pop3: server closed")

// ConnState is a connection's state.
type ConnState int

// The states. A connection goes from new to idle and active in turns, and ends closed.
const (
	StateNew    ConnState = iota // just accepted
	StateActive                  // a command is worked on
	StateIdle                    // waiting for a command
	StateClosed
)

// String returns the state's name.
func (s ConnState) String() string {
	return [...]string{"new", "active", "idle", "closed"}[s&3]
}

// ListenAndServe listens on a TCP address, ":110" if it is "", and serves until Shutdown or Close.
func (s *Server) ListenAndServe(addr string) error {
	if addr == "" {
		addr = ":110"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS listens on a TCP address, ":995" if it is "", for clients that begin with TLS (RFC 8314 section 3.3).
func (s *Server) ListenAndServeTLS(addr string) error {
	if addr == "" {
		addr = ":995"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.ServeTLS(l)
}

// Serve accepts connections from l until Shutdown or Close, and returns ErrServerClosed then. It closes l. A UIDLFormat
// that can't be is an error.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, false) }

// ServeTLS is Serve for clients that begin with TLS, by TLSConfig.
func (s *Server) ServeTLS(l net.Listener) error {
	if s.TLSConfig == nil {
		_ = l.Close()
		return errors.New("pop3: ServeTLS without TLSConfig")
	}
	return s.serve(l, true)
}

func (s *Server) serve(l net.Listener, implicit bool) error {
	if _, err := s.uidlFormat(); err != nil {
		_ = l.Close()
		return err
	}
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

func (s *Server) uidlFormat() (*uidlFormat, error) {
	s.uidlOnce.Do(func() { s.uidl, s.uidlErr = parseUIDLFormat(s.UIDLFormat) })
	return s.uidl, s.uidlErr
}

// tlsServerConfig returns TLSConfig in the form that tells SASL which certificate was shown.
func (s *Server) tlsServerConfig() *tls.Config {
	s.tlsOnce.Do(func() { s.tlsConfig = sasl.RecordCertificate(s.TLSConfig) })
	return s.tlsConfig
}

// host returns the server's name.
func (s *Server) host() string {
	return s.hostname.Or(s.Hostname)
}

func (s *Server) log(ctx context.Context, level slog.Level, msg string, args ...any) {
	if s.Logger != nil {
		s.Logger.Log(ctx, level, msg, args...)
	}
}
