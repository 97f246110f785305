package mime

import (
	"strconv"
	"strings"
)

// FormatParams writes value and parameters as "value; name=token; name=\"quoted\"". A value that isn't ASCII, or too long for a
// line, is written in RFC 2231's form, in UTF-8 and in pieces. Names that are no tokens are left out.
func FormatParams(value string, params []Param) string {
	var b strings.Builder
	b.WriteString(cleanText(value))
	for _, p := range params {
		name, v := strings.ToLower(p.Name), cleanText(p.Value)
		switch {
		case !isToken(name) || strings.ContainsAny(name, "*'%"):
		case !isASCII(v) || len(v) > 64 && name != "boundary" || hasControl(v):
			formatExtended(&b, name, v)
		case isToken(v):
			b.WriteString("; " + name + "=" + v)
		default:
			b.WriteString("; " + name + "=" + quote(v))
		}
	}
	return b.String()
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// formatExtended writes a parameter percent-encoded (RFC 2231 sections 3 and 4), continued when it is long.
func formatExtended(b *strings.Builder, name, v string) {
	const hex = "0123456789ABCDEF"
	enc := []byte("utf-8''")
	var pieces []string
	for i := 0; i < len(v); i++ {
		if len(enc) > 54-len(name) && len(enc) > 12 {
			pieces = append(pieces, string(enc))
			enc = enc[:0]
		}
		if c := v[i]; isTokenChar(c) && c != '*' && c != '\'' && c != '%' {
			enc = append(enc, c)
		} else {
			enc = append(enc, '%', hex[c>>4], hex[c&15])
		}
	}
	if pieces = append(pieces, string(enc)); len(pieces) == 1 {
		b.WriteString("; " + name + "*=" + pieces[0])
		return
	}
	for i, s := range pieces {
		b.WriteString("; " + name + "*" + strconv.Itoa(i) + "*=" + s)
	}
}
