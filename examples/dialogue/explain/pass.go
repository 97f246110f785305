package explain

import (
	"bytes"
	"strconv"
)

// DefaultContent is how many octets of a message, a literal or a listing a [Session] explains line by line, where Session.Content is 0.
const DefaultContent = 16 << 10

// passed is the rest of a message, a literal or a listing of which enough has been explained: it is counted only.
type passed struct {
	shown  int  // octets that were explained before
	last   Note // the last of those
	octets int64
	lines  int64
	within bool // a line: its end hasn't come
}

// saw remembers a note.
func (p *passed) saw(n Note, octets int) {
	switch n.Kind {
	case Header, Body, Literal, Listing:
		p.shown += octets
		p.last = n
	default:
		p.shown = 0
	}
}

// note tells what has gone through since the last note, if anything has. now is the state then.
func (p *passed) note(now State) (Note, bool) {
	if p.octets == 0 {
		return Note{}, false
	}
	n := Note{Side: p.last.Side, Protocol: p.last.Protocol, Kind: p.last.Kind, Text: "…", Place: p.last.Place, Before: now, After: now}
	n.say("line.passed", strconv.FormatInt(p.octets, 10), strconv.FormatInt(p.lines, 10))
	p.octets, p.lines, p.within = 0, 0, false
	return n, true
}

// pass takes off what came in what isn't explained. Where it ends doesn't depend on the pieces that octets come in.
func (s *Session) pass(side Side, in *input) {
	limit := s.Content
	if limit == 0 {
		limit = DefaultContent
	}
	if limit < 0 || in.piece || in.shown < limit {
		return
	}
	n := 0
	switch {
	case in.counted > 2: // the last octets, a line end in most cases, say that all have come
		n = int(min(in.counted-2, int64(len(in.buf))))
		in.counted -= int64(n)
	case in.counted == 0 && s.talk.dotted(side):
		n = in.undotted()
	}
	in.octets += int64(n)
	in.lines += int64(bytes.Count(in.buf[:n], []byte("\n")))
	in.buf = in.buf[n:]
}

// undotted returns how many octets are before the line with the dot alone, or what may become one.
func (in *input) undotted() int {
	n := 0
	for n < len(in.buf) {
		rest := in.buf[n:]
		if !in.within && (bytes.HasPrefix(rest, []byte(".\n")) || bytes.HasPrefix(rest, []byte(".\r\n")) || string(rest) == "." || string(rest) == ".\r") {
			return n
		}
		i := bytes.Index(rest, []byte("\n."))
		if i < 0 {
			in.within = rest[len(rest)-1] != '\n'
			return len(in.buf)
		}
		in.within = false
		n += i + 1
	}
	return n
}
