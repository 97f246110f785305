package mime

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// EncodeText returns text for an unstructured field such as Subject: as it is when it is ASCII that can be folded,
// otherwise with encoded words in UTF-8, each no longer than 75 octets and made of whole characters (RFC 2047 sections 2 and 5).
func EncodeText(text string) string { return encodeText(text) }

func encodeText(text string) string {
	text = cleanText(text)
	if isASCII(text) && !strings.Contains(text, "=?") && longestWord(text) < 900 && !strings.Contains(text, strings.Repeat(" ", 60)) {
		return text
	}
	// Words that are ASCII at either end stay readable; what lies between the first and the last one that isn't is encoded,
	// blanks included, so that they survive.
	words := strings.Split(text, " ")
	first, last := -1, -1
	for i, w := range words {
		if !plainWord(w) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 { // long runs of blanks
		first, last = 0, len(words)-1
	}
	// A blank between plain words and encoded ones is kept by RFC 2047; an empty plain word beside one would vanish.
	for first > 0 && words[first-1] == "" {
		first--
	}
	for last < len(words)-1 && words[last+1] == "" {
		last++
	}
	var out []string
	if first > 0 {
		out = append(out, strings.Join(words[:first], " "))
	}
	out = append(out, encodeWords(strings.Join(words[first:last+1], " ")))
	if last < len(words)-1 {
		out = append(out, strings.Join(words[last+1:], " "))
	}
	return strings.Join(out, " ")
}

// plainWord reports whether a word may stand unencoded.
func plainWord(w string) bool {
	if len(w) >= 900 || strings.Contains(w, "=?") {
		return false
	}
	for i := 0; i < len(w); i++ {
		if w[i] < ' ' && w[i] != '\t' || w[i] >= 0x7f {
			return false
		}
	}
	return true
}

func longestWord(s string) int {
	longest := 0
	for w := range strings.FieldsSeq(s) {
		longest = max(longest, len(w))
	}
	return longest
}

// encodeWords encodes all of s, "Q" or "B" whichever is shorter, as words separated by spaces.
func encodeWords(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	qLen := 0
	for i := 0; i < len(s); i++ {
		if qPlain(s[i]) || s[i] == ' ' {
			qLen++
		} else {
			qLen += 3
		}
	}
	useB := base64.StdEncoding.EncodedLen(len(s)) < qLen
	room := 40 // the first word shares its line with the field's name
	var out strings.Builder
	for s != "" {
		n := 0
		for used := 0; n < len(s); {
			_, size := utf8.DecodeRuneInString(s[n:])
			cost := 0
			for i := n; i < n+size; i++ {
				if cost++; !qPlain(s[i]) && s[i] != ' ' {
					cost += 2
				}
			}
			if useB && base64.StdEncoding.EncodedLen(n+size) > room || !useB && used+cost > room {
				break
			}
			used += cost
			n += size
		}
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		if useB {
			out.WriteString("=?utf-8?b?" + base64.StdEncoding.EncodeToString([]byte(s[:n])) + "?=")
		} else {
			out.WriteString("=?utf-8?q?" + encodeQ(s[:n]) + "?=")
		}
		s = s[n:]
		room = 75 - len("=?utf-8?q?") - len("?=")
	}
	return out.String()
}

// qPlain reports whether an octet stands for itself in the "Q" encoding everywhere, in a phrase too (RFC 2047 section 5).
func qPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!*+-/", c) >= 0
}

func encodeQ(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)*3)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			out = append(out, '_')
		case qPlain(c):
			out = append(out, c)
		default:
			out = append(out, '=', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}
