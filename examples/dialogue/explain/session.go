package explain

import (
	"bytes"
	"strconv"
	"strings"
)

// MaxLine is how many octets of a line are looked at at once. What is longer is explained in pieces.
const MaxLine = 8 << 10

// Session follows one connection. It is for one goroutine at a time.
type Session struct {
	// Content is how many octets of a message, a literal or a listing are explained line by line. The rest goes through with one note that
	// says how much it was, so that it doesn't wait for explanations. 0 is DefaultContent; less than 0: all.
	Content int

	protocol Protocol
	talk     follower
	in       map[Side]*input
	secrets  []string // the client's, to be masked where the server repeats them
	opaque   bool     // what follows can't be read
	told     map[Side]bool
	secure   bool
	astray   int  // replies that led where there is no way
	counted  bool // the line under way is of octets that were counted
}

// follower is a protocol's part of it. line has the line's octets without its end.
type follower interface {
	client(n *Note, line string)
	server(n *Note, line string)
	state() State
	dotted(side Side) bool // what the side says next is content that a dot ends, and not a message's header
	secured()              // TLS has begun, and can be read
}

// input is what one side has said and hasn't been explained yet.
type input struct {
	buf     []byte
	counted int64 // octets that are no lines
	piece   bool  // the last note was of the same line
	hidden  bool  // and had a secret
	passed
}

// New begins to follow a connection, before the server's first word.
func New(p Protocol) *Session {
	s := &Session{protocol: p, in: map[Side]*input{Client: {}, Server: {}}, told: map[Side]bool{}}
	switch p {
	case POP3:
		s.talk = &pop3{s: s, phase: "connect"}
	case POP2:
		s.talk = &pop2{s: s, phase: "connect"}
	case IMAP:
		s.talk = &imap{s: s, phase: "connect"}
	default:
		s.talk = &smtp{s: s, lmtp: p == LMTP, phase: "connect"}
	}
	return s
}

// State is what both sides are doing now.
func (s *Session) State() State { return s.talk.state() }

// Protocol is what is spoken.
func (s *Session) Protocol() Protocol { return s.protocol }

// Opaque reports whether what follows can't be read: encryption or compression has begun.
func (s *Session) Opaque() bool { return s.opaque }

// Secured says that TLS has begun and that what is fed from now on is what is within it.
func (s *Session) Secured() {
	s.opaque, s.secure = false, true
	for _, in := range s.in {
		*in = input{}
	}
	s.talk.secured()
}

// Encrypted says that TLS was there from the connection's beginning.
func (s *Session) Encrypted() { s.secure = true }

// Feed takes what a side has said next, and returns a note for each line that is whole.
func (s *Session) Feed(side Side, b []byte) []Note {
	in := s.in[side]
	if s.opaque {
		return s.unreadable(side, b)
	}
	in.buf = append(in.buf, b...)
	var out []Note
	for {
		s.pass(side, in)
		note, ok := s.next(side, in)
		if !ok {
			return out
		}
		if p, ok := in.passed.note(note.Before); ok {
			out = append(out, p)
		}
		out = append(out, note)
		if s.opaque {
			rest := bytes.Clone(in.buf)
			in.buf = nil
			return append(out, s.unreadable(side, rest)...)
		}
	}
}

// Flush explains what is left of a line that will not be ended.
func (s *Session) Flush(side Side) []Note {
	in := s.in[side]
	var out []Note
	if p, ok := in.passed.note(s.State()); ok {
		out = append(out, p)
	}
	if len(in.buf) == 0 || s.opaque {
		return out
	}
	line := in.buf
	s.counted = in.counted > 0
	in.buf = nil
	return append(out, s.explain(side, in, line, ""))
}

func (s *Session) unreadable(side Side, b []byte) []Note {
	if len(b) == 0 || s.told[side] {
		return nil
	}
	s.told[side] = true
	n := Note{Side: side, Protocol: s.protocol, Kind: Encrypted, Text: "…", Before: s.State(), After: s.State()}
	n.say("tls.opaque")
	return []Note{n}
}

// next takes a line, or a piece of one, off what came in.
func (s *Session) next(side Side, in *input) (Note, bool) {
	limit := MaxLine
	if in.counted > 0 {
		limit = int(min(in.counted, MaxLine))
	}
	b := in.buf
	whole := len(b) >= limit
	if whole {
		b = b[:limit]
	}
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b, whole = b[:i+1], true
	} else if whole && b[len(b)-1] == '\r' && int64(limit) != in.counted && limit > 1 {
		b = b[:limit-1] // its line feed may come
	}
	if !whole || len(b) == 0 {
		return Note{}, false
	}
	line := b
	in.buf = in.buf[len(b):]
	if s.counted = in.counted > 0; s.counted {
		in.counted -= int64(len(b))
	}
	end := ""
	switch {
	case bytes.HasSuffix(line, []byte("\r\n")):
		line, end = line[:len(line)-2], "\r\n"
	case bytes.HasSuffix(line, []byte("\n")):
		line, end = line[:len(line)-1], "\n"
	}
	return s.explain(side, in, line, end), true
}

func (s *Session) explain(side Side, in *input, raw []byte, end string) Note {
	line := string(raw)
	size := len(line) + len(end)
	n := Note{Side: side, Protocol: s.protocol, Before: s.State(), Open: end == "", Text: printable(cut(line))}
	going := in.piece
	in.piece = end == "" && !s.counted
	switch {
	case going:
		n.Kind = Literal
		n.say("line.goes-on")
		if in.hidden {
			n.Text = Mask
		}
	case side == Client:
		n.Kind = Command
		s.talk.client(&n, line)
		s.octets(&n, line, end)
		s.conceal(&n)
	default:
		n.Kind = Reply
		for _, secret := range s.secrets {
			n.Text = hide(n.Text, printable(secret))
			line = hide(line, secret)
		}
		s.talk.server(&n, line)
		if end == "\n" && n.Kind == Reply {
			n.mistake("mistake.server-lf")
		}
	}
	if in.piece && !going {
		n.mistake("mistake.too-long", strconv.Itoa(MaxLine))
	}
	in.hidden = in.piece && strings.Contains(n.Text, Mask)
	n.After = s.State()
	n.Unknown = len(n.Says) == 0 && len(n.Mistakes) == 0
	in.saw(n, size)
	return n
}

// octets says what is wrong with a client's line whatever it means.
func (s *Session) octets(n *Note, line, end string) {
	if n.Kind == Literal || n.Kind == Encrypted {
		return
	}
	if end == "\n" {
		n.mistake("mistake.bare-lf")
		n.cite("RFC 5321 section 2.3.8")
	}
	for i := range len(line) {
		switch {
		case line[i] == 0:
			n.mistake("mistake.nul")
			return
		case line[i] == '\r':
			n.mistake("mistake.bare-cr")
			return
		}
	}
}

// conceal masks secrets in what was explained of a line that has some.
func (s *Session) conceal(n *Note) {
	for _, secret := range s.secrets {
		for i := range n.Words {
			n.Words[i].Text = hide(n.Words[i].Text, printable(secret))
		}
	}
}

// way reports whether the machine has a way from one phase to another. A server that jumps is not followed.
func (s *Session) way(from, to string) bool {
	p := s.protocol
	if p == LMTP {
		p = SMTP
	}
	if MachineOf(p).Leads(string(p)+"."+from, string(p)+"."+to) {
		return true
	}
	s.astray++
	return false
}

// count says that the next octets of a side are no lines, until n of them have come.
func (s *Session) count(side Side, n int64) { s.in[side].counted = n }

func (s *Session) counting(side Side) int64 { return s.in[side].counted }

// Inside is the note that TLS has begun, for who sees what is within it.
func Inside(p Protocol, now State) Note {
	n := Note{Side: Server, Protocol: p, Kind: Encrypted, Text: "TLS", Before: now, After: now}
	n.say("tls.handshake")
	n.say("tls.inside")
	n.cite("RFC 8314")
	return n
}
