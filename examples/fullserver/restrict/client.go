package restrict

import (
	"github.com/buuta/mail"
)

// clientRule asks what is about the client and the session.
func (s *stage) clientRule(name string) verdict {
	c := &s.Client
	pass := func(ok bool) verdict {
		if ok {
			return permit
		}
		return dunno
	}
	switch name {
	case "permit_mynetworks":
		return pass(s.k.Networks != nil && s.k.Networks(c.Addr))
	case "permit_inet_interfaces":
		return pass(s.k.Own != nil && s.k.Own(c.Addr))
	case "permit_sasl_authenticated":
		return pass(c.Login != "")
	case "permit_tls_all_clientcerts", "permit_tls_clientcerts":
		if c.CertTrusted && name == "permit_tls_all_clientcerts" {
			return permit
		}
		if s.k.RelayCerts == nil {
			return dunno
		}
		for _, print := range []string{c.Cert, c.CertKey} { // that nobody vouches for the certificate is no matter
			if print == "" {
				continue
			}
			_, found, err := s.k.RelayCerts.Find(s.ctx, print)
			if err != nil {
				return s.broken("relay_clientcerts: " + err.Error())
			}
			if found {
				return permit
			}
		}
		return dunno
	case "reject_plaintext_session":
		if c.TLS {
			return dunno
		}
		return s.refuseWith(code(s.k.Codes.Plaintext, 450), laterDSN, "Session encryption is required")
	case "reject_unauth_pipelining":
		if !c.Pipelined {
			return dunno
		}
		return s.refuse(503, mail.EnhancedCode{5, 5, 0}, s.what, s.kind, "Improper use of SMTP command pipelining")
	case "reject_multi_recipient_bounce":
		// Only at DATA are all recipients known.
		if s.Sender != "" || len(s.Accepted) <= 1 || s.kind != kindData && s.kind != kindEndOfData {
			return dunno
		}
		return s.refuse(code(s.k.Codes.MultiBounce, 550), mail.EnhancedCode{5, 5, 3}, s.what, s.kind, "Multi-recipient bounce")
	case "reject_unknown_client_hostname", "reject_unknown_client":
		if c.Name != "" {
			return dunno
		}
		return s.nameless(c.NameLater, mail.EnhancedCode{4, 7, 25}, "cannot find your hostname")
	case "reject_unknown_reverse_client_hostname", "reject_unknown_reverse_client":
		if c.Reverse != "" {
			return dunno
		}
		return s.nameless(c.ReverseLater, laterDSN, "cannot find your reverse hostname")
	}
	return s.broken("restriction " + name + " is not asked anywhere")
}

func (s *stage) nameless(later bool, dsn mail.EnhancedCode, text string) verdict {
	n := code(s.k.Codes.UnknownClient, 450)
	if later {
		n = 450
	}
	return s.refuseWith(n, dsn, "Client host rejected: "+text+", ["+s.Client.Addr.String()+"]")
}
