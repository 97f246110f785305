package mailhtml

import "strings"

// compound is one part of a selector between combinators.
type compound struct {
	root bool   // means the mail's body
	kind string // element type, "*" or none
	rest string // classes, ids, attributes, pseudo-classes
}

// maxCompounds bounds what a browser has to match for one selector.
const maxCompounds = 16

// selectors writes those of a list of selectors that are understood. In a fragment each begins with the class of the mail's
// own <div>, and never leads out of it.
func (b *builder) selectors(ts []token) string {
	var out []string
	for len(ts) > 0 {
		end := 0
		for end < len(ts) && !ts[end].is(',') {
			end, _ = balanced(ts, end)
		}
		if s, ok := b.selector(trimSpace(ts[:end])); ok {
			out = append(out, s)
		}
		ts = ts[min(end+1, len(ts)):]
	}
	return strings.Join(out, ", ")
}

func (b *builder) selector(ts []token) (string, bool) {
	var parts []compound
	var combs []byte // combs[i] stands before parts[i]
	comb := byte(0)
	for len(ts) > 0 {
		c, n, ok := b.compound(ts)
		if !ok || len(parts) == maxCompounds {
			return "", false
		}
		parts, combs = append(parts, c), append(combs, comb)
		ts = ts[n:]
		comb = 0
		for len(ts) > 0 {
			if ts[0].kind == tokSpace {
				if comb == 0 {
					comb = ' '
				}
			} else if ts[0].is('>') || ts[0].is('+') || ts[0].is('~') {
				if comb != 0 && comb != ' ' {
					return "", false
				}
				comb = ts[0].c
			} else {
				break
			}
			ts = ts[1:]
		}
		if (comb == 0) != (len(ts) == 0) {
			return "", false
		}
	}
	if len(parts) == 0 {
		return "", false
	}
	var out strings.Builder
	if b.s.Mode == Fragment {
		for len(parts) > 1 && parts[0].root && parts[1].root && parts[0].rest == "" && (combs[1] == ' ' || combs[1] == '>') {
			parts, combs = parts[1:], combs[1:] // html body
		}
		out.WriteString("." + b.root())
		if parts[0].root {
			if len(parts) > 1 && combs[1] != ' ' && combs[1] != '>' {
				return "", false // beside the mail
			}
			out.WriteString(parts[0].rest)
			parts, combs = parts[1:], combs[1:]
		} else {
			combs[0] = ' '
		}
	}
	for i, p := range parts {
		if p.root && b.s.Mode == Fragment {
			return "", false
		}
		switch combs[i] {
		case 0:
		case ' ':
			out.WriteByte(' ')
		default:
			out.Write([]byte{' ', combs[i], ' '})
		}
		out.WriteString(p.kind + p.rest)
	}
	return out.String(), true
}

// compound reads one compound selector and returns how many tokens it has.
func (b *builder) compound(ts []token) (c compound, n int, ok bool) {
	var out strings.Builder
	for n < len(ts) {
		t := ts[n]
		switch {
		case t.kind == tokIdent && n == 0:
			c.kind = strings.ToLower(t.text)
			if !plain(c.kind, "-_") || isDigit(c.kind[0]) || c.kind[0] == '-' {
				return c, 0, false
			}
			c.root = c.kind == "body" || c.kind == "html"
		case t.is('*') && n == 0:
			c.kind = "*"
		case t.kind == tokHash:
			id, ok := b.prefixedID(t.text)
			if !ok {
				return c, 0, false
			}
			out.WriteByte('#')
			writeName(&out, id)
		case t.is('.') && n+1 < len(ts) && ts[n+1].kind == tokIdent:
			n++
			class, ok := b.prefixedID(ts[n].text)
			if !ok {
				return c, 0, false
			}
			if class == b.root() && b.s.Mode == Fragment {
				c.root = true
				break
			}
			out.WriteByte('.')
			writeName(&out, class)
		case t.is('['):
			inner, next := group(ts, n)
			if !b.attrSelector(&out, trimSpace(inner)) {
				return c, 0, false
			}
			n = next - 1
		case t.is(':') && n+1 < len(ts):
			n++
			switch p, name := ts[n], strings.ToLower(ts[n].text); {
			case p.kind == tokIdent && name == "root":
				c.root, c.kind = true, "html"
			case p.kind == tokIdent && pseudoClass(name):
				out.WriteString(":" + name)
			case p.kind == tokFunction && strings.HasPrefix(name, "nth-"):
				inner, next := group(ts, n)
				arg, ok := nth(trimSpace(inner))
				if !ok || !pseudoClass(name) {
					return c, 0, false
				}
				out.WriteString(":" + name + "(" + arg + ")")
				n = next - 1
			default:
				return c, 0, false
			}
		default:
			c.rest = out.String()
			return c, n, n > 0
		}
		n++
	}
	c.rest = out.String()
	return c, n, n > 0
}

func pseudoClass(name string) bool {
	switch name {
	case "hover", "active", "focus", "visited", "link", "checked", "first-child", "last-child", "only-child", "first-of-type",
		"last-of-type", "only-of-type", "empty", "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type":
		return true
	}
	return false
}

// nth writes the argument of :nth-child(), such as "2n + 1" or "odd".
func nth(ts []token) (string, bool) {
	var out strings.Builder
	for _, t := range ts {
		switch {
		case t.kind == tokSpace:
			out.WriteByte(' ')
		case t.kind == tokIdent, t.kind == tokNumber, t.kind == tokDimension:
			out.WriteString(t.text + t.unit)
		case t.is('+') || t.is('-'):
			out.WriteByte(t.c)
		default:
			return "", false
		}
	}
	return out.String(), plain(out.String(), "+- ")
}

// attrSelector writes the inside of an attribute selector.
func (b *builder) attrSelector(out *strings.Builder, ts []token) bool {
	if len(ts) == 0 || ts[0].kind != tokIdent || !plain(ts[0].text, "-_") || isDigit(ts[0].text[0]) || ts[0].text[0] == '-' {
		return false
	}
	name := strings.ToLower(ts[0].text)
	ts = trimSpace(ts[1:])
	if len(ts) == 0 {
		out.WriteString("[" + name + "]")
		return true
	}
	op := ""
	if ts[0].kind == tokDelim && strings.IndexByte("~|^$*", ts[0].c) >= 0 {
		op = string(ts[0].c)
		ts = ts[1:]
	}
	if len(ts) == 0 || !ts[0].is('=') {
		return false
	}
	ts = trimSpace(ts[1:])
	if len(ts) != 1 || ts[0].kind != tokIdent && ts[0].kind != tokString {
		return false
	}
	val := ts[0].text
	if (name == "class" || name == "id") && op != "*" && op != "$" {
		val, _ = b.prefixed(val)
	}
	out.WriteString("[" + name + op + "=")
	writeString(out, val)
	out.WriteByte(']')
	return true
}
