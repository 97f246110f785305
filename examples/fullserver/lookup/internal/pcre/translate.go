package pcre

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/lookup/internal/rules"
)

// modes are what flags and (?imsxnU) change.
type modes struct{ fold, lines, dotAll, spaced, spacedClass, noCapture, lazy, end bool }

// translation is a pattern in the syntax of package regexp, or of regexp2.
type translation struct {
	out        string
	groups     int
	backtracks bool // it needs regexp2
	loops      bool // its groups do
}

// translate writes a pattern for package regexp where it can, for regexp2 else, and always if fast isn't set.
func translate(pattern string, f modes, anchored, fast bool) (*translation, error) {
	t := &translator{in: pattern, fast: fast, names: map[string]int{}}
	w, err := t.whole(f)
	if t.forward && err == nil { // now all names are known
		t = &translator{in: pattern, fast: fast, names: t.names, known: true}
		w, err = t.whole(f)
	}
	if err != nil {
		return nil, err
	}
	if anchored {
		w.out = `\A(?:` + w.out + `)`
	}
	return &translation{out: w.out, groups: t.groups, backtracks: t.backtracks, loops: t.loops}, nil
}

type translator struct {
	in         string
	pos        int
	fast       bool
	quoted     bool // between \Q and \E
	depth      int
	groups     int
	highest    int            // reference
	names      map[string]int // groups
	known      bool           // names has all of them from an earlier run
	forward    bool           // a name was used before it was given
	behind     int            // look-behinds around
	backtracks bool
	loops      bool
}

// A piece is a part of the translation with how many octets it matches, max -1 being any number.
type piece struct {
	out      string
	min, max int
	kind     kind
	branches int // of a group
}

type kind uint8

const (
	nothing kind = iota // no item at all: modes
	item
	assertion // can't be repeated
	look      // can, which means little
)

// maxDepth is how deep groups may lie in each other, as in PCRE2.
const maxDepth = 250

func invalid(format string, args ...any) error { return rules.Invalid(fmt.Sprintf(format, args...)) }

func refused(what, instead string) error {
	return fmt.Errorf("%s is not supported in pcre tables: %s", what, instead)
}

func (t *translator) whole(f modes) (piece, error) {
	if strings.HasPrefix(t.in, "(*") {
		return piece{}, refused("(*VERB)", "write the pattern without it")
	}
	w, err := t.alternatives(&f, false)
	switch {
	case err != nil:
	case t.pos < len(t.in):
		err = invalid("unmatched closing parenthesis")
	case t.highest > t.groups:
		err = invalid("reference to group %d, and there is none", t.highest)
	}
	return w, err
}

// alternatives reads up to the end or a ")". Modes that change in it hold to its end, in later alternatives too. Of a
// look-behind each alternative matches one number of octets.
func (t *translator) alternatives(f *modes, fixed bool) (piece, error) {
	if t.depth++; t.depth > maxDepth {
		return piece{}, invalid("parentheses are too deeply nested")
	}
	defer func() { t.depth-- }()
	var out strings.Builder
	all := piece{kind: item}
	for {
		b, err := t.sequence(f)
		if err != nil {
			return b, err
		}
		if fixed && b.min != b.max {
			return b, invalid("lookbehind assertion is not fixed length")
		}
		out.WriteString(b.out)
		if all.branches == 0 {
			all.min, all.max = b.min, b.max
		}
		all.branches++
		all.min = min(all.min, b.min)
		if all.max >= 0 {
			all.max = max(all.max, b.max)
		}
		if b.max < 0 {
			all.max = -1
		}
		if t.pos == len(t.in) || t.in[t.pos] == ')' {
			break
		}
		t.pos++ // "|"
		out.WriteByte('|')
	}
	all.out = out.String()
	return all, nil
}

// sequence reads items with their quantifiers.
func (t *translator) sequence(f *modes) (piece, error) {
	var out strings.Builder
	all := piece{kind: item}
	for {
		if err := t.skip(f); err != nil {
			return all, err
		}
		if t.pos == len(t.in) || !t.quoted && (t.in[t.pos] == '|' || t.in[t.pos] == ')') {
			all.out = out.String()
			return all, nil
		}
		p, err := t.item(f)
		if err != nil {
			return all, err
		}
		if err := t.skip(f); err != nil {
			return all, err
		}
		if p, err = t.quantified(f, p); err != nil {
			return all, err
		}
		out.WriteString(p.out)
		all.min += p.min
		if all.max >= 0 {
			all.max += p.max
		}
		if p.max < 0 {
			all.max = -1
		}
	}
}

// skip passes over what is no item: white space and comments, \Q and \E.
func (t *translator) skip(f *modes) error {
	for t.pos < len(t.in) {
		rest := t.in[t.pos:]
		switch {
		case strings.HasPrefix(rest, `\E`):
			t.pos, t.quoted = t.pos+2, false
		case t.quoted:
			return nil
		case strings.HasPrefix(rest, `\Q`):
			t.pos, t.quoted = t.pos+2, true
		case strings.HasPrefix(rest, "(?#"):
			end := strings.IndexByte(rest, ')')
			if end < 0 {
				return invalid("missing ) after (?# comment")
			}
			t.pos += end + 1
		case f.spaced && strings.IndexByte(" \t\n\v\f\r", rest[0]) >= 0:
			t.pos++
		case f.spaced && rest[0] == '#':
			end := strings.IndexByte(rest, '\n')
			if end < 0 {
				end = len(rest) - 1
			}
			t.pos += end + 1
		default:
			return nil
		}
	}
	return nil
}

// item reads one.
func (t *translator) item(f *modes) (piece, error) {
	c := t.in[t.pos]
	t.pos++
	if t.quoted {
		return literal(c, f), nil
	}
	switch c {
	case '\\':
		return t.escape(f)
	case '[':
		return t.class(f)
	case '(':
		return t.group(f)
	case '.':
		if f.dotAll {
			return any1(`(?s:.)`), nil
		}
		return any1(`[^\n]`), nil
	case '^':
		switch {
		case !f.lines:
			return piece{out: `\A`, kind: assertion}, nil
		case t.fast:
			return piece{out: `(?m:^)`, kind: assertion}, nil
		}
		return piece{out: `(?:\A|(?<=\n)(?!\z))`, kind: assertion}, nil
	case '$':
		switch {
		case f.lines && t.fast:
			return piece{out: `(?m:$)`, kind: assertion}, nil
		case f.lines:
			return piece{out: `(?=\n|\z)`, kind: assertion}, nil
		case f.end:
			return piece{out: `\z`, kind: assertion}, nil
		}
		return t.atEnd(), nil
	case '*', '+', '?':
		return piece{}, invalid("quantifier does not follow a repeatable item")
	case '{':
		if _, _, n := bounds(t.in[t.pos-1:]); n > 0 {
			return piece{}, invalid("quantifier does not follow a repeatable item")
		}
	}
	return literal(c, f), nil
}

// atEnd is the end of the text, or before a newline that ends it.
func (t *translator) atEnd() piece {
	if t.fast {
		return piece{out: `\z`, kind: assertion}
	}
	return piece{out: `(?=\n?\z)`, kind: assertion}
}

func any1(out string) piece { return piece{out: out, min: 1, max: 1, kind: item} }

func literal(c byte, f *modes) piece {
	var s set
	s.add(c, f.fold)
	return any1(s.write())
}

// quantified puts the quantifier that comes next, if any, behind p.
func (t *translator) quantified(f *modes, p piece) (piece, error) {
	if t.pos == len(t.in) || t.quoted {
		return p, nil
	}
	lo, hi, n := bounds(t.in[t.pos:])
	if n == 0 {
		return p, nil
	}
	switch {
	case lo > maxRepeat || hi > maxRepeat:
		return p, invalid("number too big in {} quantifier")
	case hi >= 0 && hi < lo:
		return p, invalid("numbers out of order in {} quantifier")
	case p.kind == nothing || p.kind == assertion:
		return p, invalid("quantifier does not follow a repeatable item")
	}
	t.pos += n
	if err := t.skip(f); err != nil {
		return p, err
	}
	lazy, possessive := f.lazy, false
	if t.pos < len(t.in) && !t.quoted {
		switch t.in[t.pos] {
		case '?':
			lazy = !lazy
			t.pos++
		case '+':
			possessive, lazy = true, false
			t.pos++
		}
	}
	if p.kind == look { // pcre2pattern(3): it is matched once at most
		lo, hi = min(lo, 1), 1
	}
	if p.min == 0 && hi != 1 && (hi != 0 || lo != 0) {
		t.loops = true // package regexp has its own mind about the groups in what may be empty
	}
	q := piece{out: "(?:" + p.out + ")" + writeBounds(lo, hi), min: p.min * lo, max: -1, kind: item}
	if p.max >= 0 && hi >= 0 {
		q.max = p.max * hi
	} else if p.max == 0 || hi == 0 {
		q.max = 0
	}
	if lazy {
		q.out += "?"
	}
	if possessive {
		t.backtracks = true
		q.out = "(?>" + q.out + ")"
	}
	if err := t.skip(f); err != nil {
		return q, err
	}
	if !t.quoted && t.pos < len(t.in) {
		if _, _, again := bounds(t.in[t.pos:]); again > 0 {
			return q, invalid("quantifier does not follow a repeatable item")
		}
	}
	if q.min > maxWidth || q.max > maxWidth {
		return q, refused("a repetition of repetitions that is this long", "write fewer")
	}
	return q, nil
}

const (
	maxRepeat = 65535
	maxWidth  = 1 << 30
)

// bounds reads a quantifier without what makes it lazy or possessive; n is its length, 0 for none.
func bounds(s string) (lo, hi, n int) {
	switch s[0] {
	case '*':
		return 0, -1, 1
	case '+':
		return 1, -1, 1
	case '?':
		return 0, 1, 1
	case '{':
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return 0, 0, 0
		}
		first, last, comma := strings.Cut(s[1:end], ",")
		lo, ok := count(first)
		if !ok {
			return 0, 0, 0
		}
		hi = lo
		if comma {
			hi = -1
			if last != "" {
				if hi, ok = count(last); !ok {
					return 0, 0, 0
				}
			}
		}
		return lo, hi, end + 1
	}
	return 0, 0, 0
}

// count reads digits; what is too large is larger than maxRepeat.
func count(s string) (int, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		n = maxRepeat + 1
	}
	return n, true
}

func writeBounds(lo, hi int) string {
	switch {
	case lo == 0 && hi < 0:
		return "*"
	case lo == 1 && hi < 0:
		return "+"
	case lo == 0 && hi == 1:
		return "?"
	case hi < 0:
		return fmt.Sprintf("{%d,}", lo)
	}
	return fmt.Sprintf("{%d,%d}", lo, hi)
}
