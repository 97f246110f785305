package mailhtml

import "strings"

// maxMedia bounds how deep @media may nest.
const maxMedia = 4

// styleSheet makes ready for the text of a <style> element.
func (b *builder) styleSheet() {
	b.owner, b.sheetHead = "style", ""
	as := b.readAttrs()
	if t := strings.TrimSpace(attrVal(as, "type")); t != "" && !strings.EqualFold(t, "text/css") {
		b.owner = "noembed"
	}
	b.sheetHead = attrVal(as, "media")
}

// addSheet filters a style sheet.
func (b *builder) addSheet(css string) {
	if b.s.NoStyle {
		return
	}
	if b.cssRead += len(css); b.cssRead > b.lim.CSS {
		b.res.Truncated = true
		return
	}
	head, ok := "", true
	if m := strings.TrimSpace(b.sheetHead); m != "" && !strings.EqualFold(m, "all") {
		if head, ok = b.media(lex(m)); !ok {
			return
		}
	}
	var out strings.Builder
	b.rules(&out, lex(css), 0)
	if out.Len() == 0 {
		return
	}
	if head != "" {
		b.sheets.WriteString("@media " + head + " {\n" + out.String() + "}\n")
		return
	}
	b.sheets.WriteString(out.String())
}

// rules writes what may stay of the content of a style sheet or of a @media block.
func (b *builder) rules(out *strings.Builder, ts []token, depth int) {
	for len(ts) > 0 {
		if k := ts[0].kind; k == tokSpace || k == tokCDO || ts[0].is(';') || ts[0].is('}') {
			ts = ts[1:]
			continue
		}
		at := ts[0].kind == tokAt
		end := 0
		for end < len(ts) && !ts[end].is('{') && !(at && ts[end].is(';')) {
			end, _ = balanced(ts, end)
		}
		if end == len(ts) {
			return
		}
		prelude := trimSpace(ts[:end])
		if ts[end].is(';') { // @import and the like
			ts = ts[end+1:]
			continue
		}
		block, next := group(ts, end)
		ts = ts[next:]
		if b.sheets.Len()+out.Len() > b.lim.Output {
			b.res.Truncated = true
			return
		}
		if at {
			if prelude[0].text == "media" && depth < maxMedia {
				b.mediaRule(out, prelude[1:], block, depth)
			}
			continue
		}
		var decls strings.Builder
		b.declarations(&decls, block)
		if decls.Len() == 0 {
			continue
		}
		if sel := b.selectors(prelude); sel != "" {
			out.WriteString(sel + " { " + decls.String() + " }\n")
		}
	}
}

func (b *builder) mediaRule(out *strings.Builder, prelude, block []token, depth int) {
	head, ok := b.media(prelude)
	if !ok {
		return
	}
	var inner strings.Builder
	b.rules(&inner, block, depth+1)
	if inner.Len() > 0 {
		out.WriteString("@media " + head + " {\n" + inner.String() + "}\n")
	}
}

// media writes a list of media queries.
func (b *builder) media(ts []token) (string, bool) {
	var out strings.Builder
	open := 0
	ts = trimSpace(ts)
	for i, t := range ts {
		switch t.kind {
		case tokSpace:
			if ts[i-1].kind != tokSpace {
				out.WriteByte(' ')
			}
		case tokIdent:
			if !plainIdent(t.text) {
				return "", false
			}
			if strings.EqualFold(t.text, "prefers-color-scheme") {
				b.res.ColorScheme = true
			}
			out.WriteString(t.text)
		case tokNumber, tokDimension:
			if t.kind == tokDimension && !plain(t.unit, "") {
				return "", false
			}
			out.WriteString(t.text + t.unit)
		case tokDelim:
			switch t.c {
			case '(':
				open++
			case ')':
				if open--; open < 0 {
					return "", false
				}
			case ':', ',', '/', '=', '>':
			default:
				return "", false
			}
			out.WriteByte(t.c)
		default:
			return "", false
		}
	}
	return out.String(), out.Len() > 0 && open == 0
}
