package mailhtml

import (
	"strings"
	"unicode/utf8"
)

// text adds text to the line that is being gathered.
func (t *texter) text(s string) {
	if t.pre > 0 {
		for i, l := range strings.Split(strings.ReplaceAll(s, "\r", ""), "\n") {
			if i > 0 {
				t.flushLine()
			}
			t.begin()
			t.para.WriteString(clean(l))
		}
		return
	}
	for len(s) > 0 {
		n := 0
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		if n > 0 {
			t.gap = t.para.Len() > 0
			s = s[n:]
			continue
		}
		for n < len(s) && !isSpace(s[n]) {
			n++
		}
		t.word(clean(s[:n]))
		s = s[n:]
	}
}

// clean removes what is not seen: control characters, soft hyphens and the fillers of preview texts. No-break spaces become
// spaces.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '\u00a0', '\t', '\u2003', '\u2002', '\u2009':
			return ' '
		case '\u00ad', '\u034f', '\u200b', '\u2060', '\ufeff':
			return -1
		}
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// begin puts down the bullet of a list item.
func (t *texter) begin() {
	if t.due > 0 {
		blanks := t.due - 1
		t.due = 0
		t.lineEnd(blanks)
	}
	if t.bullet != "" && t.para.Len() == 0 {
		t.para.WriteString(t.bullet)
		t.bullet = ""
		t.linkAt = max(t.linkAt, t.para.Len())
	}
}

func (t *texter) word(w string) {
	if w == "" || strings.TrimLeft(w, " ") == "" && t.para.Len() == 0 {
		return
	}
	t.begin()
	if t.gap {
		t.para.WriteByte(' ')
		t.gap = false
	}
	t.para.WriteString(w)
}

// paragraph ends the line and wants blanks empty lines before the next.
func (t *texter) paragraph(blanks int) {
	if t.cellAt > 0 && t.para.Len() == t.cellAt {
		return // the first in its cell
	}
	if len(t.tables) > 0 && t.para.Len() > 0 {
		t.due = max(t.due, blanks+1) // perhaps it is the last of its cell
		t.gap = false
		return
	}
	t.lineEnd(blanks)
}

// lineEnd is paragraph without waiting.
func (t *texter) lineEnd(blanks int) {
	t.due = 0
	if n := len(t.tables); n > 0 && t.para.Len() > 0 {
		t.tables[n-1].broken = true
	}
	t.flush()
	t.blanks = max(t.blanks, blanks)
}

func (t *texter) flush() {
	if t.para.Len() > 0 {
		t.flushLine()
	}
	t.gap = false
}

// flushLine ends the line, which may be empty.
func (t *texter) flushLine() {
	s := t.para.String()
	t.para.Reset()
	if n := len(t.tables); n > 0 && s != "" {
		t.tables[n-1].broken = true
	}
	t.due = 0
	t.linkAt, t.cellAt = 0, 0
	t.gap = false
	if s = strings.TrimRight(s, " "); s == "" && t.pre == 0 {
		if t.out.Len() > 0 {
			t.blanks = min(t.blanks+1, 2)
		}
		return
	}
	for ; t.blanks > 0; t.blanks-- {
		if t.out.Len() > 0 {
			t.out.WriteString(strings.Repeat(">", min(t.quote, t.quoted)) + "\n")
		}
	}
	t.quoted = t.quote
	t.wrap(s)
}

// wrap writes a line, broken at blanks.
func (t *texter) wrap(s string) {
	prefix := strings.Repeat(">", t.quote)
	if prefix != "" {
		prefix += " "
	}
	hang := ""
	if trimmed := strings.TrimLeft(s, " "); !t.flowed && t.pre == 0 {
		hang = strings.Repeat(" ", min(len(s)-len(trimmed), 40))
		if m, rest, ok := strings.Cut(trimmed, " "); ok && rest != "" && (m == "*" || len(m) < 6 && strings.Trim(m, "0123456789") == ".") {
			hang += strings.Repeat(" ", len(m)+1)
		}
	}
	width := max(t.width-len(prefix), 20)
	for first := true; ; first = false {
		cut := len(s)
		if t.width > 0 && t.pre == 0 {
			avail := width
			if !first {
				avail -= len(hang)
			}
			cut = breakAt(s, avail)
		}
		l := strings.TrimRight(s[:cut], " ")
		if l == "--" && t.flowed {
			l, cut = s, len(s) // with the blank of a broken line it would be the mark of a signature
		}
		s = strings.TrimLeft(s[cut:], " ")
		if !first {
			l = hang + l
		}
		if t.flowed && prefix == "" && (strings.HasPrefix(l, " ") || strings.HasPrefix(l, ">") || strings.HasPrefix(l, "From ")) {
			l = " " + l
		}
		if l == "--" && t.pre == 0 && first {
			l = "-- " // the mark of a signature (RFC 3676 section 4.3), whose blank HTML has lost
		}
		t.out.WriteString(prefix + l)
		if s == "" {
			t.out.WriteByte('\n')
			return
		}
		if t.flowed {
			t.out.WriteByte(' ')
		}
		t.out.WriteByte('\n')
	}
}

// breakAt returns where to break s so that the first part has at most width characters, if it has blanks.
func breakAt(s string, width int) int {
	n, last := 0, -1
	for i := 0; i < len(s); {
		if s[i] == ' ' && strings.TrimLeft(s[:min(i, 50)], " ") != "" {
			last = i
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if n++; n > width && last > 0 {
			return last
		}
	}
	return len(s)
}
