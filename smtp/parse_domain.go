package smtp

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// validDomain reports whether s is a domain, with literal also an address literal (RFC 5321 section 4.1.2 and 4.1.3). An
// underscore is taken where the grammar has only letters, digits and hyphens, for there are such hosts.
func validDomain(s string, literal bool) bool {
	if s == "" || len(s) > 255 || !utf8.ValidString(s) {
		return false
	}
	if s[0] == '[' {
		return literal && validLiteral(s)
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case c == '-':
			if label == 0 {
				return false
			}
		case c == '_', c >= 0x80, c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
		default:
			return false
		}
		if label++; label > 63 && s[i] < 0x80 {
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}

// validLiteral reports whether s is "[192.0.2.1]", "[IPv6:2001:db8::1]" or a general address literal.
func validLiteral(s string) bool {
	if len(s) < 3 || s[len(s)-1] != ']' {
		return false
	}
	s = s[1 : len(s)-1]
	tag, rest, tagged := strings.Cut(s, ":")
	switch {
	case !tagged:
		ip, err := netip.ParseAddr(s)
		return err == nil && ip.Is4()
	case strings.EqualFold(tag, "IPv6"):
		ip, err := netip.ParseAddr(rest)
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	for i := range len(rest) {
		if c := rest[i]; c < '!' || c > '~' || c >= '[' && c <= ']' {
			return false
		}
	}
	return rest != "" && validDomain(tag, false) && !strings.Contains(tag, ".")
}
