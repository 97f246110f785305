package smtp

import (
	"context"

	"github.com/buuta/mail"
)

// Backend starts a session for each connection.
type Backend interface {
	// NewSession is called once the connection is there and, where TLS comes first, secured; nothing has been said
	// yet. ctx is the connection's: it ends with it, also when the peer just goes away. An error refuses the client: it is
	// the greeting.
	NewSession(ctx context.Context, c *Conn) (Session, error)
}

// BackendFunc is a function that is a Backend.
type BackendFunc func(ctx context.Context, c *Conn) (Session, error)

// NewSession implements [Backend].
func (f BackendFunc) NewSession(ctx context.Context, c *Conn) (Session, error) { return f(ctx, c) }

// Session is one client's visit. Begin is called for each MAIL command that is syntactically right and in order; the
// [mail.Transaction] it returns gets one Recipient call for each RCPT, and is committed behind the message. A
// Transaction may be a [DataStarter] too. A session is used by one goroutine at a time.
//
// What else a client can ask is answered by the small interfaces of this package that a session may implement.
type Session interface {
	mail.Deliverer

	// Close ends the session, however the connection ended. No transaction is open then.
	Close() error
}

// Handle returns a Backend that gives every client's messages to d. If d implements some of the small interfaces of
// this package, they are used.
func Handle(d mail.Deliverer) Backend {
	return BackendFunc(func(context.Context, *Conn) (Session, error) { return handled{d}, nil })
}

type handled struct{ mail.Deliverer }

func (handled) Close() error { return nil }

// ability returns the part of the session that implements T.
func ability[T any](s Session) (t T, ok bool) {
	if h, is := s.(handled); is {
		t, ok = h.Deliverer.(T)
		return t, ok
	}
	t, ok = s.(T)
	return t, ok
}

// HelloSession is a session that wants to know, or refuse, how the client introduces itself.
type HelloSession interface {
	// Hello is called for HELO, EHLO and LHLO with the name as the client gave it; it is a domain or an address literal
	// by syntax. An error refuses it.
	Hello(ctx context.Context, name string) error
}

// AuthSession is a session that wants to know how AUTH ended.
type AuthSession interface {
	// Authenticated is called when the client has proved who it is; Conn.Identity is set. An error takes it back.
	Authenticated(ctx context.Context, id *mail.Identity) error
}

// Authorizer is a session that has an [mail.Authenticator] of its own, in place of the server's.
type Authorizer interface {
	Authenticator() mail.Authenticator
}

// Verifier is a session that answers VRFY (RFC 5321 section 3.5). Without one VRFY is not announced and answered
// "252 2.5.2 Cannot VRFY user" (RFC 5321 section 3.5.3).
type Verifier interface {
	// Verify answers for a user name or mailbox, as the client wrote it. nil says "252 2.0.0 name": neither yes nor no.
	Verify(ctx context.Context, name string) *Reply
}

// Expander is a session that answers EXPN (RFC 5321 section 3.5).
type Expander interface {
	// Expand answers with the members of a mailing list, one a line of the reply's text.
	Expand(ctx context.Context, list string) *Reply
}

// Flusher is a session that answers ETRN (RFC 1985).
type Flusher interface {
	// Flush starts the delivery of what waits for destination: a domain, "@domain" for it and its subdomains, or
	// "#queue". nil says "250 2.0.0 Queuing started".
	Flush(ctx context.Context, destination string) *Reply
}

// Helper is a session that answers HELP (RFC 5321 section 4.1.1.8).
type Helper interface {
	// Help returns the text for a topic, "" for the general one.
	Help(ctx context.Context, topic string) string
}

// Extender is a session that can do more than [DefaultExtensions]: it returns what it can do besides, such as
// RequireTLS, DeliverBy, MTPriority, RRVS, FutureRelease. What they ask for is in the options that Begin and Recipient get.
type Extender interface {
	Extensions() Extension
}

// KeywordSession is a session with extensions of its own.
type KeywordSession interface {
	// Keywords returns further lines for the reply to EHLO, "XSAMPLE value".
	Keywords() []string
	// Parameter reports whether a parameter that this package doesn't know, by its upper-case name, is one of the
	// session's. It then comes in MailOptions.Extra or RcptOptions.Extra. command is "MAIL" or "RCPT".
	Parameter(command, name string) bool
}

// CommandSession is a session with commands of its own.
type CommandSession interface {
	// Command answers a command that this package doesn't know; verb is in upper case. nil says that the session doesn't know
	// it either.
	Command(ctx context.Context, verb, args string) *Reply
}

// DataStarter is a [mail.Transaction] that wants a say when all recipients are known and before the message comes.
type DataStarter interface {
	// StartData is called for DATA before "354", and for the first BDAT. An error refuses the message.
	StartData(ctx context.Context) error
}

// URLFetcher is a session that fetches what an IMAP URL names, for BURL (RFC 4468).
type URLFetcher interface {
	// FetchURL opens the content of an IMAP URL for the authenticated user. The error is what the client is told.
	FetchURL(ctx context.Context, url string) (mail.Body, error)
}
