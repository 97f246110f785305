package signed

import (
	"errors"
	"fmt"
	"strings"
)

// Tags is a tag list (RFC 6376 section 3.2).
type Tags map[string]string

// MaxTags bounds the tags of one list.
const MaxTags = 64

const fws = " \t\r\n"

// ParseTags reads a tag list. Values keep the white space inside them. A tag without "=", a bad name, or one that comes
// twice makes the whole list invalid (RFC 6376 section 3.2).
func ParseTags(s string) (Tags, error) {
	t := make(Tags, 12)
	for {
		spec, rest, more := strings.Cut(s, ";")
		name, value, ok := strings.Cut(spec, "=")
		name = strings.Trim(name, fws)
		switch {
		case !ok && strings.Trim(spec, fws) == "" && !more && len(t) > 0: // the last ";" may stand alone
			return t, nil
		case !ok:
			return nil, errors.New("a tag has no value")
		case !tagName(name):
			return nil, errors.New("a tag has a bad name")
		case len(t) >= MaxTags:
			return nil, errors.New("too many tags")
		}
		if _, twice := t[name]; twice {
			return nil, fmt.Errorf("tag %s= comes twice", name)
		}
		value = strings.Trim(value, fws)
		for i := range len(value) { // tag-value: VALCHAR and FWS; UTF-8 in those of RFC 8616
			if c := value[i]; c < 0x20 && !strings.ContainsRune(fws, rune(c)) || c == 0x7f {
				return nil, fmt.Errorf("tag %s= has a control character", name)
			}
		}
		t[name] = value
		if !more {
			return t, nil
		}
		s = rest
	}
}

// tagName: ALPHA *ALNUMPUNC.
func tagName(s string) bool {
	for i := range len(s) {
		c := lower(s[i])
		if !('a' <= c && c <= 'z') && (i == 0 || !('0' <= c && c <= '9' || c == '_')) {
			return false
		}
	}
	return s != ""
}

// NoSpace returns a value without any white space, as base64 is read.
func NoSpace(s string) string {
	if !strings.ContainsAny(s, fws) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(fws, r) {
			return -1
		}
		return r
	}, s)
}

// List splits a value at colons, with no white space around the words.
func List(s string) []string {
	if s == "" {
		return nil
	}
	out := strings.Split(s, ":")
	for i := range out {
		out[i] = strings.Trim(out[i], fws)
	}
	return out
}

// WithoutB returns a signature field with the value of its b= tag removed, and the white space around it (RFC 6376 section
// 3.5).
func (f Field) WithoutB() Field {
	colon := strings.IndexByte(string(f), ':') + 1
	for at := colon; at < len(f); {
		end := strings.IndexByte(string(f[at:]), ';')
		if end < 0 {
			end = len(f)
		} else {
			end += at
		}
		name, _, ok := strings.Cut(string(f[at:end]), "=")
		if ok && strings.Trim(name, fws) == "b" {
			eq := at + len(name) + 1
			out := append(Field(nil), f[:eq]...)
			return append(out, f[end:]...)
		}
		at = end + 1
	}
	return f
}
