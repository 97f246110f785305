package smtp

import "crypto/tls"

// Hooks tell a program what happens on a server's connections, so that it can write its log in a form of its own. Each
// may be nil. They are called from the connection's goroutine and must be quick.
type Hooks struct {
	// Connected is called for each connection, when the address is known and before the greeting.
	Connected func(c *Conn)
	// Secured is called when a TLS handshake has ended.
	Secured func(c *Conn, state *tls.ConnectionState, err error)
	// Authenticated is called when an AUTH command has ended; username is what the client called itself, and proved
	// only if err is nil.
	Authenticated func(c *Conn, mechanism, username string, err error)
	// Rejected is called for each command that is answered 4yz or 5yz, and each connection that is refused.
	Rejected func(c *Conn, r *Rejection)
	// Disconnected is called when a connection has ended, for every one that Connected was called for.
	Disconnected func(c *Conn, end *End)
}

// Rejection is a command that was refused.
type Rejection struct {
	Command string // "RCPT", "CONNECT", "END-OF-MESSAGE", "UNKNOWN"
	Reply   *Reply // as the peer gets it; Err is why
	From    string // the transaction's reverse-path
	HasFrom bool   // whether there is one: "" is also the null sender
	Limited bool   // by the RateLimiter
	To      string // the forward-path that RCPT named, as far as it could be read; at the end of a message its only recipient
}

// Cause is why a connection ended.
type Cause int

// The causes.
const (
	CauseQuit     Cause = iota // QUIT
	CauseLost                  // the peer went away
	CauseTimeout               // the peer said nothing for too long
	CauseErrors                // too many errors
	CauseSync                  // the peer talked before its turn
	CauseTLS                   // the TLS handshake failed
	CauseRefused               // too many connections, a PROXY header that is missing, or a session's 421 or 521
	CauseShutdown              // the server is being closed
)

// String returns what logs say of it, in Postfix's words where it has some.
func (c Cause) String() string {
	return [...]string{"quit", "lost connection", "timeout", "too many errors", "improper command pipelining",
		"TLS handshake failed", "refused", "shutdown"}[c&7]
}

// End is how a connection ended.
type End struct {
	Cause Cause
	After string // the last command, "CONNECT" before the first, "DATA" and "BDAT" within a message, "END-OF-MESSAGE" behind one
	Bytes int64  // of the message that was being read
	Err   error  // what the network said
}

// CommandCount says how often a command came on a connection and how often it was accepted.
type CommandCount struct {
	Name            string // lower case
	Accepted, Total int
}
