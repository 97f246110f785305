package script

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// Dialer connects to a server.
type Dialer func(ctx context.Context) (net.Conn, error)

// Target is what cases run against: a server, or several that are one system.
type Target struct {
	// Name is what skip and known lines call it, several names with "+" where it is several servers. "" for one that they don't know.
	Name string
	// Dial connects to it, for each protocol that it speaks. Connections that need TLS have it already.
	Dial map[Protocol]Dialer
	// User and Password are for logging in. "" where IMAP's greeting is PREAUTH.
	User, Password string
	// From is a sender, To a recipient whom SMTP and LMTP take: that of User's INBOX, where messages are looked for there.
	// "": cases that need them are skipped, and the empty sender.
	From, To string
	// Hello is the client's name in EHLO; "": "[127.0.0.1]".
	Hello string
	// TLS is for STARTTLS, which comes before a login where the server wants it. nil: cases that begin TLS are skipped.
	TLS *tls.Config
	// Timeout is how long an answer may take; 0: 10 seconds.
	Timeout time.Duration
	// Put puts a message into INBOX for POP3's cases. nil: it is done by IMAP, or by LMTP or SMTP to To.
	Put func(ctx context.Context, message string) error
	// Security and Stress play those cases too.
	Security, Stress bool
}

func (t *Target) timeout() time.Duration {
	if t.Timeout == 0 {
		return 10 * time.Second
	}
	return t.Timeout
}

func (t *Target) hello() string {
	if t.Hello == "" {
		return "[127.0.0.1]"
	}
	return t.Hello
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Pass       Outcome = "pass"
	Fail       Outcome = "fail"
	NotOffered Outcome = "not offered" // the case is not for this server
	NotReached Outcome = "not reached" // an earlier check of the case failed
)

// Result is what came of a check.
type Result struct {
	Case       *Case
	Check      *Check
	Outcome    Outcome
	Why        string // of all but Pass: what came instead, what the server lacks
	Known      string // of Fail: what a known line says of the target
	Transcript string // of all of the case, without the password
}

// Bad reports whether the result says that the target does what it must not.
func (r *Result) Bad() bool { return r.Outcome == Fail && r.Check.Level != May }
