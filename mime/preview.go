package mime

import (
	"bytes"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	previewChars = 200     // "The server SHOULD limit the length of the preview text to 200 preview characters" (RFC 8970 section 3.3)
	previewPlain = 8 << 10 // octets of a text that are looked at
	previewHTML  = 32 << 10
)

// previewer keeps the beginning of the first text of a message, plain text rather than HTML.
type previewer struct {
	part    *Part // whose octets raw holds
	raw     []byte
	max     int
	reading bool
}

// begin is called for each leaf before its body.
func (v *previewer) begin(p *Part) {
	if p.Type != "text" || p.Disposition != nil && p.Disposition.Type == "attachment" {
		return
	}
	better := v.part == nil || v.part.Subtype == "html" && p.Subtype == "plain" || len(bytes.TrimSpace(v.raw)) == 0
	if (p.Subtype == "plain" || p.Subtype == "html") && better {
		v.part, v.raw, v.reading, v.max = p, v.raw[:0], true, previewPlain
		if p.Subtype == "html" {
			v.max = previewHTML
		}
	}
}

func (v *previewer) wants() bool { return v.reading && len(v.raw) < v.max }

func (v *previewer) add(b []byte) { v.raw = append(v.raw, b[:min(len(b), v.max-len(v.raw))]...) }

// end is called when a body ends.
func (v *previewer) end() { v.reading = false }

// text makes the preview.
func (v *previewer) text(other CharsetReader) string {
	if v.part == nil {
		return ""
	}
	raw := v.raw
	switch v.part.Encoding {
	case "base64":
		raw = decodeBase64Loose(string(raw))
	case "quoted-printable":
		raw = decodeQPBlock(raw)
	}
	s, ok := toUTF8(v.part.Param("charset"), raw, other)
	if !ok {
		s = guessUTF8(raw)
	}
	if v.part.Subtype == "html" {
		return squeeze(htmlText(s))
	}
	if own := squeeze(dropQuotes(s)); own != "" {
		return own
	}
	return squeeze(s)
}

// dropQuotes removes quoted lines and what follows the signature mark.
func dropQuotes(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.TrimRight(line, "\r\n") == "-- " {
			break
		}
		if line[0] != '>' {
			b.WriteString(line)
		}
	}
	return b.String()
}

// squeeze makes blanks and controls single spaces and cuts after previewChars characters, at a space if one is near.
func squeeze(s string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u200b' || r == '\u200c' || r == '\ufeff' || r == '\u034f' || r == '\u00ad' {
			space = true
			continue
		}
		if r == utf8.RuneError && n == previewChars-1 {
			break
		}
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		space = false
		if n >= previewChars {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimRight(b.String(), " ")
}

// htmlText returns the text of an HTML document in one pass: no tags, comments, head, style or script. It is for
// reading a few words, not for showing HTML safely.
func htmlText(s string) string {
	var b strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		var n int
		if strings.HasPrefix(s, "<!--") {
			n = after(s, "-->")
		} else {
			n = after(s, ">")
			name := tagName(s)
			switch name {
			case "style", "script", "head", "title":
				n = after(s, "</"+name)
				if n == len(s) {
					n = after(s, "</"+strings.ToUpper(name))
				}
				n += after(s[n:], ">")
			case "b", "i", "u", "a", "em", "strong", "span", "font":
			default:
				b.WriteByte(' ')
			}
		}
		s = s[n:]
	}
	return html.UnescapeString(b.String())
}

// after returns the offset behind the first mark, the length of s without one.
func after(s, mark string) int {
	if i := strings.Index(s, mark); i >= 0 {
		return i + len(mark)
	}
	return len(s)
}

// tagName returns the name of the tag at the beginning of s, in lower case, without a slash.
func tagName(s string) string {
	s = strings.TrimPrefix(s[1:], "/")
	n := 0
	for n < len(s) && n < 10 && (isLetter(s[n]) || isDigit(s[n])) {
		n++
	}
	return strings.ToLower(s[:n])
}
