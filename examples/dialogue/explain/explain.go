// Package explain says of each line of a mail protocol who speaks, what it means, word by word, what state both sides are in, and what
// the speaker has done wrong and how to mend it. It knows SMTP with its extensions, LMTP, POP3, POP2 and IMAP.
//
// A [Session] follows one connection: it is fed what both sides send, in pieces of any size, and returns a [Note] for each line.
// Notes have no language; a [Lang] makes sentences of their messages, from one catalogue a language (texts/en.txt, texts/vi.txt).
// Passwords are masked before anything is kept. What comes from the wire is untrusted: a Note's texts have no control characters and
// bounded lengths, but nothing is escaped for HTML.
package explain

// Protocol is what is spoken on a connection.
type Protocol string

// The protocols.
const (
	SMTP Protocol = "smtp"
	LMTP Protocol = "lmtp"
	POP3 Protocol = "pop3"
	POP2 Protocol = "pop2"
	IMAP Protocol = "imap"
)

// Protocols are all of them.
var Protocols = []Protocol{SMTP, LMTP, POP3, POP2, IMAP}

// Side is one who speaks.
type Side byte

// The sides.
const (
	Client Side = 'C'
	Server Side = 'S'
)

// Kind is what sort of line it is.
type Kind string

// The kinds of lines.
const (
	Command   Kind = "command"   // of the client
	Reply     Kind = "reply"     // of the server
	Header    Kind = "header"    // of a message
	Body      Kind = "body"      // of a message, and the empty line before it
	Listing   Kind = "listing"   // a line of an answer of several lines
	End       Kind = "end"       // the dot that ends a message or a listing
	Literal   Kind = "literal"   // octets that were counted before
	Exchange  Kind = "exchange"  // what an authentication mechanism says
	Encrypted Kind = "encrypted" // nothing that can be read
)

// Message is a sentence of the catalogue: its key, and what stands in its gaps {1}, {2}, …
type Message struct {
	Key  string
	Args []string
}

// Word is a piece of a line and what it means.
type Word struct {
	Text string
	Message
}

// State is what both sides are doing. The values are keys of the catalogue: Server is a node of the protocol's [Machine],
// Client one of "client.listens", "client.speaks", "client.waits", "client.sends", "client.answers", "client.gone".
type State struct{ Server, Client string }

// Place is where the message is: a station of [Stations], or two with ">" between them while it goes from the one to the other; "" when
// there is none.
type Place string

// Stations are a message's, in the order that it passes them.
var Stations = []string{"mua", "mta", "queue", "far", "mda", "mailbox", "reader"}

// Note explains a line.
type Note struct {
	Side     Side
	Protocol Protocol
	Kind     Kind
	Text     string // as it was said, without the line end; passwords are masked, control characters shown as \x07
	Open     bool   // no line end follows: the end of counted octets, a line that goes on in the next note, or the connection's end
	Words    []Word
	Says     []Message
	Mistakes []Message // what is wrong, and how to mend it
	Cites    []string  // "RFC 5321 section 4.1.1.2"
	Before   State
	After    State
	Place    Place
	Unknown  bool // nothing is known of it, and it isn't a mistake of the client's either
}

// say makes a message. Its gaps are filled with what can be shown.
func say(key string, args ...string) Message {
	for i := range args {
		args[i] = arg(args[i])
	}
	return Message{Key: key, Args: args}
}

func (n *Note) say(key string, args ...string) { n.Says = append(n.Says, say(key, args...)) }

func (n *Note) word(text, key string, args ...string) {
	if len(n.Words) < maxWords {
		n.Words = append(n.Words, Word{printable(cut(text)), say(key, args...)})
	}
}

func (n *Note) mistake(key string, args ...string) {
	n.Mistakes = append(n.Mistakes, say(key, args...))
}

func (n *Note) cite(refs ...string) {
	for _, ref := range refs {
		if ref != "" {
			n.Cites = append(n.Cites, ref)
		}
	}
}

// maxWords bounds what is explained of one line, and maxPending how many commands without an answer are remembered.
const (
	maxWords   = 40
	maxPending = 1000
)
