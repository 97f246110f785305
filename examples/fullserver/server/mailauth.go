package server

import (
	"fmt"
	"net/netip"

	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mx/dnssec"
)

// openMailAuth makes what checks mail from outside, and reads the keys that sign ours.
func (s *Server) openMailAuth() error {
	if s.set.DKIMKeyTable != "" {
		keys, err := mailcheck.OpenKeys(s.set.DKIMKeyTable)
		if err != nil {
			return s.cfg.ErrorFor("dkim_key_table", err)
		}
		s.keys = keys
	}
	if !s.set.MailAuthCheck {
		return nil
	}
	resolver := s.opts.Auth
	if resolver == nil {
		r, err := resolverAt(s.set.MailAuthServers)
		if err != nil {
			return s.cfg.ErrorFor("mail_auth_servers", err)
		}
		resolver = r
	}
	s.check = &mailcheck.Checker{
		Verifier: &mailauth.Verifier{Resolver: resolver, Hostname: s.set.MyHostname, Now: s.opts.Now},
		ServID:   s.set.MyHostname,
		Junk:     s.set.MailAuthFailed != "deliver",
		Refuse:   s.set.MailAuthFailed == "reject",
	}
	return nil
}

// resolverAt is a resolver that asks these servers, or those of resolv.conf where there are none. It is not net.Resolver, which
// doesn't ask for all names that SPF's macros make, nor tell whether a name exists.
func resolverAt(servers []string) (*dnssec.Resolver, error) {
	for _, a := range servers {
		_, err := netip.ParseAddr(a)
		if _, err2 := netip.ParseAddrPort(a); err != nil && err2 != nil {
			return nil, fmt.Errorf("%q is no address, nor an address and a port", a)
		}
	}
	if len(servers) == 0 {
		servers = nil
	}
	return &dnssec.Resolver{Servers: servers}, nil
}
