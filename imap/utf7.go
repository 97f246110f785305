package imap

import (
	"encoding/base64"
	"errors"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrUTF7 says that a name is not modified UTF-7 (RFC 3501 section 5.1.3).
var ErrUTF7 = errors.New("imap: not modified UTF-7")

func utf7Base64() *base64.Encoding {
	return base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding).Strict()
}

// EncodeUTF7 writes a UTF-8 mailbox name in modified UTF-7, as IMAP4rev1 wants it (RFC 3501 section 5.1.3). What is not
// UTF-8 becomes U+FFFD.
func EncodeUTF7(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f && s[i] != '&' {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:i])
	enc := utf7Base64()
	for i < len(s) {
		switch c := s[i]; {
		case c == '&':
			b.WriteString("&-")
			i++
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
			i++
		default:
			var units []byte
			for i < len(s) && (s[i] < ' ' || s[i] >= 0x7f) {
				r, n := utf8.DecodeRuneInString(s[i:])
				i += n
				if r1, r2 := utf16.EncodeRune(r); r1 != utf8.RuneError {
					units = append(units, byte(r1>>8), byte(r1), byte(r2>>8), byte(r2))
				} else {
					units = append(units, byte(r>>8), byte(r))
				}
			}
			b.WriteByte('&')
			b.WriteString(enc.EncodeToString(units))
			b.WriteByte('-')
		}
	}
	return b.String()
}

// DecodeUTF7 reads a mailbox name in modified UTF-7. It is strict, so that a name has one spelling: printable ASCII must not
// be encoded, and two encoded runs must not follow each other. Octets above 0x7F are taken as the UTF-8 that some
// clients send, when they are UTF-8.
func DecodeUTF7(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrUTF7
	}
	var b strings.Builder
	enc := utf7Base64()
	wasEncoded := false
	for s != "" {
		if s[0] != '&' {
			n := strings.IndexByte(s, '&')
			if n < 0 {
				n = len(s)
			}
			b.WriteString(s[:n])
			s, wasEncoded = s[n:], false
			continue
		}
		end := strings.IndexByte(s, '-')
		if end < 0 {
			return "", ErrUTF7
		}
		run := s[1:end]
		s = s[end+1:]
		if run == "" {
			b.WriteByte('&')
			wasEncoded = false
			continue
		}
		if wasEncoded || strings.ContainsAny(run, "\r\n") {
			return "", ErrUTF7
		}
		wasEncoded = true
		units, err := enc.DecodeString(run)
		if err != nil || len(units)%2 != 0 || !decodeUnits(&b, units) {
			return "", ErrUTF7
		}
	}
	return b.String(), nil
}

func decodeUnits(b *strings.Builder, units []byte) bool {
	for i := 0; i < len(units); i += 2 {
		r := rune(units[i])<<8 | rune(units[i+1])
		if utf16.IsSurrogate(r) {
			if i+4 > len(units) {
				return false
			}
			i += 2
			if r = utf16.DecodeRune(r, rune(units[i])<<8|rune(units[i+1])); r == utf8.RuneError {
				return false
			}
		}
		if r >= ' ' && r < 0x7f {
			return false
		}
		b.WriteRune(r)
	}
	return true
}
