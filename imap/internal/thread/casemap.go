package thread

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendCasemap appends s in the form in which i;unicode-casemap compares strings octet by octet: each character in title
// case, then decomposed (RFC 5051 section 2). A string that isn't UTF-8 "is used unchanged".
func AppendCasemap(b []byte, s string) []byte {
	start := len(b)
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return append(b[:start], s...)
		}
		b = appendDecomposed(b, unicode.ToTitle(r))
		i += size
	}
	return b
}

// Hangul syllables decompose by arithmetic (Unicode section 3.12).
const (
	hangulBase, hangulEnd       = 0xac00, 0xd7a4
	jamoL, jamoV, jamoT         = 0x1100, 0x1161, 0x11a7
	jamoVCount, jamoTCount      = 21, 28
	hangulPerL                  = jamoVCount * jamoTCount
	longestWithoutDecomposition = utf8.UTFMax
)

// appendDecomposed appends what r decomposes to, compatibility mappings included. Marks are not put into canonical order:
// the RFC has no such step.
func appendDecomposed(b []byte, r rune) []byte {
	if r >= hangulBase && r < hangulEnd {
		i := r - hangulBase
		b = utf8.AppendRune(b, jamoL+i/hangulPerL)
		b = utf8.AppendRune(b, jamoV+i%hangulPerL/jamoTCount)
		if t := i % jamoTCount; t != 0 {
			b = utf8.AppendRune(b, jamoT+t)
		}
		return b
	}
	var buf [longestWithoutDecomposition]byte
	n := utf8.EncodeRune(buf[:], r)
	if d := norm.NFKD.Properties(buf[:n]).Decomposition(); d != nil {
		return append(b, d...)
	}
	return append(b, buf[:n]...)
}
