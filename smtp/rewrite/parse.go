package rewrite

import "strings"

// addresses takes a table's answer apart: addresses with commas between them, as a header would have them. Names and comments are left out. The
// addresses are in internal form.
func addresses(value string) []string {
	var out []string
	p := parser{in: value}
	for p.pos < len(p.in) {
		if a := p.address(); a != "" {
			out = append(out, a)
		}
	}
	return out
}

type parser struct {
	in  string
	pos int
}

// address reads up to the next comma.
func (p *parser) address() string {
	var b strings.Builder
	space, route := false, false
	var last byte // before white space
	put := func(s string) {
		if space && b.Len() > 0 && !strings.HasSuffix(b.String(), "@") && !strings.HasSuffix(b.String(), ".") && s != "@" && s != "." {
			b.WriteByte(' ')
		}
		b.WriteString(s)
		space = false
	}
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		if space && strings.IndexByte("@.,;:>( \t\r\n", c) < 0 && last != '@' && last != '.' && strings.IndexByte(b.String(), '@') >= 0 && !route {
			return b.String() // white space behind an address with a domain ends it
		}
		p.pos++
		switch {
		case c == ',' && !route, c == ';':
			return b.String()
		case c == '"':
			put(p.quoted())
		case c == '(':
			p.comment()
		case c == '<': // what came before was a name
			b.Reset()
			space, route = false, strings.HasPrefix(p.in[p.pos:], "@")
		case c == '>':
			for p.pos < len(p.in) && p.in[p.pos] != ',' {
				p.pos++
			}
			route = false
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			space = true
			continue
		case c == '\\' && p.pos < len(p.in):
			put(p.in[p.pos : p.pos+1])
			p.pos++
		default:
			put(string([]byte{c}))
		}
		last = c
	}
	return b.String()
}

// quoted reads the rest of a quoted string and returns what it says.
func (p *parser) quoted() string {
	var b strings.Builder
	for p.pos < len(p.in) {
		c := p.in[p.pos]
		p.pos++
		if c == '"' {
			break
		}
		if c == '\\' && p.pos < len(p.in) {
			c = p.in[p.pos]
			p.pos++
		}
		b.WriteByte(c)
	}
	return b.String()
}

// comment passes over the rest of a comment.
func (p *parser) comment() {
	for depth := 1; p.pos < len(p.in) && depth > 0; p.pos++ {
		switch p.in[p.pos] {
		case '\\':
			p.pos++
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	p.pos = min(p.pos, len(p.in))
}
