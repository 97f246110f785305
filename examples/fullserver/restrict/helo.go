package restrict

import (
	"net/netip"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
)

// helo asks what is about the name of HELO.
func (s *stage) helo(name string) verdict {
	h := s.Helo
	if h == "" {
		return dunno
	}
	literal := strings.HasPrefix(h, "[")
	bad := mail.EnhancedCode{5, 5, 2}
	switch name {
	case "permit_naked_ip_address":
		if _, err := netip.ParseAddr(h); err == nil {
			return permit
		}
	case "reject_invalid_helo_hostname", "reject_invalid_hostname":
		if literal {
			if _, ok := rewrite.Literal(h); !ok {
				return s.refuse(code(s.k.Codes.InvalidName, 501), bad, h, kindHelo, "invalid ip address")
			}
			return dunno
		}
		if _, err := netip.ParseAddr(h); err != nil && !validName(h) {
			return s.refuse(code(s.k.Codes.InvalidName, 501), bad, h, kindHelo, "Invalid name")
		}
	case "reject_non_fqdn_helo_hostname", "reject_non_fqdn_hostname":
		if !literal && !fullName(h) {
			return s.refuse(code(s.k.Codes.NonFQDN, 504), bad, h, kindHelo, "need fully-qualified hostname")
		}
	case "reject_unknown_helo_hostname", "reject_unknown_hostname":
		if literal {
			return dunno
		}
		switch s.k.exists(s.ctx, h) {
		case missing, refusesMail:
			return s.refuse(code(s.k.Codes.UnknownHelo, 450), laterDSN, h, kindHelo, "Host not found")
		case unclear:
			return s.later(450, laterDSN, h, kindHelo, "Host not found")
		}
	}
	return dunno
}

// validName reports whether a name has the form of a host's, with or without the dot of the DNS's root.
func validName(s string) bool { return rewrite.ValidHost(strings.TrimSuffix(s, ".")) }

// fullName reports whether a name is a host's with a domain.
func fullName(s string) bool {
	return validName(s) && strings.Contains(strings.TrimSuffix(s, "."), ".")
}
