package dsn

import (
	"io"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// Action says what the reporting system did for a recipient (RFC 3464 section 2.3.3).
type Action string

// The actions.
const (
	Failed    Action = "failed"
	Delayed   Action = "delayed"
	Delivered Action = "delivered"
	Relayed   Action = "relayed"  // to a system that can't send notifications
	Expanded  Action = "expanded" // to the members of a list
)

// Report is a delivery status notification. To write one, set at least ReportingMTA, To and Recipients.
type Report struct {
	// The notification's own header.
	From      mime.Address // default: Mail Delivery System <MAILER-DAEMON@ReportingMTA>
	To        string       // who is told: the reverse-path of the message it is about
	Subject   string       // default: by what happened
	MessageID string       // without brackets; default: random, at ReportingMTA
	Date      time.Time    // default: now

	// The message it is about (RFC 3464 section 2.2). Names of MTAs are given without their type, which is "dns".
	ReportingMTA    string
	EnvelopeID      string // ENVID=, decoded; "" when the sender gave none
	ReceivedFromMTA string
	ArrivalDate     time.Time
	QueueID         string // its name in the queue here; an extension field

	Recipients []Recipient

	// Text returns the part for people to read, in UTF-8; nil stands for DefaultText. A template's Execute fits here.
	Text func(*Report) string

	// Copy says that To is not the sender but somebody who looks after the mail system, and CopyOf who the sender was, "" for
	// the null sender, whom nobody can tell.
	Copy   bool
	CopyOf string

	// UTF8 writes addresses and headers in UTF-8 (RFC 6533), for a sender who can be reached by SMTPUTF8 only or sent
	// the message so. Without it the notification is ASCII but for what the returned message holds.
	UTF8 bool

	Return Return
}

// Return is what of the message is sent back with the notification.
type Return struct {
	Content    io.Reader // the message; nil: nothing is returned. It is read once, and only as far as needed
	HeaderOnly bool      // return the header alone, as text/rfc822-headers
	EightBit   bool      // the message may have octets above 127 (BODY=8BITMIME)
}

// Recipient is what became of the message for one recipient (RFC 3464 section 2.3).
type Recipient struct {
	Original       string // ORCPT=, "type;address" decoded; "" when the sender gave none
	Final          string // the address it was to be delivered to
	Action         Action
	Status         mail.EnhancedCode
	RemoteMTA      string    // who answered, as "host" or "host[address]"; "" when nobody was asked
	Diagnostic     string    // the answer or error, "550 5.1.1 no such user", in one line or several
	DiagnosticType string    // default: "smtp" with a RemoteMTA, "x-buuta" without
	LastAttempt    time.Time // zero: not written
	LogID          string    // Final-Log-ID
	WillRetryUntil time.Time // for delayed
}
