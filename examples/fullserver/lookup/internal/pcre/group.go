package pcre

import (
	"strconv"
	"strings"
)

var errRecursion = refused("recursion into a group", "write the group's pattern again")

// group reads what stands behind a "(".
func (t *translator) group(f *modes) (piece, error) {
	rest := t.in[t.pos:]
	switch {
	case strings.HasPrefix(rest, "*"):
		return piece{}, refused("(*VERB)", "write the pattern without it")
	case !strings.HasPrefix(rest, "?"):
		return t.inner(f, t.open(f.noCapture), "", 0)
	case strings.HasPrefix(rest, "?:"):
		return t.inner(f, "(?:", "", 2)
	case strings.HasPrefix(rest, "?>"):
		t.backtracks = true
		return t.inner(f, "(?>", "", 2)
	case strings.HasPrefix(rest, "?|"):
		return piece{}, refused("(?|…)", "give each alternative groups of its own")
	case strings.HasPrefix(rest, "?="), strings.HasPrefix(rest, "?!"):
		t.backtracks = true
		p, err := t.inner(f, "("+rest[:2], "", 2)
		return piece{out: p.out, kind: look}, err
	case strings.HasPrefix(rest, "?<="), strings.HasPrefix(rest, "?<!"):
		t.backtracks = true
		t.behind++
		defer func() { t.behind-- }()
		p, err := t.inner(f, "("+rest[:3], "fixed", 3)
		return piece{out: p.out, kind: look}, err
	case strings.HasPrefix(rest, "?("):
		return t.condition(f)
	case strings.HasPrefix(rest, "?P="):
		name, _, ok := strings.Cut(rest[3:], ")")
		if !ok {
			return piece{}, errParenthesis
		}
		t.pos += 4 + len(name)
		return t.backNamed(name, f)
	case strings.HasPrefix(rest, "?P>"), strings.HasPrefix(rest, "?R"), strings.HasPrefix(rest, "?&"),
		len(rest) > 1 && between(rest[1], '0', '9'), len(rest) > 2 && (rest[1] == '+' || rest[1] == '-') && between(rest[2], '0', '9'):
		return piece{}, errRecursion
	case strings.HasPrefix(rest, "?C"):
		return piece{}, refused("(?C)", "leave it out")
	case strings.HasPrefix(rest, "?P<"), strings.HasPrefix(rest, "?<"), strings.HasPrefix(rest, "?'"):
		return t.named(f)
	}
	return t.modes(f)
}

var errParenthesis = invalid("missing closing parenthesis")

// open begins a group that captures.
func (t *translator) open(not bool) string {
	if not {
		return "(?:"
	}
	t.groups++
	return "("
}

// inner reads up to the ")" of a group that begins n octets further; its modes are its own.
func (t *translator) inner(f *modes, open, fixed string, n int) (piece, error) {
	t.pos += n
	own := *f
	p, err := t.alternatives(&own, fixed != "")
	if err != nil {
		return p, err
	}
	if t.pos == len(t.in) {
		return p, errParenthesis
	}
	t.pos++
	p.out = open + p.out + ")"
	return p, nil
}

// named reads a group with a name. Names become numbers, as PCRE counts them too.
func (t *translator) named(f *modes) (piece, error) {
	rest := strings.TrimPrefix(t.in[t.pos+1:], "P")
	end := byte('>')
	if rest[0] == '\'' {
		end = '\''
	}
	n := strings.IndexByte(rest[1:], end)
	if n < 0 || !isName(rest[1:1+n]) {
		return piece{}, invalid("a group's name is malformed")
	}
	name := rest[1 : 1+n]
	open := t.open(false)
	if _, ok := t.names[name]; ok && !t.known {
		return piece{}, invalid("two named subpatterns have the same name")
	}
	t.names[name] = t.groups
	t.pos = len(t.in) - len(rest) + n + 2
	return t.inner(f, open, "", 0)
}

// condition reads (?(1)yes|no) and (?(<name>)yes|no).
func (t *translator) condition(f *modes) (piece, error) {
	inner, _, ok := strings.Cut(t.in[t.pos+2:], ")")
	if !ok {
		return piece{}, errParenthesis
	}
	other := refused("(?("+inner+")…)", "only groups may be conditions: (?(1)yes|no)")
	group, err := strconv.Atoi(inner)
	switch {
	case inner != "" && strings.IndexByte("?*R+-", inner[0]) >= 0 || inner == "DEFINE" || strings.HasPrefix(inner, "VERSION"):
		return piece{}, other
	case err != nil:
		name := inner
		if len(inner) > 2 && (inner[0] == '<' && inner[len(inner)-1] == '>' || inner[0] == '\'' && inner[len(inner)-1] == '\'') {
			name = inner[1 : len(inner)-1]
		}
		if !isName(name) {
			return piece{}, other
		}
		if group, ok = t.names[name]; !ok {
			return piece{}, refused("a condition on a group that comes later", "name a group before it")
		}
	case group < 1:
		return piece{}, invalid("a numbered reference must not be zero")
	}
	t.highest = max(t.highest, group)
	t.backtracks = true
	p, err := t.inner(f, "(?("+strconv.Itoa(group)+")", "", len(inner)+3)
	if err != nil {
		return p, err
	}
	switch {
	case p.branches > 2:
		return p, invalid("conditional subpattern contains more than two branches")
	case p.branches == 1:
		p.min = 0
		p.out = p.out[:len(p.out)-1] + "|)" // regexp2 doesn't take what is left out for the empty pattern
	}
	return p, nil
}

// modes reads (?imsxn-imsxn) and (?imsxn-imsxn:…).
func (t *translator) modes(f *modes) (piece, error) {
	own := *f
	on := true
	for i := t.pos + 1; i < len(t.in); i++ {
		switch t.in[i] {
		case '^':
			if i > t.pos+1 {
				return piece{}, invalid("invalid hyphen or ^ in option setting")
			}
			own = modes{end: f.end, lazy: f.lazy}
		case '-':
			if !on {
				return piece{}, invalid("invalid hyphen in option setting")
			}
			on = false
		case 'i':
			own.fold = on
		case 'm':
			own.lines = on
		case 's':
			own.dotAll = on
		case 'n':
			own.noCapture = on
		case 'U':
			own.lazy = on
		case 'x':
			own.spaced, own.spacedClass = on, false
			if on && i+1 < len(t.in) && t.in[i+1] == 'x' {
				own.spacedClass = true
				i++
			}
		case 'J':
			return piece{}, refused("(?J)", "give groups different names")
		case ')':
			t.pos = i + 1
			*f = own
			return piece{kind: nothing}, nil
		case ':':
			t.pos = i + 1
			return t.inner(&own, "(?:", "", 0)
		default:
			return piece{}, invalid("unrecognized character after (? or (?-")
		}
	}
	return piece{}, errParenthesis
}
