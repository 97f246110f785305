package mime

import "strings"

// rawParam is a parameter as written.
type rawParam struct {
	name, value string
	quoted      bool
}

// parse splits a structured field into what stands before the first semicolon and its parameters. The first of several
// parameters with one name counts.
func (p *ParamParser) parse(body string) (first string, params []Param) {
	if !strings.ContainsAny(body, ";(=") {
		return strings.TrimSpace(body), nil
	}
	s := paramScanner{s: body}
	first = s.upTo(';')
	if at := nextParam(first); at > 0 && strings.HasPrefix(body, first) { // the semicolon was forgotten
		first, s.i = first[:at], at
	}
	if beginsParam(first) { // there is nothing but parameters
		first, s.i = "", 0
	}
	limit := orDefault(p.Max, 100)
	raw := make([]rawParam, 0, 4)
	for len(raw) < limit {
		r, ok := s.next()
		if !ok {
			break
		}
		raw = append(raw, r)
	}
	return strings.TrimSpace(first), p.join(raw)
}

// paramScanner walks through a field once.
type paramScanner struct {
	s         string
	i         int
	noComment bool
}

// upTo returns the text before the next stop, without comments.
func (p *paramScanner) upTo(stop byte) string {
	start := p.i
	var b []byte
	for p.i < len(p.s) && p.s[p.i] != stop {
		if p.s[p.i] == '(' {
			at := p.i
			if p.skipComment() {
				b = append(append(b, p.s[start:at]...), ' ')
				start = p.i
				continue
			}
		}
		p.i++
	}
	if b == nil {
		return p.s[start:p.i]
	}
	return string(append(b, p.s[start:p.i]...))
}

// skipComment passes over a comment; without an end it is none.
func (p *paramScanner) skipComment() bool {
	if p.noComment {
		return false
	}
	depth := 0
	for i := p.i; i < len(p.s); i++ {
		switch p.s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				p.i = i + 1
				return true
			}
		}
	}
	p.noComment = true
	return false
}

// skip passes over blanks, semicolons and comments.
func (p *paramScanner) skip() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\r', '\n', ';', ',':
			p.i++
		case '(':
			if !p.skipComment() {
				return
			}
		default:
			return
		}
	}
}

// next reads a parameter. Words that aren't one are passed over.
func (p *paramScanner) next() (r rawParam, ok bool) {
	for {
		p.skip()
		if p.i >= len(p.s) {
			return r, false
		}
		start := p.i
		for p.i < len(p.s) && isTokenChar(p.s[p.i]) {
			p.i++
		}
		r.name = strings.ToLower(p.s[start:p.i])
		for p.i < len(p.s) && isBlankOrBreak(p.s[p.i]) {
			p.i++
		}
		if p.i < len(p.s) && p.s[p.i] == '=' && r.name != "" {
			p.i++
			r.value, r.quoted = p.value(r.name)
			return r, true
		}
		if p.i == start {
			p.i++
		}
	}
}

// value reads a token or quoted string. A token goes on to the semicolon although it should end at a blank, unless what
// follows the blank looks like the next parameter.
func (p *paramScanner) value(name string) (value string, quoted bool) {
	for p.i < len(p.s) && isBlankOrBreak(p.s[p.i]) {
		p.i++
	}
	if p.i < len(p.s) && p.s[p.i] == '"' {
		return p.quoted(name), true
	}
	start := p.i
	var b []byte
	blank := true // before p.i
	for p.i < len(p.s) && p.s[p.i] != ';' {
		switch c := p.s[p.i]; {
		case c == '(' && blank:
			at := p.i
			if p.skipComment() {
				b = append(b, p.s[start:at]...)
				start = p.i
				continue
			}
			blank = false
		case isBlankOrBreak(c):
			if !blank && p.paramAhead() {
				return strings.TrimSpace(string(append(b, p.s[start:p.i]...))), false
			}
			blank = true
		default:
			blank = false
		}
		p.i++
	}
	value = p.s[start:p.i]
	if b != nil {
		value = string(append(b, value...))
	}
	return strings.TrimSuffix(strings.TrimSpace(value), `"`), false // the opening quote was forgotten
}

// paramAhead reports whether " name=" is next. Every octet is looked at once here, since the blanks before it are gone over first.
func (p *paramScanner) paramAhead() bool {
	i := p.i
	for i < len(p.s) && isBlankOrBreak(p.s[i]) {
		i++
	}
	start := i
	for i < len(p.s) && isTokenChar(p.s[i]) {
		i++
	}
	return i > start && i < len(p.s) && p.s[i] == '='
}

// beginsParam reports whether s begins with "name=".
func beginsParam(s string) bool {
	i := 0
	for i < len(s) && (isTokenChar(s[i]) || isBlankOrBreak(s[i])) {
		i++
	}
	return i > 0 && i < len(s) && s[i] == '='
}

// nextParam returns where in an unquoted value " name=" begins, 0 for nowhere.
func nextParam(s string) int {
	for i := 1; i < len(s); i++ {
		if !isBlankOrBreak(s[i-1]) || !isTokenChar(s[i]) {
			continue
		}
		j := i
		for j < len(s) && isTokenChar(s[j]) {
			j++
		}
		if j < len(s) && s[j] == '=' {
			return i
		}
		i = j
	}
	return 0
}

// quoted reads a quoted string, to the end of the field when it isn't closed. In file names a backslash before anything
// but a quote or backslash is kept: they come from people who write C:\new.txt.
func (p *paramScanner) quoted(name string) string {
	p.i++
	start := p.i
	var b []byte
	isFile := strings.HasPrefix(name, "name") || strings.HasPrefix(name, "filename")
	for ; p.i < len(p.s); p.i++ {
		switch p.s[p.i] {
		case '\\':
			if p.i+1 < len(p.s) && (!isFile || p.s[p.i+1] == '"' || p.s[p.i+1] == '\\') {
				b = append(b, p.s[start:p.i]...)
				p.i++
				start = p.i
			}
		case '\r', '\n':
			b = append(b, p.s[start:p.i]...)
			start = p.i + 1
		case '"':
			v := p.s[start:p.i]
			p.i++
			if b == nil {
				return v
			}
			return string(append(b, v...))
		}
	}
	return strings.TrimSpace(string(append(b, p.s[start:]...)))
}
