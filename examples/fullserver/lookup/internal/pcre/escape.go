package pcre

import (
	"fmt"
	"strconv"
	"strings"
)

var errProperty = refused(`\p`, "keys are octets; write the octets, such as [\\x80-\\xff]")

// escape reads what stands behind a backslash.
func (t *translator) escape(f *modes) (piece, error) {
	if t.pos == len(t.in) {
		return piece{}, invalid(`\ at end of pattern`)
	}
	c := t.in[t.pos]
	if s := generic(c); s != nil {
		t.pos++
		return any1(s.write()), nil
	}
	if between(c, '1', '9') {
		return t.reference(f)
	}
	if c == '0' {
		c, err := t.octal(3)
		return literal(c, f), err
	}
	plain := func(p piece) (piece, error) {
		t.pos++
		return p, nil
	}
	switch c {
	case 'A', 'G':
		return plain(piece{out: `\A`, kind: assertion})
	case 'Z':
		return plain(t.atEnd())
	case 'z':
		return plain(piece{out: `\z`, kind: assertion})
	case 'b', 'B':
		return plain(piece{out: `\` + string(c), kind: assertion})
	case 'C':
		return plain(any1(`(?s:.)`))
	case 'N':
		if _, _, n := bounds(t.in[t.pos+1:] + " "); n == 0 && strings.HasPrefix(t.in[t.pos+1:], "{") {
			return piece{}, invalid(`\N{name} is not supported`)
		}
		return plain(any1(`[^\n]`))
	case 'R':
		t.backtracks = true
		return plain(piece{out: `(?>\r\n|` + of(func(c byte) bool { return between(c, '\n', '\r') || c == 0x85 }).write() + `)`, min: 1, max: 2, kind: item})
	case 'K':
		return piece{}, refused(`\K`, "it changes what is replaced, and a table replaces nothing: leave it out")
	case 'X':
		return piece{}, refused(`\X`, "keys are octets; write a dot")
	case 'p', 'P':
		return piece{}, errProperty
	case 'g', 'k':
		return t.namedReference(f)
	}
	c, err := t.character()
	return literal(c, f), err
}

// character reads an escape that stands for one octet, in a class or outside.
func (t *translator) character() (byte, error) {
	c := t.in[t.pos]
	t.pos++
	switch c {
	case 'a':
		return '\a', nil
	case 'e':
		return 0x1b, nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'o':
		return t.number('8')
	case 'x':
		if strings.HasPrefix(t.in[t.pos:], "{") {
			return t.number('x')
		}
		n := 0
		for n < 2 && t.pos+n < len(t.in) && isHex(t.in[t.pos+n]) {
			n++
		}
		v, err := strconv.ParseUint("0"+t.in[t.pos:t.pos+n], 16, 16)
		t.pos += n
		return byte(v), err
	case 'c':
		if t.pos == len(t.in) {
			return 0, invalid(`\c at end of pattern`)
		}
		c = t.in[t.pos]
		if !between(c, ' ', '~') {
			return 0, invalid(`\c must be followed by a printable ASCII character`)
		}
		t.pos++
		if between(c, 'a', 'z') {
			c -= 0x20
		}
		return c ^ 0x40, nil
	}
	if isWord(c) && c != '_' {
		return 0, invalid(`unrecognized character follows \`)
	}
	return c, nil
}

func isHex(c byte) bool { return posix["xdigit"](c) }

// octal reads up to most octal digits.
func (t *translator) octal(most int) (byte, error) {
	n := 0
	for n < most && t.pos+n < len(t.in) && between(t.in[t.pos+n], '0', '7') {
		n++
	}
	v, err := strconv.ParseUint(t.in[t.pos:t.pos+n], 8, 8)
	t.pos += n
	if err != nil {
		return 0, invalid(`octal value is greater than \377`)
	}
	return byte(v), nil
}

// number reads {digits}.
func (t *translator) number(base byte) (byte, error) {
	inner, after, ok := strings.Cut(strings.TrimPrefix(t.in[t.pos:], "{"), "}")
	if !ok || !strings.HasPrefix(t.in[t.pos:], "{") || inner == "" {
		return 0, invalid(`missing digits in braces after \x or \o`)
	}
	radix := 16
	if base == '8' {
		radix = 8
	}
	v, err := strconv.ParseUint(inner, radix, 64)
	if err != nil || v > 255 || strings.Contains(inner, "_") {
		return 0, invalid("character code point value in %s is no octet", `\x{} or \o{}`)
	}
	t.pos = len(t.in) - len(after)
	return byte(v), nil
}

// reference reads the number of a group, or what is an octal one after all: one of two digits or more that names no group before it.
func (t *translator) reference(f *modes) (piece, error) {
	n := 0
	for t.pos+n < len(t.in) && between(t.in[t.pos+n], '0', '9') {
		n++
	}
	digits := t.in[t.pos : t.pos+n]
	v, err := strconv.Atoi(digits)
	if err == nil && (v < 10 || digits[0] >= '8' || v <= t.groups) {
		t.pos += n
		return t.back(v, f)
	}
	if err != nil && digits[0] >= '8' {
		return piece{}, invalid("number is too big")
	}
	c, err := t.octal(3)
	return literal(c, f), err
}

// back is a reference to a group.
func (t *translator) back(group int, f *modes) (piece, error) {
	if group < 1 || group > 65535 {
		return piece{}, invalid("a numbered reference must not be zero")
	}
	if t.behind > 0 {
		return piece{}, refused("a back reference in a look-behind", "write the pattern without")
	}
	t.highest = max(t.highest, group)
	t.backtracks = true
	mode := ""
	if f.fold {
		mode = "i"
	}
	return piece{out: fmt.Sprintf(`(?%s:\%d)`, mode, group), min: 0, max: -1, kind: item}, nil
}

// namedReference reads \g and \k.
func (t *translator) namedReference(f *modes) (piece, error) {
	letter, rest := t.in[t.pos], t.in[t.pos+1:]
	end := byte(0)
	if rest != "" {
		end = map[byte]byte{'{': '}', '<': '>', '\'': '\''}[rest[0]]
	}
	name := ""
	switch {
	case letter == 'g' && (end == '>' || end == '\''):
		return piece{}, errRecursion
	case end != 0:
		n := strings.IndexByte(rest[1:], end)
		if n < 0 {
			return piece{}, invalid(`\%c is not followed by a name or number`, letter)
		}
		name = rest[1 : 1+n]
		t.pos += n + 3
	case letter == 'g':
		n := 0
		if rest != "" && (rest[0] == '-' || rest[0] == '+') {
			n++
		}
		for n < len(rest) && between(rest[n], '0', '9') {
			n++
		}
		name = rest[:n]
		t.pos += n + 1
	}
	if v, err := strconv.Atoi(name); err == nil && letter == 'g' {
		switch {
		case name[0] == '-':
			v += t.groups + 1
		case name[0] == '+':
			v += t.groups
		}
		if v < 1 {
			return piece{}, invalid("reference to non-existent subpattern")
		}
		return t.back(v, f)
	}
	return t.backNamed(name, f)
}

// backNamed is a reference to a group by its name.
func (t *translator) backNamed(name string, f *modes) (piece, error) {
	if !isName(name) {
		return piece{}, invalid("a reference has no name or number")
	}
	group, ok := t.names[name]
	switch {
	case ok:
	case t.known:
		return piece{}, invalid("reference to non-existent subpattern")
	default:
		t.forward = true
		return piece{kind: item}, nil
	}
	return t.back(group, f)
}

func isName(s string) bool {
	for i := range len(s) {
		if !isWord(s[i]) || i == 0 && between(s[i], '0', '9') {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
