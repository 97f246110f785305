package spf

import (
	"context"
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

func (e *eval) network() string {
	if e.ip.Is4() {
		return "ip4"
	}
	return "ip6"
}

func (e *eval) in(list []netip.Addr, t *Term) bool {
	bits := t.Mask4
	if e.ip.Is6() {
		bits = t.Mask6
	}
	for _, a := range list {
		a = a.Unmap()
		if a.Is4() == e.ip.Is4() && netip.PrefixFrom(a, bits).Contains(e.ip) {
			return true
		}
	}
	return false
}

func (e *eval) matchHost(ctx context.Context, name string, t *Term) (bool, authres.Code, error) {
	list, err := e.lookupIP(ctx, e.network(), name)
	if err != nil {
		code, err := e.failed(err)
		return false, code, err
	}
	return e.in(list, t), "", nil
}

func (e *eval) matchMX(ctx context.Context, name string, t *Term) (bool, authres.Code, error) {
	list, err := e.lookupMX(ctx, name)
	if err != nil {
		code, err := e.failed(err)
		return false, code, err
	}
	if len(list) > e.lim.Names { // section 4.6.4
		return false, authres.PermError, errNames
	}
	for _, mx := range list {
		host, err := signed.ASCIIName(mx.Host)
		if err != nil { // "." of RFC 7505
			continue
		}
		addrs, err := e.lookupIP(ctx, e.network(), host)
		if err != nil {
			if code, err := e.failed(err); err != nil {
				return false, code, err
			}
			continue
		}
		if e.in(addrs, t) {
			return true, "", nil
		}
	}
	return false, "", nil
}

// clientNames returns the validated names of the client (section 5.5). An error of the DNS makes a name not validated, and
// of the reverse lookup that there are none.
func (e *eval) clientNames(ctx context.Context) []string {
	if e.namesKnown {
		return e.names
	}
	e.namesKnown = true
	list, err := e.lookupNames(ctx)
	if err != nil {
		return nil
	}
	for _, n := range list[:min(len(list), e.lim.Names)] { // section 4.6.4: the others are ignored
		host, err := signed.ASCIIName(n)
		if err != nil {
			continue
		}
		addrs, err := e.lookupIP(ctx, e.network(), host)
		if err != nil {
			continue
		}
		for _, a := range addrs {
			if a.Unmap() == e.ip {
				e.names = append(e.names, host)
				break
			}
		}
	}
	return e.names
}

// validated is the macro p: the domain itself if it is among the names, else a subdomain of it, else any.
func (e *eval) validated(ctx context.Context, domain string) string {
	names := e.clientNames(ctx)
	for _, n := range names {
		if strings.EqualFold(n, domain) {
			return n
		}
	}
	for _, n := range names {
		if signed.Within(n, domain) {
			return n
		}
	}
	if len(names) > 0 {
		return names[0]
	}
	return "unknown"
}
