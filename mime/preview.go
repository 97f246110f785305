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

// text makes the preview. Most texts show all that is wanted of them in their first lines; only of others the whole is looked at.
func (v *previewer) text(other CharsetReader) string {
	if v.part == nil {
		return ""
	}
	if n := v.lines(previewLines); n > 0 {
		if w := v.words(v.raw[:n], other); w.full {
			return w.String()
		}
	}
	w := v.words(v.raw, other)
	return w.String()
}

// previewLines is how many octets are looked at first.
const previewLines = 1 << 10

// lines returns how many of the first n octets are whole lines, which can be decoded alone: 0 when that can't be told.
func (v *previewer) lines(n int) int {
	if len(v.raw) <= n || v.part.Encoding == "base64" {
		return 0
	}
	for n > 0 {
		n = bytes.LastIndexByte(v.raw[:n], '\n') + 1
		if v.part.Encoding != "quoted-printable" || !bytes.HasSuffix(bytes.TrimRight(v.raw[:n], " \t\r\n"), []byte("=")) {
			break
		}
		n = max(n-1, 0) // a line that goes on (RFC 2045 section 6.7)
	}
	return n
}

// words returns the first words of a text.
func (v *previewer) words(raw []byte, other CharsetReader) squeezer {
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
	var w squeezer
	if v.part.Subtype == "html" {
		w.html(s)
		return w
	}
	w.unquoted(s)
	if w.n == 0 {
		w.add(s)
	}
	return w
}

// squeezer keeps the first previewChars characters of what is added, with blanks and controls as single spaces.
type squeezer struct {
	buf   []byte
	n     int // characters in buf
	space bool
	full  bool // there was more
}

// String returns what was kept, without a space at its end.
func (w *squeezer) String() string { return strings.TrimRight(string(w.buf), " ") }

// add takes more text.
func (w *squeezer) add(s string) {
	if w.buf == nil {
		w.buf = make([]byte, 0, previewChars+previewChars/4)
	}
	for _, r := range s {
		if w.full {
			return
		}
		if r <= ' ' || r == 0x7f || r >= 0x80 && isBlank(r) {
			w.space = true
			continue
		}
		if w.space && w.n > 0 && w.n < previewChars {
			w.buf = append(w.buf, ' ')
			w.n++
		}
		w.space = false
		if w.n >= previewChars || r == utf8.RuneError && w.n == previewChars-1 {
			w.full = true
			return
		}
		w.buf = utf8.AppendRune(w.buf, r)
		w.n++
	}
}

// isBlank reports whether a character beyond ASCII shows nothing.
func isBlank(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\u200b' || r == '\u200c' || r == '\ufeff' || r == '\u034f' || r == '\u00ad'
}

// unquoted adds a text without its quoted lines and what follows the signature mark.
func (w *squeezer) unquoted(s string) {
	for line := range strings.Lines(s) {
		if w.full || strings.TrimRight(line, "\r\n") == "-- " {
			return
		}
		if line[0] != '>' {
			w.add(line)
		}
	}
}

// html adds the text of an HTML document in one pass: no tags, comments, head, style or script. It is for
// reading a few words, not for showing HTML safely.
func (w *squeezer) html(s string) {
	for s != "" && !w.full {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			i = len(s)
		}
		if i > 0 {
			w.add(html.UnescapeString(s[:i]))
		}
		if s = s[i:]; s == "" {
			return
		}
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
				w.add(" ")
			}
		}
		s = s[n:]
	}
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
