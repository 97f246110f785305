package smtp

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errXtext = errors.New("bad xtext")

const upperHex = "0123456789ABCDEF"

// EncodeXtext writes s as xtext (RFC 3461 section 4): every byte outside "!" to "~", and "+" and "=", as "+" and two
// hexadecimal digits.
func EncodeXtext(s string) string {
	plain := func(c byte) bool { return c >= '!' && c <= '~' && c != '+' && c != '=' }
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('+')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// DecodeXtext reads xtext. Characters that xtext doesn't allow, and encoded control characters other than spaces, are
// an error: what they would do further on is nobody's wish.
func DecodeXtext(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			if i+2 >= len(s) {
				return "", errXtext
			}
			hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
			if hi < 0 || lo < 0 {
				return "", errXtext
			}
			c = byte(hi<<4 | lo)
			if c < ' ' || c == 0x7f {
				return "", errXtext
			}
			i += 2
		case c < '!' || c > '~' || c == '=':
			return "", errXtext
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// EncodeUTF8Xtext writes s as utf-8-addr-xtext does (RFC 6533 section 3): ASCII only, anything else as "\x{HEX}". It is
// how an internationalized ORCPT travels to a server without SMTPUTF8.
func EncodeUTF8Xtext(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c > '~' || c < '!' || c == '+' || c == '=' || c == '\\':
			b.WriteString(`\x{`)
			b.WriteString(hexRune(c))
			b.WriteByte('}')
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func hexRune(c rune) string {
	var d []byte
	for ; c > 0; c >>= 4 {
		d = append([]byte{upperHex[c&15]}, d...)
	}
	for len(d) < 2 {
		d = append([]byte{'0'}, d...)
	}
	return string(d)
}

// decodeUTF8Xtext reads the three forms of a utf-8 address (RFC 6533 section 3): characters as they are, and "\x{HEX}".
func decodeUTF8Xtext(s string) (string, error) {
	var b strings.Builder
	for s != "" {
		hex, ok := strings.CutPrefix(s, `\x{`)
		if !ok {
			c := s[0]
			if c <= ' ' || c == 0x7f || c == '\\' || c == '+' || c == '=' {
				return "", errXtext
			}
			b.WriteByte(c)
			s = s[1:]
			continue
		}
		hex, rest, ok := strings.Cut(hex, "}")
		n, err := strconv.ParseUint(hex, 16, 21)
		if !ok || err != nil || len(hex) < 2 || n < ' ' || n == 0x7f || !utf8.ValidRune(rune(n)) {
			return "", errXtext
		}
		b.WriteRune(rune(n))
		s = rest
	}
	return b.String(), nil
}
