package imapserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/deflate"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
	"github.com/buuta/mail/mime"
)

// Server is an IMAP server. The zero value works, and lets nobody in for want of an Authenticator. Fields must not be
// changed while it serves.
type Server struct {
	// Store has the mail.
	Store mail.Store

	// Hostname is this server's name in CRAM-MD5's challenge. "" means the name that the operating system gives.
	Hostname string
	// Greeting is the text of the first line; "" means "IMAP server ready.".
	Greeting string
	// ID is what the ID command tells about the server: name, value, name, value (RFC 2971). Empty: NIL.
	ID []string

	// Admin is the URI by which users can reach who runs the server, "mailto:postmaster@example.org": the annotation
	// /shared/admin of RFC 5464. Empty: none.
	Admin string

	// Language is the one that the LANGUAGE command's "default" stands for, "en" or "vi"; "" means "en". Until a client asks,
	// texts are in English (RFC 5255 section 3.1).
	Language string

	// TLSConfig makes STARTTLS possible, and is used by ServeTLS.
	TLSConfig *tls.Config
	// RequireSecure refuses every login before TLS, with whatever mechanism.
	RequireSecure bool

	// Authenticator decides who logs in. LOGIN needs nothing more; AUTHENTICATE has the mechanisms that its abilities
	// allow.
	Authenticator mail.Authenticator
	// Guard, if not nil, slows down those who guess passwords. Servers that have the same one share what it knows.
	Guard mail.AuthGuard
	// Mechanisms narrows the SASL mechanisms to those named. nil allows all.
	Mechanisms []string
	// AllowPlaintext says that passwords may cross this connection without TLS. nil allows it to nobody, and LOGINDISABLED
	// is announced (RFC 9051 section 11.7); [Conn.FromThisMachine] is a good answer.
	AllowPlaintext func(c *Conn) bool
	// Service is what the Authenticator is told: "" means "imap".
	Service string

	// Without takes capabilities away, against clients' troubles with them: their commands are then unknown. WithoutFor, when set,
	// says what those of a user who has logged in are instead. IMAP4rev1 can't be taken away; in place of LITERAL+ comes LITERAL-.
	Without    []imap.Capability
	WithoutFor func(*mail.Identity) []imap.Capability

	// SubmissionServer says that a user is a message submission server, which may fetch the URLs that other users have
	// authorized for submission (RFC 4467 section 3). nil: nobody is.
	SubmissionServer func(*mail.Identity) bool

	// CharsetReader makes SEARCH understand messages in charsets beyond UTF-8, US-ASCII and ISO-8859-1; that of package
	// mime/charset knows them. nil: none.
	CharsetReader mime.CharsetReader

	// BareLF lets commands end with LF alone.
	BareLF bool

	Limits   Limits
	Timeouts Timeouts
	Hooks    Hooks

	// ConnState, if not nil, is called when a connection's state changes.
	ConnState func(c *Conn, state ConnState)
	// Trace, if not nil, gets each command's first line and every line that is sent, without their ends. What LOGIN and
	// AUTHENTICATE carry is shown as "***"; lines that are sent are shown up to their first literal.
	Trace func(c *Conn, sent bool, line string)
	// Logger gets what goes wrong on the server's side; nil is silent.
	Logger *slog.Logger
	// BaseContext, if not nil, returns the context that connections of l descend from.
	BaseContext func(l net.Listener) context.Context
	// Now is the clock for what is stored and shown; nil is time.Now.
	Now func() time.Time

	hostname  serving.Hostname
	group     serving.Group[*Conn]
	packers   deflate.Compressors
	tlsOnce   sync.Once
	tlsConfig *tls.Config // TLSConfig that tells which certificate it shows
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("imapserver: server closed")

// ConnState is a connection's state.
type ConnState int

// The states. A connection goes from new to idle and active in turns, and ends closed.
const (
	StateNew    ConnState = iota // just accepted
	StateActive                  // a command is worked on, IDLE too
	StateIdle                    // waiting for a command
	StateClosed
)

// String returns the state's name.
func (s ConnState) String() string {
	return [...]string{"new", "active", "idle", "closed"}[s&3]
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// host returns the server's name.
func (s *Server) host() string {
	return s.hostname.Or(s.Hostname)
}

// tlsServerConfig returns TLSConfig in the form that tells SASL which certificate was shown.
func (s *Server) tlsServerConfig() *tls.Config {
	s.tlsOnce.Do(func() { s.tlsConfig = sasl.RecordCertificate(s.TLSConfig) })
	return s.tlsConfig
}

func (s *Server) log(ctx context.Context, level slog.Level, msg string, args ...any) {
	if s.Logger != nil {
		s.Logger.Log(ctx, level, msg, args...)
	}
}

func (s *Server) logError(ctx context.Context, what string, err error, args ...any) {
	s.log(ctx, slog.LevelError, what, append([]any{"error", err}, args...)...)
}
