package mail

import "time"

// Addresses in an envelope are strings as SMTP writes them between the angle brackets, without a source route: a
// local-part that needs quotes has them. The null reverse-path "<>" is "", and "Postmaster" may stand without a domain
// (RFC 5321 section 4.1.2 and 4.5.1).

// Envelope is what is said about a message from outside it: who sends it, who shall get it, and under which conditions.
type Envelope struct {
	From       string // reverse-path; "" is the null sender
	Options    MailOptions
	Recipients []Recipient
}

// Recipient is one forward-path with its parameters.
type Recipient struct {
	Address string
	Options RcptOptions
}

// MailOptions are the parameters of MAIL. The zero value asks for nothing.
type MailOptions struct {
	Size       int64       // SIZE=: declared octets, 0 when not said (RFC 1870)
	Body       BodyType    // BODY=: "" means 7BIT (RFC 6152, 3030)
	UTF8       bool        // SMTPUTF8: addresses or header may be UTF-8 (RFC 6531)
	RequireTLS bool        // REQUIRETLS (RFC 8689)
	Plaintext  bool        // no parameter: the header says "TLS-Required: No" (RFC 8689 section 3), so that no recipient's policy may hold the message up; RequireTLS goes before it
	Return     DSNReturn   // RET= (RFC 3461 section 4.3)
	EnvelopeID string      // ENVID=, xtext decoded (RFC 3461 section 4.4)
	Auth       *string     // AUTH=, xtext decoded; "" for AUTH=<>; nil when not said (RFC 4954 section 5)
	DeliverBy  *DeliverBy  // BY= (RFC 2852)
	Priority   *int        // MT-PRIORITY=, -9 to 9 (RFC 6710)
	Hold       HoldOptions // HOLDFOR=, HOLDUNTIL= (RFC 4865)
	Origin     Origin      // no parameter: what the server that took the message has found out about its sender
	Extra      []Parameter // parameters of extensions that package smtp doesn't know
}

// Origin says how sure it is that a message came from its reverse-path, by where it was taken and by its authentication (SPF, DKIM,
// DMARC). A sender who is not sure gets no reports: they would go to whoever's address was misused.
type Origin uint8

// The origins, the less sure first.
const (
	OriginUnknown  Origin = iota // nobody has looked
	OriginForged                 // something speaks against it
	OriginNeutral                // nothing speaks for it or against it
	OriginVerified               // the domain vouches for it
	OriginLocal                  // from a user who has logged in, or this system itself
)

// String returns the origin in one word, "" for OriginUnknown and values that have no name.
func (o Origin) String() string {
	if int(o) < len(originNames) {
		return originNames[o]
	}
	return ""
}

var originNames = [...]string{"", "forged", "neutral", "verified", "local"}

// ParseOrigin is the inverse of String. A word that it doesn't know is OriginUnknown.
func ParseOrigin(s string) Origin {
	for i, name := range originNames {
		if name == s {
			return Origin(i)
		}
	}
	return OriginUnknown
}

// BodyType is the value of the BODY parameter.
type BodyType string

// The body types (RFC 6152, RFC 3030).
const (
	Body7Bit       BodyType = "7BIT"
	Body8BitMIME   BodyType = "8BITMIME"
	BodyBinaryMIME BodyType = "BINARYMIME"
)

// DSNReturn says how much of the message a failure notification carries back.
type DSNReturn string

// The values of RET (RFC 3461 section 4.3).
const (
	ReturnFull    DSNReturn = "FULL"
	ReturnHeaders DSNReturn = "HDRS"
)

// DeliverBy is the BY parameter: deliver within Time or, by Mode, return or notify (RFC 2852 section 4).
type DeliverBy struct {
	Time  time.Duration // from acceptance; may be negative in mode N
	Mode  byte          // 'R' return, 'N' notify
	Trace bool          // T: tell of each relay
}

// HoldOptions delay a message's release; at most one of the fields is set.
type HoldOptions struct {
	For   time.Duration
	Until time.Time
}

// RcptOptions are the parameters of RCPT. The zero value asks for nothing.
type RcptOptions struct {
	Notify            Notify      // NOTIFY= (RFC 3461 section 4.1)
	OriginalRecipient string      // ORCPT=, "type;address", the address xtext decoded (RFC 3461 section 4.2)
	ValidSince        time.Time   // RRVS= (RFC 7293)
	Extra             []Parameter // parameters of extensions that package smtp doesn't know
}

// Notify says which events the sender wants a delivery status notification for. 0 means that the sender did not
// say: failures, and delays if the site does so.
type Notify uint8

// The values of NOTIFY. NotifyNever stands alone.
const (
	NotifyNever Notify = 1 << iota
	NotifySuccess
	NotifyFailure
	NotifyDelay
)

// Wants reports whether a notification of the given kind is to be sent.
func (n Notify) Wants(kind Notify) bool {
	if n == 0 {
		return kind == NotifyFailure || kind == NotifyDelay
	}
	return n&NotifyNever == 0 && n&kind != 0
}

// Parameter is a MAIL or RCPT parameter as it stood on the wire: "NAME" or "NAME=value".
type Parameter struct {
	Name     string // upper case
	Value    string
	HasValue bool
}
