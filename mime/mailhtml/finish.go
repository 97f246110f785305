package mailhtml

import "strings"

// root is the class of the <div> around a fragment. The mail's own classes have no "-" after the prefix, or it does not matter.
func (b *builder) root() string { return b.prefix + "-root" }

// finish puts the parts together.
func (b *builder) finish() []byte {
	css := ""
	if b.sheets.Len() > 0 {
		css = "<style>\n" + b.sheets.String() + "</style>"
	}
	out := make([]byte, 0, len(b.out)+len(css)+512)
	if b.s.Mode == Fragment {
		out = append(out, "<div"...)
		out = b.bodyAttrs(out, "class", "id", "style", "lang", "dir")
		out = append(append(append(out, '>'), css...), b.out...)
		return append(out, "</div>"...)
	}
	out = append(out, "<!DOCTYPE html>\n<html"...)
	out = b.bodyAttrs(out, "lang", "dir")
	forms := "'none'"
	if b.s.Forms {
		forms = "http: https:"
	}
	out = append(out, `><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; `+
		`style-src 'unsafe-inline'; img-src 'self' data: blob: cid: http: https:; base-uri 'none'; form-action `+forms+`">`+
		`<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width, initial-scale=1">`...)
	if b.scheme != "" {
		out = append(append(append(out, `<meta name="color-scheme" content="`...), b.scheme...), `">`...)
	}
	out = append(append(out, css...), "</head><body"...)
	out = b.bodyAttrs(out, "class", "id", "style")
	out = append(append(out, '>'), b.out...)
	return append(out, "</body></html>"...)
}

// bodyAttrs appends attributes of the mail's <body>. What HTML has attributes for that only <body> has becomes style.
func (b *builder) bodyAttrs(dst []byte, keys ...string) []byte {
	for _, key := range keys {
		v := attrVal(b.body, key)
		switch key {
		case "class":
			var words []string
			for w := range strings.FieldsSeq(v) {
				if w != b.root() {
					words = append(words, w)
				}
			}
			v, _ = b.prefixed(strings.Join(words, " "))
			if b.s.Mode == Fragment {
				v = strings.TrimSpace(b.root() + " " + v)
			}
		case "id":
			v, _ = b.prefixedID(v)
		case "style":
			v = b.bodyStyle(v)
		case "lang":
			if !plain(v, "-_") {
				v = ""
			}
		case "dir":
			v, _ = oneOf(v, "ltr", "rtl", "auto")
		}
		if v != "" {
			dst = appendAttr(dst, key, v)
		}
	}
	return dst
}

func (b *builder) bodyStyle(style string) string {
	var s strings.Builder
	for _, c := range [][2]string{{"bgcolor", "background-color: "}, {"text", "color: "}} {
		if v := strings.TrimSpace(attrVal(b.body, c[0])); plain(strings.TrimPrefix(v, "#"), "") {
			if hex := strings.Trim(v, "0123456789abcdefABCDEF") == ""; hex && (len(v) == 6 || len(v) == 3) {
				v = "#" + v
			}
			s.WriteString(c[1] + v + ";")
		}
	}
	if v := attrVal(b.body, "background"); v != "" {
		s.WriteString("background-image: url(")
		writeString(&s, v)
		s.WriteString(");")
	}
	s.WriteString(style)
	return b.styleAttr(s.String())
}
