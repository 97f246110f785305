package script

import "strings"

// Protocol is what a script, or a connection of it, speaks.
type Protocol string

// The protocols.
const (
	SMTP        Protocol = "smtp"
	LMTP        Protocol = "lmtp"
	POP3        Protocol = "pop3"
	POP2        Protocol = "pop2"
	IMAP        Protocol = "imap"
	ManageSieve Protocol = "managesieve"
)

// Script is a file of cases.
type Script struct {
	Name  string
	Cases []*Case
}

// Case is one dialogue, on connections of its own, and for IMAP in a mailbox of its own.
type Case struct {
	Script   string // the script's name
	Title    string
	Line     int
	Protocol Protocol // of connections that no conn line says something else of
	Kind     Kind
	Need     []string // capabilities; with "!" those that must not be there
	Messages int      // in the mailbox
	Selected bool     // on the first connection
	Greeting bool     // connections are left as they begin
	Login    bool     // SMTP's are authenticated
	Checks   []*Check // at least one

	speaks map[int]Protocol  // by connection
	skips  map[string]string // by a server's name: why the case is not for it
}

// Kind says when a case is played: security and stress only when they are asked for.
type Kind string

// The kinds of cases.
const (
	Usual    Kind = ""
	Security Kind = "security" // tries what an attacker would
	Stress   Kind = "stress"   // costs the server work, or lasts
)

// Check is a clause with the lines that show whether it is kept. One without a clause stands where a case begins with lines before
// its first one.
type Check struct {
	Clause
	Line  int
	Known map[string]string // by a server's name: what it does otherwise, and why that is no error of the script

	steps []step
}

// Clause is a sentence of an RFC.
type Clause struct {
	Level   Level
	RFC     int // 0: none
	Section string
	Quote   string
	En, Vi  string // what it is about, and why
}

// Level is how much a clause asks for.
type Level string

// The levels of RFC 2119. What a clause forbids has the level of what it asks for.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
	May    Level = "MAY"
)

// step is a line that does something.
type step struct {
	line int
	conn int // 0 to 8
	kind kind
	text string
	want []pattern // of expect: alternatives
	els  []pattern // of expect: says that the case is not for the server
	// after says that it comes behind the step before; never that it must not come.
	after, never bool
	literal      *literal
	block        []step // of repeat
}

type kind uint8

const (
	send kind = iota
	raw
	expect
	body
	hangUp
	closed
	startTLS
	compress
	authenticate
	wait
	repeat
	let
)

// literal follows a line that is sent, and rest follows it.
type literal struct {
	nonSync bool
	text    string
	begun   bool
	ended   bool // by a line without CRLF
	rest    string
	more    *literal
}

// Clauses returns the checks that have a clause.
func (c *Case) Clauses() []*Check {
	var out []*Check
	for _, check := range c.Checks {
		if check.RFC != 0 {
			out = append(out, check)
		}
	}
	return out
}

// protocol is what a connection speaks.
func (c *Case) protocol(conn int) Protocol {
	if p, ok := c.speaks[conn]; ok {
		return p
	}
	return c.Protocol
}

// Protocols are those that the case's connections speak.
func (c *Case) Protocols() []Protocol {
	out := []Protocol{c.Protocol}
	for _, p := range c.speaks {
		if p != c.Protocol {
			out = append(out, p)
		}
	}
	return out
}

// uses reports whether a step of the case, in a block too, is of that kind.
func (c *Case) uses(k kind) bool {
	for _, check := range c.Checks {
		for _, s := range check.steps {
			if s.kind == k {
				return true
			}
			for _, in := range s.block {
				if in.kind == k {
					return true
				}
			}
		}
	}
	return false
}

// text is what it is about in a language: "vi", or English.
func (c *Clause) Text(lang string) string {
	if strings.HasPrefix(lang, "vi") {
		return c.Vi
	}
	return c.En
}

// KnownOf is what the check's known lines say of a target with that name.
func (c *Check) KnownOf(name string) string { return ofAny(c.Known, name) }

// ofAny looks up a target's names, which are joined by "+" where it is several servers.
func ofAny(said map[string]string, name string) string {
	for one := range strings.SplitSeq(name, "+") {
		if said[one] != "" {
			return one + " " + said[one]
		}
	}
	return ""
}
