package mailhtml

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
)

// skip leaves an element out with everything in it.
func (b *builder) skip(name string) {
	switch name {
	case "template", "xml", "select":
	default:
		b.owner = name // its text is one token
		return
	}
	if b.endless[name] {
		return
	}
	end := indexFold(b.in[b.pos:], "</"+name)
	if end < 0 { // then better show what is there than nothing
		if b.endless == nil {
			b.endless = map[string]bool{}
		}
		b.endless[name] = true
		return
	}
	for end += b.pos; b.pos <= end; {
		if b.z.Next() == html.ErrorToken {
			return
		}
		b.pos += len(b.z.Raw())
	}
}

func indexFold(s []byte, sub string) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(s[at:], sub[0])
		if i < 0 || at+i+len(sub) > len(s) {
			return -1
		}
		if at += i; strings.EqualFold(string(s[at:at+len(sub)]), sub) {
			return at
		}
	}
}

// skipForeign leaves SVG or MathML out, up to its end or to a tag that can't be part of it.
func (b *builder) skipForeign(name string) {
	if raw := b.z.Raw(); len(raw) > 1 && raw[len(raw)-2] == '/' {
		return
	}
	for depth := 1; depth > 0; {
		t := b.z.Next()
		b.pos += len(b.z.Raw())
		switch t {
		case html.ErrorToken:
			return
		case html.StartTagToken:
			n, more := b.z.TagName()
			if inner := string(n); inner == name {
				depth++
			} else if breaksOut(inner) {
				b.startTag(inner, more)
				return
			}
		case html.EndTagToken:
			n, _ := b.z.TagName()
			if inner := string(n); inner == name {
				depth--
			} else if inner == "p" || inner == "br" {
				b.endTag(inner)
				return
			}
		}
	}
}

// ownedText handles the text of an element that the tokenizer does not read as HTML, and says whether there was one.
func (b *builder) ownedText(t html.TokenType) bool {
	owner := b.owner
	b.owner = ""
	if owner == "textarea" && b.s.Forms {
		if t == html.TextToken && !b.full {
			b.out = appendText(b.out, bytes.TrimLeft(b.z.Text(), "\r\n\x00"))
		}
		b.writeEnd(owner)
	}
	if t != html.TextToken {
		return false
	}
	if owner == "style" {
		b.addSheet(string(b.z.Text()))
	}
	return true
}

// meta looks for the colour schemes a mail declares; everything else that <meta> says is not for a mail to say.
func (b *builder) meta() {
	as := b.readAttrs()
	switch strings.ToLower(attrVal(as, "name")) {
	case "color-scheme", "supported-color-schemes":
		if c := strings.ToLower(attrVal(as, "content")); plain(c, " ") && b.scheme == "" {
			b.scheme = c
			b.res.ColorScheme = true
		}
	}
	if attrVal(as, "http-equiv") != "" && strings.EqualFold(attrVal(as, "http-equiv"), "refresh") {
		b.res.Removed++
	}
}
