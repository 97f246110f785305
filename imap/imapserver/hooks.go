package imapserver

import (
	"crypto/tls"

	"github.com/buuta/mail/imap"
)

// Hooks tell a program what happens on a server's connections, so that it can write its log in a form of its own. Each
// may be nil. They are called from the connection's goroutine and must be quick.
type Hooks struct {
	// Connected is called for each connection, before TLS and the greeting.
	Connected func(c *Conn)
	// Secured is called when a TLS handshake has ended.
	Secured func(c *Conn, state *tls.ConnectionState, err error)
	// Authenticated is called when a login has been decided: the client is who it says and its account is open, or err
	// says what is wrong. mechanism is "LOGIN" for the command too; username is what the client called itself.
	Authenticated func(c *Conn, mechanism, username string, err error)
	// Unauthenticated is called when a user leaves by UNAUTHENTICATE (RFC 8437) and the connection stays, with the counters
	// since the login; they begin again.
	Unauthenticated func(c *Conn, end *End)
	// Rejected is called for each command that is answered NO or BAD.
	Rejected func(c *Conn, command string, s *imap.Status)
	// Disconnected is called when a connection has ended, for every one that Connected was called for.
	Disconnected func(c *Conn, end *End)
}

// Cause is why a connection ended.
type Cause int

// The causes.
const (
	CauseLogout   Cause = iota // LOGOUT
	CauseLost                  // the peer went away
	CauseTimeout               // the peer said nothing for too long
	CauseErrors                // too many bad commands, or a literal beyond every limit
	CauseAuth                  // too many failed logins
	CauseTLS                   // the TLS handshake failed
	CauseRefused               // too many connections
	CauseDeleted               // the selected mailbox was deleted
	CauseShutdown              // the server is being closed
)

// String returns what logs say of it, in Dovecot's words where it has some.
func (c Cause) String() string {
	texts := [...]string{"Logged out", "Connection closed", "Inactivity", "Too many invalid IMAP commands",
		"Too many authentication failures", "TLS handshake failed", "Too many connections", "Mailbox was deleted",
		"Server shutting down"}
	if c < 0 || int(c) >= len(texts) {
		return "Disconnected"
	}
	return texts[c]
}

// End is how a connection ended, with the counters of Dovecot's log line.
type End struct {
	Cause     Cause
	In, Out   int64 // octets read and written, within TLS
	Expunged  int64 // messages removed by EXPUNGE, CLOSE and MOVE
	Bodies    int64 // message bodies and pieces of them that were sent
	BodyBytes int64 // their octets
	Err       error // what the network said
}
