package signed

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

var errName = errors.New("not a domain name")

// ASCIIName returns a domain name in lower case and as A-labels, without a dot at its end; an error where it can't be asked
// for in the DNS. Underscores are fine.
func ASCIIName(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	for i := range len(s) {
		if s[i] >= 0x80 {
			a, err := idna.Lookup.ToASCII(s)
			if err != nil {
				a, err = idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(s)
			}
			if err != nil {
				return "", errName
			}
			s = a
			break
		}
	}
	if len(s) > 253 {
		return "", errName
	}
	label := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return "", errName
			}
			label = 0
		case c < ' ' || c >= 0x7f, label == 63: // a space can come from a macro of SPF
			return "", errName
		default:
			label++
		}
	}
	if label == 0 {
		return "", errName
	}
	return strings.ToLower(s), nil
}

// Within reports whether a domain is parent or below it.
func Within(domain, parent string) bool {
	domain, parent = strings.ToLower(domain), strings.ToLower(parent)
	return domain == parent || strings.HasSuffix(domain, "."+parent)
}
