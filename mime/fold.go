package mime

import "strings"

// foldAt is the line length that folding aims at, without CRLF: "each line of characters MUST be no more than 998 characters,
// and SHOULD be no more than 78" (RFC 5322 section 2.1.1); lines with encoded words no more than 76 (RFC 2047 section 2).
const foldAt = 76

// appendFolded appends a field body to dst, of which the last col octets stand on the current line. It breaks lines only
// before blanks that are followed by something else, so that no line is made of blanks alone and unfolding gives back
// the same text. CR, LF and NUL become spaces. Blanks at the end go.
func appendFolded(dst []byte, col int, s string) []byte {
	s = strings.TrimRight(s, " \t\r\n\x00")
	// The field's name stays with its first word, unless that fits a line of its own and not this one: some readers take the blank
	// at the beginning of such a line for the text's.
	first := true
	for s != "" {
		word := 0
		for word < len(s) && isBlankOrBreak(s[word]) {
			word++
		}
		end := word
		for end < len(s) && !isBlankOrBreak(s[end]) {
			end++
		}
		if col+end > foldAt && word > 0 && (!first || col+end > 78 && end <= 78 || col+end > 998) {
			dst = append(dst, "\r\n"...)
			col = 0
		}
		for i := 0; i < word; i++ {
			c := s[i]
			if c != '\t' {
				c = ' '
			}
			dst = append(dst, c)
		}
		dst = append(dst, s[word:end]...)
		col += end
		s, first = s[end:], false
	}
	return dst
}

func isBlankOrBreak(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 }
