package directory

import (
	"fmt"
	"net/url"
	"strings"
)

// IsURL says whether a value is an LDAP URL rather than a name.
func IsURL(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "ldap://") || strings.HasPrefix(s, "ldaps://") || strings.HasPrefix(s, "ldapi://")
}

// ParseURL reads what an LDAP URL asks for (RFC 4516 section 2): ldap://host/dn?attributes?scope?filter. The host is left out.
func ParseURL(s string) (*Request, error) {
	_, rest, _ := strings.Cut(s, "://")
	_, rest, _ = strings.Cut(rest, "/")
	part := strings.SplitN(rest, "?", 5)
	for i := range part {
		var err error
		if part[i], err = url.PathUnescape(part[i]); err != nil {
			return nil, fmt.Errorf("malformed URL %q", s)
		}
	}
	if len(part) == 5 {
		for ext := range strings.SplitSeq(part[4], ",") {
			if strings.HasPrefix(ext, "!") {
				return nil, fmt.Errorf("the URL %q has an extension that is not known", s)
			}
		}
	}
	part = append(part, "", "", "", "")
	r := &Request{Base: part[0], Filter: part[3]}
	for a := range strings.SplitSeq(part[1], ",") {
		if a != "" && a != "*" {
			r.Attributes = append(r.Attributes, a)
		}
	}
	switch strings.ToLower(part[2]) {
	case "", "base":
	case "one", "onelevel":
		r.Scope = 1
	case "sub", "subtree":
		r.Scope = 2
	default:
		return nil, fmt.Errorf("malformed URL %q: %q is no scope", s, part[2])
	}
	if r.Filter == "" {
		r.Filter = "(objectClass=*)"
	}
	return r, nil
}
