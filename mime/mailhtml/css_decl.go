package mailhtml

import "strings"

// styleAttr filters a style attribute.
func (b *builder) styleAttr(s string) string {
	if b.s.NoStyle || s == "" {
		return ""
	}
	if len(s) > b.lim.StyleAttr {
		b.res.Truncated = true
		return ""
	}
	var out strings.Builder
	b.declarations(&out, lex(s))
	return out.String()
}

// declarations writes those of a list of declarations that may stay.
func (b *builder) declarations(out *strings.Builder, ts []token) {
	n := out.Len()
	for len(ts) > 0 {
		end := 0
		for end < len(ts) && !ts[end].is(';') {
			end, _ = balanced(ts, end)
		}
		d := trimSpace(ts[:end])
		ts = ts[min(end+1, len(ts)):]
		if len(d) < 3 || d[0].kind != tokIdent {
			continue
		}
		name := strings.ToLower(d[0].text)
		rest := trimSpace(d[1:])
		if !property(name) || len(rest) < 2 || !rest[0].is(':') {
			continue
		}
		v, ok := b.value(name, trimSpace(rest[1:]))
		if !ok {
			continue
		}
		if name == "color-scheme" || name == "supported-color-schemes" {
			b.res.ColorScheme = true
		}
		if out.Len() > n {
			out.WriteString("; ")
		}
		out.WriteString(name + ": " + v)
	}
}

// value judges the value of a property as a whole: a browser would not take half of it either.
func (b *builder) value(name string, ts []token) (string, bool) {
	var out strings.Builder
	var open []byte
	calc := 0
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		switch t.kind {
		case tokSpace:
			out.WriteByte(' ')
			for i+1 < len(ts) && ts[i+1].kind == tokSpace {
				i++
			}
		case tokIdent:
			if !plainIdent(t.text) || !b.keyword(name, strings.ToLower(t.text)) {
				return "", false
			}
			out.WriteString(t.text)
		case tokHash:
			if !plain(t.text, "") {
				return "", false
			}
			out.WriteString("#" + t.text)
		case tokNumber, tokPercentage, tokDimension:
			if t.kind == tokDimension && !plain(t.unit, "") || len(t.text) > 20 {
				return "", false
			}
			if b.s.Mode == Fragment && movable(name) && calc == 0 && t.text[0] == '-' && strings.Trim(t.text, "-0.") != "" {
				return "", false
			}
			out.WriteString(t.text)
			if t.kind == tokPercentage {
				out.WriteByte('%')
			}
			out.WriteString(t.unit)
		case tokString:
			if name != "font-family" && name != "font" && name != "quotes" && name != "list-style-type" {
				return "", false
			}
			writeString(&out, t.text)
		case tokURL:
			if !b.cssImage(&out, name, t.text) {
				return "", false
			}
		case tokFunction:
			if t.text == "url" {
				arg, next := group(ts, i)
				if arg = trimSpace(arg); len(arg) != 1 || arg[0].kind != tokString || !b.cssImage(&out, name, arg[0].text) {
					return "", false
				}
				i = next - 1
				break
			}
			// What arithmetic comes to is not known here, so where a negative result matters there is none.
			if !cssFunction(t.text) || b.s.Mode == Fragment && movable(name) {
				return "", false
			}
			open = append(open, ')')
			out.WriteString(t.text + "(")
		case tokDelim:
			switch t.c {
			case '(':
				// Arithmetic has groups. Elsewhere there are none, and behind a word that was put in an image's place it would be a function's.
				if len(open) == 0 || i > 0 && ts[i-1].kind != tokSpace && ts[i-1].kind != tokDelim && ts[i-1].kind != tokFunction {
					return "", false
				}
				open = append(open, ')')
			case ')':
				if len(open) == 0 {
					return "", false
				}
				open = open[:len(open)-1]
			case '!':
				rest := trimSpace(ts[i+1:])
				if len(rest) != 1 || rest[0].kind != tokIdent || !strings.EqualFold(rest[0].text, "important") || len(open) > 0 {
					return "", false
				}
				v := strings.TrimRight(out.String(), " ")
				return v + " !important", v != ""
			case ',', '/', '*', '+', '-':
			default:
				return "", false
			}
			out.WriteByte(t.c)
		default:
			return "", false
		}
	}
	out.WriteString(strings.Repeat(")", len(open)))
	return out.String(), out.Len() > 0
}

// keyword judges keywords of properties some of whose values are out of the question.
func (b *builder) keyword(name, word string) bool {
	for _, active := range []string{"expression", "javascript", "image-set", "behavior", "binding", "z-index"} {
		if strings.HasPrefix(word, active) { // harmless without arguments or as a value, but no keyword of anything begins so
			return false
		}
	}
	switch name {
	case "display":
		return word != "contents" && word != "run-in"
	case "background-attachment", "background":
		return word != "fixed" || b.s.Mode == Document
	}
	return true
}

// cssImage writes what is loaded in the place of an image, or none.
func (b *builder) cssImage(out *strings.Builder, name, raw string) bool {
	if !loads(name) {
		b.res.Removed++
		return false
	}
	u, ok := b.image(raw, true, false)
	if !ok {
		out.WriteString("none")
		return true
	}
	out.WriteString("url(")
	writeString(out, u)
	out.WriteByte(')')
	return true
}
