package pop3

import "crypto/tls"

// Hooks tell a program what happens on a server's connections, so that it can write its log in a form of its own. Each
// may be nil. They are called from the connection's goroutine and must be quick.
type Hooks struct {
	// Connected is called for each connection, before TLS and the greeting.
	Connected func(c *Conn)
	// Secured is called when a TLS handshake has ended.
	Secured func(c *Conn, state *tls.ConnectionState, err error)
	// Authenticated is called when a login has been decided: the client is who it says and its maildrop is open, or err
	// says what is wrong. mechanism is "USER", "APOP" or AUTH's; username is what the client called itself.
	Authenticated func(c *Conn, mechanism, username string, err error)
	// Rejected is called for each command that is answered -ERR. text is what the client gets.
	Rejected func(c *Conn, command, text string, err error)
	// Disconnected is called when a connection has ended, for every one that Connected was called for.
	Disconnected func(c *Conn, end *End)
}

// Cause is why a connection ended.
type Cause int

// The causes.
const (
	CauseQuit     Cause = iota // QUIT
	CauseLost                  // the peer went away
	CauseTimeout               // the peer said nothing for too long
	CauseErrors                // too many errors
	CauseAuth                  // too many failed logins
	CauseTLS                   // the TLS handshake failed
	CauseRefused               // too many connections
	CauseShutdown              // the server is being closed
)

// String returns what logs say of it.
func (c Cause) String() string {
	return [...]string{"quit", "lost connection", "timeout", "too many errors", "too many failed logins",
		"TLS handshake failed", "refused", "shutdown"}[c&7]
}

// End is how a connection ended.
type End struct {
	Cause Cause
	Err   error // what the network or the store said
	Stats Stats
}

// Stats count what a session did, as Dovecot's log has it: "top=0/0, retr=1/1234, del=1/2, size=5678".
type Stats struct {
	Tops      int   // TOP commands answered
	TopBytes  int64 // octets sent for them
	Retrs     int   // RETR commands answered
	RetrBytes int64
	Deleted   int   // messages removed by QUIT
	Messages  int   // in the maildrop when it was opened
	Size      int64 // octets of the maildrop when it was opened
}
