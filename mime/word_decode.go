package mime

import (
	"strings"
	"unicode/utf8"
)

// TextDecoder reads the encoded words of RFC 2047. The zero value knows the built-in charsets.
type TextDecoder struct {
	CharsetReader CharsetReader // for charsets that aren't built in; nil: words in them stay as they are
}

// DecodeText decodes encoded words in unstructured text with the built-in charsets. See [TextDecoder.Decode].
func DecodeText(s string) string { return (&TextDecoder{}).Decode(s) }

// Decode returns s, an unfolded field body, with its encoded words decoded (RFC 2047) and everything else as it was. The
// result is valid UTF-8 without CR, LF and NUL, which become spaces. Common breakage is read as it was meant: words inside
// quoted strings or glued to other text, blanks inside a word, characters split over two words, missing base64 padding.
// Words that can't be read, and those in unknown charsets, stay as they are. 8-bit octets are UTF-8 if they are valid as
// such, else windows-1252.
func (d *TextDecoder) Decode(s string) string {
	if strings.Contains(s, "=?") {
		s = d.decodeWords(s)
	} else if !utf8.ValidString(s) {
		s = guessUTF8([]byte(s))
	}
	return cleanText(s)
}

// cleanText replaces what would break a line, or C strings, by spaces.
func cleanText(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c == '\r' || c == '\n' || c == 0 {
			b[i] = ' '
		}
	}
	return string(b)
}

// encodedWord is one word as found: its charset without RFC 2231's language, and its octets.
type encodedWord struct {
	charset string
	octets  []byte
}

func (d *TextDecoder) decodeWords(s string) string {
	if strings.HasPrefix(s, "=?") { // one word, as names often are
		if w, n := new(wordScanner).scan(s); n == len(s) {
			if text, ok := toUTF8(w.charset, w.octets, d.CharsetReader); ok {
				return text
			}
		}
	}
	var out strings.Builder
	var run encodedWord // adjacent words in one charset, so that a character may be split over them
	runStart, at := 0, 0
	flush := func() {
		if run.charset == "" {
			return
		}
		if text, ok := toUTF8(run.charset, run.octets, d.CharsetReader); ok {
			out.WriteString(text)
		} else {
			out.WriteString(guessUTF8([]byte(s[runStart:at])))
		}
		run = encodedWord{}
	}
	var words wordScanner
	for {
		i := strings.Index(s[at:], "=?")
		if i < 0 {
			break
		}
		w, n := words.scan(s[at+i:])
		between := s[at : at+i]
		if n == 0 {
			flush()
			out.WriteString(guessUTF8([]byte(s[at : at+i+2])))
			at += i + 2
			continue
		}
		// "any 'linear-white-space' that separates a pair of adjacent 'encoded-word's is ignored" (RFC 2047 section 6.2)
		adjacent := run.charset != "" && strings.Trim(between, " \t\r\n") == ""
		if adjacent && strings.EqualFold(run.charset, w.charset) {
			run.octets = append(run.octets, w.octets...)
		} else {
			flush()
			if !adjacent {
				out.WriteString(guessUTF8([]byte(between)))
			}
			run, runStart = w, at+i
		}
		at += i + n
	}
	flush()
	out.WriteString(guessUTF8([]byte(s[at:])))
	return out.String()
}

// wordScanner finds encoded words in one text. It remembers that the text has no further "?=", so that many beginnings
// without an end cost linear time.
type wordScanner struct{ noEnd bool }

const (
	maxCharsetName = 60
	maxWord        = 4096 // RFC 2047 allows 75, and senders don't care
)

// scan reads an encoded word at the beginning of s, which begins with "=?", and returns how long it is, 0 for none.
func (ws *wordScanner) scan(s string) (w encodedWord, n int) {
	if ws.noEnd {
		return w, 0
	}
	q := strings.IndexByte(s[2:min(len(s), 2+maxCharsetName)], '?')
	if q <= 0 || len(s) < 2+q+3 || s[2+q+2] != '?' {
		return w, 0
	}
	charset, encoding, text := s[2:2+q], s[2+q+1], s[2+q+3:]
	if strings.ContainsAny(charset, " \t\r\n=") {
		return w, 0
	}
	end := strings.Index(text[:min(len(text), maxWord)], "?=")
	if end < 0 {
		ws.noEnd = len(text) <= maxWord
		return w, 0
	}
	if w.charset, _, _ = strings.Cut(charset, "*"); w.charset == "" { // RFC 2231 section 5: a language may follow
		return w, 0
	}
	switch lower(encoding) {
	case 'q':
		w.octets = decodeQ(text[:end])
	case 'b':
		w.octets = decodeBase64Loose(text[:end])
	default:
		return w, 0
	}
	return w, 2 + q + 3 + end + 2
}

// decodeQ decodes the "Q" encoding (RFC 2047 section 4.2). "=" without two digits after it stands for itself.
func decodeQ(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(s) && unhex(s[i+1])|unhex(s[i+2]) < 16:
			out = append(out, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

// unhex returns the value of a hexadecimal digit in either case, 0xff for any other octet.
func unhex(c byte) byte { return hexValue[c] }

// decodeBase64Loose decodes what letters there are and ignores the rest, missing padding too.
func decodeBase64Loose(s string) []byte {
	out := make([]byte, 0, len(s)/4*3+3)
	var acc uint32
	bits := 0
	for i := 0; i < len(s); i++ {
		v := base64Value[s[i]]
		if v >= 64 {
			if s[i] == '=' { // padding in the middle: two encodings were joined
				acc, bits = 0, 0
			}
			continue
		}
		acc = acc<<6 | uint32(v)
		if bits += 6; bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out
}
