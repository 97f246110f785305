package restrict

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/rewrite"
)

// What the DNS says of a domain.
type existence int

const (
	there existence = iota
	missing
	unclear     // it doesn't answer
	refusesMail // its only MX is "." (RFC 7505)
)

// notThere reports whether a name has no such records.
func notThere(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// exists looks for MX and address records.
func (c *Config) exists(ctx context.Context, domain string) existence {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	name := strings.TrimSuffix(domain, ".") + "."
	mx, err := c.resolver().LookupMX(ctx, name)
	switch {
	case err == nil && len(mx) == 1 && (mx[0].Host == "." || mx[0].Host == ""):
		return refusesMail
	case err == nil && len(mx) > 0:
		return there
	case err != nil && !notThere(err):
		return unclear
	}
	addrs, err := c.resolver().LookupNetIP(ctx, "ip", name)
	switch {
	case len(addrs) > 0:
		return there
	case err == nil || notThere(err):
		return missing
	}
	return unclear
}

// addresses returns a host's addresses, none where it has none or the DNS doesn't answer.
func (c *Config) addresses(ctx context.Context, host string) []netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, _ := c.resolver().LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
	return addrs
}

// servers returns the hosts that take a domain's mail (by "mx") or know its names ("ns"): the domain itself where there are no MX records, its
// parent's name servers where it has none.
func (c *Config) servers(ctx context.Context, domain, by string) []string {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	domain = strings.TrimSuffix(domain, ".")
	switch by {
	case "a":
		return []string{domain}
	case "mx":
		mx, err := c.resolver().LookupMX(ctx, domain+".")
		if len(mx) == 0 && (err == nil || notThere(err)) {
			return []string{domain}
		}
		var out []string
		for _, m := range mx {
			if h := strings.TrimSuffix(m.Host, "."); h != "" {
				out = append(out, h)
			}
		}
		return out
	}
	r, ok := c.resolver().(NSResolver)
	for ok && domain != "" {
		ns, err := r.LookupNS(ctx, domain+".")
		if len(ns) > 0 {
			var out []string
			for _, n := range ns {
				out = append(out, strings.TrimSuffix(n.Host, "."))
			}
			return out
		}
		if err != nil && !notThere(err) {
			return nil
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil
}

// backupFor reports whether this machine is an MX of a domain.
func (s *stage) backupFor(domain string) bool {
	if _, literal := rewrite.Literal(domain); s.k.Own == nil || literal {
		return false
	}
	ctx, cancel := context.WithTimeout(s.ctx, lookupTimeout)
	defer cancel()
	mx, err := s.k.resolver().LookupMX(ctx, strings.TrimSuffix(domain, ".")+".")
	if err != nil {
		return false
	}
	for _, m := range mx {
		for _, a := range s.k.addresses(ctx, m.Host) {
			if s.k.Own(a) {
				return true
			}
		}
	}
	return false
}
