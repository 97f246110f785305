package mime

import (
	"bytes"
	"io"
	"iter"
	"strings"
)

// Header is a message's or part's header: fields in their order, each with every byte it came with. Fields are found
// once, in one pass; their bodies are unfolded and decoded only when asked for. The zero value is an empty header, ready to be
// written to. It may be read by many goroutines at once as long as nobody changes it.
type Header struct {
	fields []Field
	end    []byte // the empty line as it came; nil when there was none
	parsed bool
}

// Field is one header field, or a line that should be one and isn't.
type Field struct {
	raw  []byte // all its lines with their line ends
	text string // the same octets; "" when there is no copy
	name int    // octets of the name; 0 when this is no field
	body int    // where the body begins
}

// ParseHeader finds the fields of a header. raw begins with the first field and ends with the empty line, or where the
// header ends without one; what follows an empty line is ignored. The Header refers to raw, which must not be changed
// from then on. Values are pieces of one copy of a header of up to 16 KiB: clone those to be kept for long. Only HeaderBytes and
// Fields of lim count, and lim may be nil: what lies beyond is kept in one Field without a name.
func ParseHeader(raw []byte, lim *Limits) *Header {
	l := lim.withDefaults()
	h := &Header{}
	if n := h.parse(raw, &l); n <= maxText {
		text := string(raw[:n])
		for i := range h.fields {
			f := &h.fields[i]
			f.text, text = text[:len(f.raw)], text[len(f.raw):]
		}
	}
	return h
}

// maxText is the size of a header up to which its values are pieces of one copy, so that each costs no memory of its own.
// Who keeps a value keeps no more than this.
const maxText = 16 << 10

// parse replaces what h holds by the fields of raw and returns how many octets of raw belong to the header.
func (h *Header) parse(raw []byte, lim *Limits) int {
	h.parsed, h.end = true, nil
	if h.fields == nil {
		h.fields = make([]Field, 0, min(64, len(raw)/64+4))
	}
	h.fields = h.fields[:0]
	at := 0
	for at < len(raw) {
		line := lineLength(raw[at:])
		if isEmptyLine(raw[at : at+line]) {
			h.end = raw[at : at+line : at+line]
			return at + line
		}
		if len(h.fields) == lim.Fields || at >= lim.HeaderBytes {
			line = restOfHeader(raw[at:])
			h.fields = append(h.fields, Field{raw: raw[at : at+line : at+line]})
			at += line
			continue
		}
		start := at
		for at += line; at < len(raw) && (raw[at] == ' ' || raw[at] == '\t') && at < lim.HeaderBytes; {
			at += lineLength(raw[at:])
		}
		h.fields = append(h.fields, newField(raw[start:at:at]))
	}
	return at
}

// lineLength returns the length of the first line with its line end.
func lineLength(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// restOfHeader returns how many octets precede the first empty line.
func restOfHeader(b []byte) int {
	n := 0
	for n < len(b) {
		l := lineLength(b[n:])
		if isEmptyLine(b[n : n+l]) {
			break
		}
		n += l
	}
	return n
}

func isEmptyLine(line []byte) bool {
	return len(line) > 0 && (line[0] == '\n' || len(line) == 2 && line[0] == '\r' && line[1] == '\n')
}

// newField splits a field at its colon. Blanks before the colon are obsolete but allowed (RFC 5322 section 4.5.8).
func newField(raw []byte) Field {
	for i, c := range raw {
		if c > ' ' && c < 0x7f && c != ':' {
			continue
		}
		colon := i
		for colon < len(raw) && (raw[colon] == ' ' || raw[colon] == '\t') {
			colon++
		}
		if i > 0 && colon < len(raw) && raw[colon] == ':' {
			return Field{raw: raw, name: i, body: colon + 1}
		}
		break
	}
	return Field{raw: raw}
}

// IsField reports whether this is a field: a name, a colon, a body. If not, only Raw tells anything.
func (f *Field) IsField() bool { return f.name > 0 }

// Name returns the name as written.
func (f *Field) Name() string {
	if f.text != "" {
		return f.text[:f.name]
	}
	return string(f.raw[:f.name])
}

// Is reports whether the field has this name, whatever the case.
func (f *Field) Is(name string) bool { return len(name) == f.name && equalFold(f.raw[:f.name], name) }

// Raw returns the field's octets with line ends. They must not be changed.
func (f *Field) Raw() []byte { return f.raw }

// Value returns the body unfolded and without blanks around it (RFC 5322 section 2.2.3). CR and LF that are not part
// of folding become a space; everything else is as it came, encoded words and 8-bit octets too.
func (f *Field) Value() string {
	if f.text != "" {
		if v := strings.Trim(f.text[f.body:], " \t\r\n"); strings.IndexByte(v, '\n') < 0 && strings.IndexByte(v, '\r') < 0 {
			return v
		}
	}
	return string(f.value())
}

// value returns Value's octets, which are part of raw where that is possible.
func (f *Field) value() []byte {
	b := bytes.Trim(f.raw[f.body:], " \t\r\n")
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
		b = b[i:]
		n := 1
		if len(b) > 1 && b[0] == '\r' && b[1] == '\n' {
			n = 2
		}
		if b = b[n:]; len(b) > 0 && b[0] != ' ' && b[0] != '\t' {
			out = append(out, ' ')
		}
	}
	return out
}

// equalFold compares a name with another, ASCII letters in either case.
func equalFold[S ~string | ~[]byte](b S, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Len returns the number of fields, damaged lines counted.
func (h *Header) Len() int { return len(h.fields) }

// All yields every field in its order, damaged lines too.
func (h *Header) All() iter.Seq[*Field] {
	return func(yield func(*Field) bool) {
		for i := range h.fields {
			if !yield(&h.fields[i]) {
				return
			}
		}
	}
}

// Field returns the first field with this name, nil when there is none. Names are compared without regard to case.
func (h *Header) Field(name string) *Field {
	for i := range h.fields {
		if h.fields[i].Is(name) {
			return &h.fields[i]
		}
	}
	return nil
}

// Fields yields the fields with this name in their order.
func (h *Header) Fields(name string) iter.Seq[*Field] {
	return func(yield func(*Field) bool) {
		for i := range h.fields {
			if h.fields[i].Is(name) && !yield(&h.fields[i]) {
				return
			}
		}
	}
}

// Has reports whether there is a field with this name.
func (h *Header) Has(name string) bool { return h.Field(name) != nil }

// Get returns the [Field.Value] of the first field with this name, "" when there is none.
func (h *Header) Get(name string) string {
	if f := h.Field(name); f != nil {
		return f.Value()
	}
	return ""
}

// AppendTo appends the header's octets to b, with the empty line that ends it. What was parsed and not changed comes out
// as it was, without an empty line if there was none.
func (h *Header) AppendTo(b []byte) []byte {
	for i := range h.fields {
		b = append(b, h.fields[i].raw...)
	}
	if !h.parsed {
		return append(b, "\r\n"...)
	}
	return append(b, h.end...)
}

// WriteTo writes what AppendTo appends.
func (h *Header) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(h.AppendTo(nil))
	return int64(n), err
}
