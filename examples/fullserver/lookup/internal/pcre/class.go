package pcre

import (
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// A set is some of the 256 octets.
type set [256]bool

// add adds one, with its other case if fold is set.
func (s *set) add(c byte, fold bool) {
	s[c] = true
	if lower := c | 0x20; fold && lower >= 'a' && lower <= 'z' {
		s[c^0x20] = true
	}
}

func (s *set) addAll(o *set) {
	for c, in := range o {
		s[c] = s[c] || in
	}
}

func (s *set) invert() {
	for c := range s {
		s[c] = !s[c]
	}
}

// of makes a set of the octets for which in is true.
func of(in func(c byte) bool) *set {
	s := new(set)
	for c := range s {
		s[c] = in(byte(c))
	}
	return s
}

// write writes it as an expression for what rules.OctetText makes of a key.
func (s *set) write() string {
	n, last := 0, 0
	for c, in := range s {
		if in {
			n, last = n+1, c
		}
	}
	switch n {
	case 0:
		return `(?!)` // package regexp doesn't know it
	case 1:
		return quote(byte(last))
	case 256:
		return `(?s:.)`
	}
	var b strings.Builder
	b.WriteByte('[')
	x := *s
	if s[255] { // most likely all but a few
		b.WriteByte('^')
		x.invert()
	}
	for c := 0; c < 256; {
		if !x[c] {
			c++
			continue
		}
		end := c
		for end < 255 && x[end+1] && (end+1 < 128) == (c < 128) {
			end++
		}
		b.WriteString(quote(byte(c)))
		if end > c {
			b.WriteByte('-')
			b.WriteString(quote(byte(end)))
		}
		c = end + 1
	}
	b.WriteByte(']')
	return b.String()
}

// quote writes an octet, in a set or outside.
func quote(c byte) string {
	switch {
	case c >= 0x80:
		return string(rune(rules.OctetBase + int(c)))
	case c == '-': // regexp2 takes \- for the beginning of a range, too
		return `\x2d`
	case strings.IndexByte(`\.+*?()|[]{}^$`, c) >= 0:
		return `\` + string(c)
	}
	return string(c)
}

func between(c, lo, hi byte) bool { return lo <= c && c <= hi }

func isWord(c byte) bool {
	return between(c|0x20, 'a', 'z') || between(c, '0', '9') || c == '_'
}

// posix are the names in [[:name:]] (pcre2pattern(3), POSIX CHARACTER CLASSES), in the C locale.
var posix = map[string]func(c byte) bool{
	"alnum":  func(c byte) bool { return isWord(c) && c != '_' },
	"alpha":  func(c byte) bool { return between(c|0x20, 'a', 'z') },
	"ascii":  func(c byte) bool { return c < 128 },
	"blank":  func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl":  func(c byte) bool { return c < ' ' || c == 0x7f },
	"digit":  func(c byte) bool { return between(c, '0', '9') },
	"graph":  func(c byte) bool { return between(c, '!', '~') },
	"lower":  func(c byte) bool { return between(c, 'a', 'z') },
	"print":  func(c byte) bool { return between(c, ' ', '~') },
	"punct":  func(c byte) bool { return between(c, '!', '~') && (!isWord(c) || c == '_') },
	"space":  func(c byte) bool { return c == ' ' || between(c, '\t', '\r') },
	"upper":  func(c byte) bool { return between(c, 'A', 'Z') },
	"word":   isWord,
	"xdigit": func(c byte) bool { return between(c, '0', '9') || between(c|0x20, 'a', 'f') },
}

// generic is the set of \d and its like, nil for other letters.
func generic(c byte) *set {
	var s *set
	switch c | 0x20 {
	case 'd':
		s = of(posix["digit"])
	case 'w':
		s = of(isWord)
	case 's':
		s = of(posix["space"])
	case 'h':
		s = of(func(c byte) bool { return c == ' ' || c == '\t' || c == 0xa0 })
	case 'v':
		s = of(func(c byte) bool { return between(c, '\n', '\r') || c == 0x85 })
	default:
		return nil
	}
	if c < 'a' {
		s.invert()
	}
	return s
}

var errUnterminated = invalid("missing terminating ] for character class")

// class reads what stands behind a "[".
func (t *translator) class(f *modes) (piece, error) {
	if name, _ := t.posixName(t.pos - 1); name != "" {
		return piece{}, invalid("POSIX named classes are supported only within a class")
	}
	negated := false
	if strings.HasPrefix(t.in[t.pos:], "^") {
		negated = true
		t.pos++
	}
	var s set
	for first := true; ; first = false {
		c, many, quoted, err := t.member(f, &s)
		switch {
		case err != nil:
			return piece{}, err
		case many:
			if t.rangeFollows() {
				return piece{}, invalid("invalid range in character class")
			}
			continue
		case c == ']' && !quoted && !first:
			if negated {
				s.invert()
			}
			return any1(s.write()), nil
		}
		if !t.rangeFollows() {
			s.add(c, f.fold)
			continue
		}
		t.pos++ // "-"
		to, many, _, err := t.member(f, new(set))
		if err != nil {
			return piece{}, err
		}
		if many {
			return piece{}, invalid("invalid range in character class")
		}
		if to < c {
			return piece{}, invalid("range out of order in character class")
		}
		for i := int(c); i <= int(to); i++ {
			s.add(byte(i), f.fold)
		}
	}
}

// rangeFollows says whether a "-" comes next that makes a range.
func (t *translator) rangeFollows() bool {
	rest := t.in[t.pos:]
	if t.quoted {
		after, ok := strings.CutPrefix(rest, `\E`)
		if !ok {
			return false
		}
		t.pos, t.quoted, rest = t.pos+2, false, after
	}
	return len(rest) > 1 && rest[0] == '-' && rest[1] != ']'
}

// member reads one octet of a class, or many at once into s.
func (t *translator) member(f *modes, s *set) (c byte, many, quoted bool, err error) {
	for {
		rest := t.in[t.pos:]
		switch {
		case rest == "":
			return 0, false, false, errUnterminated
		case strings.HasPrefix(rest, `\E`):
			t.pos, t.quoted = t.pos+2, false
			continue
		case t.quoted:
			t.pos++
			return rest[0], false, true, nil
		case strings.HasPrefix(rest, `\Q`):
			t.pos, t.quoted = t.pos+2, true
			continue
		case f.spacedClass && (rest[0] == ' ' || rest[0] == '\t'):
			t.pos++
			continue
		case rest[0] == '[':
			name, n := t.posixName(t.pos)
			if n == 0 {
				break
			}
			t.pos += n
			return 0, true, false, posixSet(name, f.fold, s)
		case rest[0] == '\\':
			t.pos++
			return t.memberEscape(s)
		}
		t.pos++
		return rest[0], false, false, nil
	}
}

// posixName reads "[:name:]", "[.name.]" or "[=name=]" at a place.
func (t *translator) posixName(at int) (name string, n int) {
	s := t.in[at:]
	if len(s) < 2 || strings.IndexByte(":.=", s[1]) < 0 {
		return "", 0
	}
	for i := 2; i+1 < len(s); i++ {
		switch {
		case s[i] == s[1] && s[i+1] == ']':
			return s[1:i], i + 2
		case s[i] == ']' || s[i] == '\\' && (s[i+1] == ']' || s[i+1] == '\\') || s[i] == '[' && s[i+1] == s[1]:
			return "", 0
		}
	}
	return "", 0
}

func posixSet(name string, fold bool, s *set) error {
	if name[0] != ':' {
		return invalid("POSIX collating elements are not supported")
	}
	name, not := strings.CutPrefix(name[1:], "^")
	if name == "<" || name == ">" {
		return refused("[[:"+name+":]]", `write \b`)
	}
	if fold && (name == "upper" || name == "lower") {
		name = "alpha"
	}
	in := posix[name]
	if in == nil {
		return invalid("unknown POSIX class name")
	}
	members := of(in)
	if not {
		members.invert()
	}
	s.addAll(members)
	return nil
}

// memberEscape reads what stands behind a backslash in a class.
func (t *translator) memberEscape(s *set) (c byte, many, quoted bool, err error) {
	if t.pos == len(t.in) {
		return 0, false, false, invalid(`\ at end of pattern`)
	}
	c = t.in[t.pos]
	if g := generic(c); g != nil {
		t.pos++
		s.addAll(g)
		return 0, true, false, nil
	}
	switch c {
	case 'b':
		t.pos++
		return '\b', false, true, nil
	case 'B', 'R', 'X':
		return 0, false, false, invalid("escape sequence is invalid in character class")
	case 'N':
		return 0, false, false, invalid(`\N is not supported in a class`)
	case 'p', 'P':
		return 0, false, false, errProperty
	}
	if between(c, '0', '7') {
		c, err = t.octal(3)
		return c, false, true, err
	}
	c, err = t.character()
	return c, false, true, err
}
