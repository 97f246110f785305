package explain

import (
	"strings"
)

// letter follows a message: its header, the empty line, its body.
type letter struct {
	lines  int
	body   bool
	fields map[string]bool
	last   string // the field that a folded line belongs to
}

// line explains a line of a message, without the dot that was put before it.
func (l *letter) line(n *Note, line string) {
	l.lines++
	n.cite("RFC 5322 section 2.1")
	if l.body {
		n.Kind = Body
		if len(n.Says) == 0 {
			n.say("letter.body")
		}
		return
	}
	n.Kind = Header
	n.cite("RFC 5322 section 2.2")
	name, value, ok := strings.Cut(line, ":")
	switch {
	case line == "":
		n.Kind, l.body = Body, true
		n.say("letter.blank")
	case line[0] == ' ' || line[0] == '\t':
		if l.lines == 1 {
			n.mistake("mistake.no-header")
			l.body = true
			return
		}
		n.say("letter.folded", l.last)
	case !ok || !fieldName(name):
		l.body = true
		n.Kind = Body
		if l.lines == 1 {
			n.mistake("mistake.no-header")
		} else {
			n.mistake("mistake.no-blank-line")
		}
	default:
		l.last = strings.TrimRight(name, " \t")
		lower := strings.ToLower(l.last)
		if l.fields == nil {
			l.fields = map[string]bool{}
		}
		if len(l.fields) < 200 {
			l.fields[lower] = true
		}
		n.word(name+":", "word.field")
		if v := strings.TrimSpace(value); v != "" {
			n.word(v, "word.value")
		}
		if key := "letter.field." + lower; known(key) {
			n.say(key)
		} else {
			n.say("letter.field", l.last)
		}
		if strings.Contains(value, "=?") && strings.Contains(value, "?=") {
			n.say("letter.encoded-word")
		}
	}
}

// finish says what the message lacks.
func (l *letter) finish(n *Note) {
	if l.lines == 0 {
		n.say("letter.empty")
		return
	}
	var missing []string
	for _, f := range []string{"From", "Date"} {
		if !l.fields[strings.ToLower(f)] {
			missing = append(missing, f+":")
		}
	}
	if len(missing) > 0 {
		n.say("letter.missing", strings.Join(missing, ", "))
		n.cite("RFC 5322 section 3.6")
	}
}

// fieldName reports whether s is a field's name: printable ASCII without spaces, but for some before the colon, which were once allowed.
func fieldName(s string) bool {
	s = strings.TrimRight(s, " \t")
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
