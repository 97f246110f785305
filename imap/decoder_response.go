package imap

import (
	"bytes"
	"strings"
)

// The first words of a response line that are no tag.
const (
	Untagged     = "*"
	Continuation = "+"
)

// ResponseTag requires what a response begins with: [Untagged], [Continuation] or a tag, and the space behind it, which some
// servers leave out behind "+".
func (d *Decoder) ResponseTag() string {
	switch {
	case d.Try('*'):
		d.SP()
		return Untagged
	case d.Try('+'):
		d.TrySP()
		return Continuation
	}
	tag := d.Tag()
	d.SP()
	return tag
}

// Text returns the rest of the line as it is, without failing.
func (d *Decoder) Text() string {
	if !d.ok() {
		return ""
	}
	s := string(d.line)
	d.line = nil
	return s
}

// Unknown returns the rest of the line as Text does, and passes over the rest of the response: when the line ends with the
// announcement of a literal, over that and what is behind it.
func (d *Decoder) Unknown() (text string) {
	for left, first := d.Limits.Drain, true; d.ok(); first = false {
		if first {
			text = string(d.line)
		}
		n, _, ok := literalTail(d.line)
		if d.line = nil; !ok {
			break
		}
		if left -= n; left < 0 {
			d.fatal = ErrPeerTooLarge
			break
		}
		if d.haveLine, d.literal = false, n; n > 0 {
			_ = d.discardLiteral() // an error stays in d
		}
	}
	return text
}

// RespStatus requires what follows a status response's type: a response code in brackets, if there is one, and the text. What
// can't be read as a code is text: servers write free text with brackets.
func (d *Decoder) RespStatus(typ StatusType) *Status {
	s := &Status{Type: typ}
	if !d.ok() {
		return s
	}
	d.TrySP()
	if d.Peek('[') {
		if end := codeEnd(d.line); end > 0 {
			code, arg, _ := strings.Cut(string(d.line[1:end]), " ")
			s.Code, s.Arg = Code(upper(code)), arg
			d.line = bytes.TrimPrefix(d.line[end+1:], []byte(" "))
		}
	}
	s.Text = d.Text()
	return s
}

// codeEnd returns where the "]" is that ends a response code, leaving out those in quoted strings, or 0.
func codeEnd(line []byte) int {
	quoted := false
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ']' && !quoted:
			return i
		}
	}
	return bytes.IndexByte(line, ']') // an odd number of quotes: free text
}

// IsStatus reports whether a response's name is a status response's, which is then read by [Decoder.RespStatus].
func IsStatus(name string) bool {
	switch StatusType(name) {
	case OK, NO, BAD, BYE, PREAUTH:
		return true
	}
	return false
}

// Values returns a Decoder for a response code's argument, which may be asked for as long as it lasts. The argument has no
// literals.
func (s *Status) Values() *Decoder {
	d := NewDecoder(strings.NewReader(""))
	d.Response = true
	d.Limits.Ranges = 1 << 20
	d.line, d.haveLine, d.open = []byte(s.Arg), true, true
	return d
}

// keep returns b as a string. Those of one line share one allocation, which lives as long as any of them.
func (d *Decoder) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if d.text.Cap()-d.text.Len() < len(b) {
		d.text.Reset()
		d.text.Grow(max(len(b)+len(d.line), len(b)))
	}
	at := d.text.Len()
	d.text.Write(b)
	return d.text.String()[at:]
}

// quotedText reads a quoted string that comes next, taking a backslash that escapes nothing for itself. The result is valid
// until the line ends.
func (d *Decoder) quotedText() []byte {
	b := d.line[1:]
	i := bytes.IndexByte(b, '"')
	if i < 0 {
		d.fail("Quoted string has no end")
		return nil
	}
	if bytes.IndexByte(b[:i], '\\') < 0 {
		d.line = b[i+1:]
		return b[:i]
	}
	// What the escapes shrink is written over the line itself, which is read only once.
	out := b[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '"' {
			d.line = b[i+1:]
			return out
		}
		if c == '\\' && i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\') {
			i++
			c = b[i]
		}
		out = append(out, c)
	}
	d.fail("Quoted string has no end")
	return nil
}
