package imap

import (
	"strings"
	"unicode/utf8"
)

// unescapeTo undoes the escapes of s, which [validURL] has seen. What is meant must be UTF-8 without control characters.
func unescapeTo(to *string, s string) bool {
	if strings.IndexByte(s, '%') >= 0 {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			c := s[i]
			if c == '%' {
				c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
				i += 2
			}
			if c < ' ' || c == 0x7f {
				return false
			}
			b = append(b, c)
		}
		s = string(b)
	}
	*to = s
	return utf8.ValidString(s)
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// appendEscaped writes s with everything escaped but letters, digits and what RFC 5092 calls unreserved and sub-delims-sh,
// and the characters of also.
func appendEscaped(b []byte, s, also string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; isAlnum(c) || strings.IndexByte("-._~!$'()*+,", c) >= 0 || strings.IndexByte(also, c) >= 0 {
			b = append(b, c)
		} else {
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}
