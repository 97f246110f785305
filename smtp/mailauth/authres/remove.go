package authres

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// Claims reports whether the body of an Authentication-Results field that came with a message says to be ours: its
// authserv-id is one of ids, in any case, as A-labels or U-labels. Such a field is a forgery and must be removed before the
// message is passed on (RFC 8601 section 5). One that can't be read is taken as ours where an id is found at its beginning:
// another reader may be more lenient. A field that wears our id in the version that is not understood is removed too.
func Claims(value string, ids ...string) bool {
	s := &scanner{s: value}
	id, ok := s.value()
	if !ok {
		id = strings.TrimLeft(value, " \t\r\n\"")
	}
	id, _, _ = strings.Cut(id, ";")
	id = canonical(id)
	for _, own := range ids {
		if id == canonical(own) || !ok && strings.HasPrefix(strings.ToLower(id), strings.ToLower(own)) {
			return true
		}
	}
	return false
}

func canonical(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) { // what a reader may not see
			return -1
		}
		return r
	}, s)
	s = strings.ToLower(strings.TrimSuffix(s, "."))
	for i := range len(s) {
		if s[i] >= 0x80 {
			if a, err := idna.Punycode.ToASCII(s); err == nil {
				return strings.ToLower(a)
			}
		}
	}
	return s
}
