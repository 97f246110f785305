package dnssec

import (
	"context"
	"errors"
	"net"

	"github.com/miekg/dns"

	"github.com/buuta/mail/internal/dnstext"
)

// LookupAddr returns the names of an address, as [net.Resolver.LookupAddr] does. With it a Resolver is one for package mailauth too.
func (r *Resolver) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	name, err := dns.ReverseAddr(addr)
	if err != nil {
		return nil, &net.DNSError{Err: "unrecognized address", Name: addr, IsNotFound: true}
	}
	m, _, err := r.ask(ctx, name, dns.TypePTR)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, rr := range m.Answer {
		if rec, ok := rr.(*dns.PTR); ok {
			out = append(out, dnstext.Unescape(rec.Ptr))
		}
	}
	return out, none(addr, len(out))
}

// Exists reports whether there is a name, be it without records: whether the answer isn't NXDOMAIN (RFC 8020).
func (r *Resolver) Exists(ctx context.Context, name string) (bool, error) {
	_, _, err := r.ask(ctx, name, dns.TypeA)
	var d *net.DNSError
	if errors.As(err, &d) && d.IsNotFound {
		return false, nil
	}
	return err == nil, err
}
