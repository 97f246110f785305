package server

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
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

// resolverAt is a resolver that asks these servers in turn, or the system's where there are none.
func resolverAt(servers []string) (*net.Resolver, error) {
	if len(servers) == 0 {
		return net.DefaultResolver, nil
	}
	addrs := make([]string, 0, len(servers))
	for _, a := range servers {
		if ip, err := netip.ParseAddr(a); err == nil {
			a = net.JoinHostPort(ip.String(), "53")
		} else if _, err := netip.ParseAddrPort(a); err != nil {
			return nil, fmt.Errorf("%q is no address, nor an address and a port", a)
		}
		addrs = append(addrs, a)
	}
	var next atomic.Uint32
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addrs[int(next.Add(1)-1)%len(addrs)])
	}}, nil
}
