// Package mutf7 is the modified UTF-7 of mailbox names (RFC 3501 section 5.1.3).
package mutf7

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Modified UTF-7 (RFC 3501 section 5.1.3): US-ASCII stands for itself but "&", which is "&-"; all else is UTF-16 in base64
// with "," for "/" and without padding, between "&" and "-".
var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()

// Encode writes s in modified UTF-7.
func Encode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			b.WriteByte(c)
			if c == '&' {
				b.WriteByte('-')
			}
			i++
			continue
		}
		j := i
		for j < len(s) && s[j] >= utf8.RuneSelf {
			j++
		}
		units := utf16.Encode([]rune(s[i:j]))
		raw := make([]byte, 0, 2*len(units))
		for _, u := range units {
			raw = append(raw, byte(u>>8), byte(u))
		}
		b.WriteByte('&')
		b.WriteString(utf7.EncodeToString(raw))
		b.WriteByte('-')
		i = j
	}
	return b.String()
}

// Decode reads modified UTF-7; ok is false for what Encode would not have written.
func Decode(s string) (out string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			return "", false
		case c != '&':
			b.WriteByte(c)
			continue
		}
		end := strings.IndexByte(s[i:], '-')
		if end < 0 {
			return "", false
		}
		if end == 1 {
			b.WriteByte('&')
			i++
			continue
		}
		raw, err := utf7.DecodeString(s[i+1 : i+end])
		if err != nil || len(raw)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(raw)/2)
		for k := range units {
			units[k] = uint16(raw[2*k])<<8 | uint16(raw[2*k+1])
		}
		for _, r := range utf16.Decode(units) {
			if r < utf8.RuneSelf || r == utf8.RuneError {
				return "", false
			}
			b.WriteRune(r)
		}
		i += end
	}
	out = b.String()
	return out, Encode(out) == s
}
