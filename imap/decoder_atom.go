package imap

import (
	"math"
	"strings"
)

// Character classes of RFC 9051 section 9 as bits.
const (
	classAtom    = 1 << iota // ATOM-CHAR
	classAString             // ASTRING-CHAR: ATOM-CHAR or "]"
	classList                // list-char: ASTRING-CHAR or list-wildcards
	classTag                 // ASTRING-CHAR except "+"
)

var charClass = makeCharClass()

func makeCharClass() (t [256]byte) {
	for c := byte(0x21); c < 0x7f; c++ {
		switch c {
		case '(', ')', '{', '"', '\\':
		case '%', '*':
			t[c] = classList
		case ']':
			t[c] = classAString | classList | classTag
		case '+':
			t[c] = classAtom | classAString | classList
		default:
			t[c] = classAtom | classAString | classList | classTag
		}
	}
	return t
}

func isAStringChar(c byte) bool { return charClass[c]&classAString != 0 }

// span returns how many octets at the beginning of the line are of the class.
func (d *Decoder) span(class byte) int {
	n := 0
	for n < len(d.line) && charClass[d.line[n]]&class != 0 {
		n++
	}
	return n
}

// SP requires one space.
func (d *Decoder) SP() {
	if !d.TrySP() && d.err == nil {
		d.fail("Space expected before " + describe(d.line))
	}
}

// TrySP reads one space if it comes next.
func (d *Decoder) TrySP() bool { return d.Try(' ') }

// Peek reports whether c comes next.
func (d *Decoder) Peek(c byte) bool { return d.ok() && len(d.line) > 0 && d.line[0] == c }

// Try reads c if it comes next.
func (d *Decoder) Try(c byte) bool {
	if !d.Peek(c) {
		return false
	}
	d.line = d.line[1:]
	return true
}

// Special requires the character c.
func (d *Decoder) Special(c byte) {
	if !d.Try(c) && d.err == nil {
		d.fail(`"` + string(c) + `" expected before ` + describe(d.line))
	}
}

// AtEnd reports whether the command ends here, or can't be read.
func (d *Decoder) AtEnd() bool { return !d.ok() || len(d.line) == 0 }

// maxTag is the length of the longest tag.
const maxTag = 255

// Tag requires a tag. When the command's first line has an error, such as being too long, the tag is returned all the same,
// so that the command can be answered.
func (d *Decoder) Tag() string {
	if !d.ok() {
		return d.lostTag
	}
	n := d.span(classTag)
	if n == 0 || n > maxTag {
		d.fail("Tag expected before " + describe(d.line))
		return ""
	}
	return d.take(n)
}

// take removes n octets from the line and returns them as a string; frequent ones are not allocated.
func (d *Decoder) take(n int) string {
	s := intern(d.line[:n])
	d.line = d.line[n:]
	return s
}

// Atom requires an atom and returns it as written.
func (d *Decoder) Atom() string {
	if !d.ok() {
		return ""
	}
	n := d.span(classAtom)
	if n == 0 {
		d.fail("Atom expected before " + describe(d.line))
		return ""
	}
	return d.take(n)
}

// Keyword requires an atom and returns it in upper case: the grammar's own words are case-insensitive.
func (d *Decoder) Keyword() string { return upper(d.Atom()) }

// TryWord reads the given word, which is upper case, if it comes next as a whole atom.
func (d *Decoder) TryWord(word string) bool {
	if !d.ok() {
		return false
	}
	if n := d.span(classAtom); n != len(word) || !equalFold(d.line[:n], word) {
		return false
	}
	d.line = d.line[len(word):]
	return true
}

// upper is strings.ToUpper for ASCII that allocates only when something changes.
func upper(s string) string {
	for i := range len(s) {
		if c := s[i]; 'a' <= c && c <= 'z' {
			return intern([]byte(strings.ToUpper(s)))
		}
	}
	return s
}

// Number requires a 32-bit number.
func (d *Decoder) Number() uint32 { return uint32(d.number(math.MaxUint32)) }

// NZNumber requires a 32-bit number that isn't zero.
func (d *Decoder) NZNumber() uint32 {
	n := d.Number()
	if n == 0 {
		d.fail("Number must not be zero")
	}
	return n
}

// Number64 requires a 63-bit number (RFC 9051 section 4.2).
func (d *Decoder) Number64() uint64 { return d.number(math.MaxInt64) }

func (d *Decoder) number(max uint64) uint64 {
	if !d.ok() {
		return 0
	}
	n := 0
	for n < len(d.line) && d.line[n]-'0' <= 9 {
		n++
	}
	u, ok := parseNumber(d.line[:n], max)
	if !ok {
		d.fail("Number expected before " + describe(d.line))
		return 0
	}
	d.line = d.line[n:]
	return u
}

// parseNumber reads all of b as a decimal number of at most max.
func parseNumber(b []byte, max uint64) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	var u uint64
	for _, c := range b {
		digit := uint64(c - '0')
		if digit > 9 || u > (max-digit)/10 {
			return 0, false
		}
		u = u*10 + digit
	}
	return u, true
}

// List requires a parenthesised list and calls f for each of its elements, which are separated by single spaces. An empty
// list is "()".
func (d *Decoder) List(f func()) {
	d.Special('(')
	if d.Try(')') {
		return
	}
	d.enter()
	for i := 0; d.err == nil && d.fatal == nil; i++ {
		if i >= d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "List too long"})
			return
		}
		f()
		if d.Try(')') {
			break
		}
		d.SP()
	}
	d.depth--
}

// enter counts one level of nesting.
func (d *Decoder) enter() {
	if d.depth++; d.depth > d.Limits.Depth {
		d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Nested too deep"})
	}
}

// SequenceSet requires a sequence-set.
func (d *Decoder) SequenceSet() NumSet {
	var s NumSet
	if d.Try('$') {
		s.Saved = true
		return s
	}
	for d.ok() {
		r := NumRange{First: d.seqNumber()}
		r.Last = r.First
		if d.Try(':') {
			r.Last = d.seqNumber()
		}
		if len(s.Ranges) >= d.Limits.Ranges {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Set has too many ranges"})
			break
		}
		s.Ranges = append(s.Ranges, r)
		if !d.Try(',') {
			break
		}
	}
	return s
}

func (d *Decoder) seqNumber() uint32 {
	if d.Try('*') {
		return 0
	}
	return d.NZNumber()
}
