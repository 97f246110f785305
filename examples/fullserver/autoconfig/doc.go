// Package autoconfig tells users' mail programs how to reach a server, so that an address and a password are all that a person types:
// Thunderbird's config-v1.1.xml, Outlook's autodiscover.xml (schema 2006a) and Apple's configuration profiles.
//
// What is answered depends on an address's domain alone. Whether there is such a user is never looked up, and so can't be found out.
package autoconfig

import (
	"crypto/tls"
	"slices"
)

// Service is one that mail programs are told of.
type Service struct {
	Protocol string // imap, pop3 or smtp
	TLS      bool   // from the start; false: by STARTTLS
	Port     uint16
}

// Name is the service's name in SRV records (RFC 6186 section 3, RFC 8314 section 5.1).
func (s Service) Name() string {
	name := s.Protocol
	if s.Protocol == "smtp" {
		name = "submission"
	}
	if s.TLS {
		name += "s"
	}
	return name
}

// Sort puts services in the order in which programs should like them: IMAP before POP3, TLS from the start before STARTTLS (RFC 8314 section 3).
func Sort(list []Service) {
	rank := func(s Service) int {
		n := 2 * slices.Index([]string{"imap", "pop3", "smtp"}, s.Protocol)
		if !s.TLS {
			n++
		}
		return n
	}
	slices.SortStableFunc(list, func(a, b Service) int { return rank(a) - rank(b) })
}

// Site is what a program is told.
type Site struct {
	Hostname    string    // of all services, which their certificate is for
	Services    []Service // sorted
	Password    bool      // users log in with their password as it is, over TLS
	CRAM        bool      // or by CRAM-MD5
	Certificate *tls.Certificate
}

// first returns the best service of a protocol.
func (s *Site) first(protocol string) (Service, bool) {
	i := slices.IndexFunc(s.Services, func(v Service) bool { return v.Protocol == protocol })
	if i < 0 {
		return Service{}, false
	}
	return s.Services[i], true
}

// usable reports whether mail can be read here at all, in a way that these programs know.
func (s *Site) usable() bool {
	return (s.Password || s.CRAM) && slices.ContainsFunc(s.Services, func(v Service) bool { return v.Protocol != "smtp" })
}
