package milter

import (
	"context"
	"net"
	"time"

	"github.com/buuta/mail"
)

// Default is what happens when a filter can't be asked.
type Default int

// The defaults.
const (
	TempFail   Default = iota // 451 4.7.1: come again
	Accept                    // as if it had accepted
	Reject                    // 550 5.5.0
	Quarantine                // the message is taken and held
)

// String returns the word that milter_default_action has for it.
func (d Default) String() string {
	return [...]string{"tempfail", "accept", "reject", "quarantine"}[d]
}

// ParseDefault reads a word of milter_default_action.
func ParseDefault(s string) (Default, bool) {
	for d := TempFail; d <= Quarantine; d++ {
		if s == d.String() {
			return d, true
		}
	}
	return TempFail, false
}

// Filter is a milter and how it is dealt with. Network and Address must be set; the zero value of every other field works.
type Filter struct {
	Name             string // in logs; "": the address
	Network, Address string // "tcp" and "host:port", or "unix" and a path

	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: a net.Dialer

	ConnectTimeout time.Duration // connection and negotiation; 0: 30 s (milter_connect_timeout)
	CommandTimeout time.Duration // an answer before the message; 0: 30 s (milter_command_timeout)
	ContentTimeout time.Duration // an answer to the header, to a piece of the body, and each sign of life at its end; 0: 300 s (milter_content_timeout)

	Default Default // milter_default_action
	Version uint32  // of the protocol, 2 to 6; 0: 6 (milter_protocol)

	// Macros are the names of the macros of each stage, unless the filter asks for others.
	Macros map[Stage][]string

	MaxPacket int // octets of one answer; 0: 2 MiB
	MaxBody   int // octets of a body that replaces the message's; 0: 64 MiB
}

func (f *Filter) name() string {
	if f.Name != "" {
		return f.Name
	}
	if f.Network == "unix" {
		return "unix:" + f.Address
	}
	return "inet:" + f.Address
}

func or(d, usual time.Duration) time.Duration {
	if d <= 0 {
		return usual
	}
	return d
}

// Stage is a step of an SMTP session, as macros are told for it.
type Stage int

// The stages, in the protocol's order.
const (
	StageConnect Stage = iota
	StageHello
	StageMail
	StageRecipient
	StageData
	StageEndOfMessage
	StageEndOfHeader
	StageUnknown
)

// Verdict is what filters say at a step. The zero value is to go on.
type Verdict struct {
	Reply      *mail.Reply // refuse with it
	Discard    bool        // take the message and throw it away
	Quarantine string      // take the message and hold it, for this reason
	Filter     string      // who says so
	Err        error       // why a filter could not be asked, when Default speaks
}

// goOn reports whether the next filter is asked.
func (v *Verdict) goOn() bool { return v.Reply == nil && !v.Discard }
