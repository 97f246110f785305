package mx

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// host is a machine that may take mail for a next hop.
type host struct {
	name string // as TLS and the log name it
	pref uint16
	mx   bool // found by an MX record
	host bool // given as a host, so that there was no MX look-up

	dane    bool   // TLS is mandatory because there are TLSA records
	records []TLSA // those that can be used; with dane and none of them any certificate will do
	names   []string
}

func (t *Transport) resolver() Resolver {
	switch r := t.Resolver.(type) {
	case nil:
		return absolute{net.DefaultResolver}
	case *net.Resolver:
		return absolute{r}
	default:
		return r
	}
}

// absolute keeps a resolver from trying a mail domain that doesn't exist within the search domains of this machine, one of
// which may have a wildcard record.
type absolute struct{ r *net.Resolver }

func (a absolute) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return a.r.LookupMX(ctx, name+".")
}

// LookupNetIP asks for A and AAAA apart when net.Resolver says that there is no such host: of two failures it tells one, which may be that there is no AAAA
// while nobody has answered for A.
func (a absolute) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	list, err := a.r.LookupNetIP(ctx, network, host+".")
	if network != "ip" || !notFound(err) {
		return list, err
	}
	for _, one := range []string{"ip4", "ip6"} {
		if list, err = a.r.LookupNetIP(ctx, one, host+"."); !notFound(err) {
			break
		}
	}
	return list, err
}

func (a absolute) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return a.r.LookupTXT(ctx, name+".")
}

func (t *Transport) dnsContext(ctx context.Context) (context.Context, context.CancelFunc) {
	d := t.DNSTimeout
	if d == 0 {
		d = 30 * time.Second
	}
	return context.WithTimeout(ctx, d)
}

// hosts finds the hosts for a domain (RFC 5321 section 5.1): its mail exchangers by preference, those of the same in
// random order; without MX records the domain itself.
func (t *Transport) hosts(ctx context.Context, domain string) (list []host, secure bool, err error) {
	ctx, cancel := t.dnsContext(ctx)
	defer cancel()
	var records []*net.MX
	if r, ok := t.resolver().(SecureResolver); ok {
		records, secure, err = r.LookupMXSecure(ctx, domain)
	} else {
		records, err = t.resolver().LookupMX(ctx, domain)
	}
	list, err = t.order(domain, records, err)
	return list, secure, err
}

// order makes the list of hosts of what the MX look-up brought.
func (t *Transport) order(domain string, records []*net.MX, err error) ([]host, error) {
	// A malformed name among the records is an error beside the good ones.
	if err != nil && len(records) == 0 {
		if !notFound(err) {
			return nil, dnsReply(domain, "MX", err)
		}
		return []host{{name: domain}}, nil
	}
	if len(records) == 0 {
		return []host{{name: domain}}, nil
	}
	if len(records) == 1 && strings.Trim(records[0].Host, ".") == "" { // RFC 7505 section 3
		return nil, mail.NewReply(556, mail.EnhancedCode{5, 1, 10}, "Domain "+domain+" does not accept mail (nullMX)")
	}
	list := make([]host, 0, len(records))
	for _, r := range records {
		if name, err := asciiDomain(r.Host); err == nil {
			list = append(list, host{name: name, pref: r.Pref, mx: true})
		}
	}
	if len(list) == 0 {
		return nil, mail.NewReply(550, mail.EnhancedCode{5, 4, 4}, "no usable mail exchanger for "+domain)
	}
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	slices.SortStableFunc(list, func(a, b host) int { return int(a.pref) - int(b.pref) })
	return t.cutOwn(domain, list)
}

// cutOwn drops this host and all that are no nearer to the destination than it is: mail that went there would come back
// (RFC 5321 section 5.1).
func (t *Transport) cutOwn(domain string, list []host) ([]host, error) {
	own, err := asciiDomain(t.Hostname)
	if err != nil {
		return list, nil
	}
	for _, h := range list {
		if h.name != own {
			continue
		}
		return t.nearer(domain, list, h.pref)
	}
	return list, nil
}

func (t *Transport) nearer(domain string, list []host, pref uint16) ([]host, error) {
	list = slices.DeleteFunc(list, func(o host) bool { return o.pref >= pref })
	if len(list) == 0 {
		return nil, mail.NewReply(554, mail.EnhancedCode{5, 4, 6}, "mail for "+domain+" loops back to myself")
	}
	return list, nil
}

// addresses finds a host's addresses, the two families taking turns, and whether DNSSEC vouches for them.
func (t *Transport) addresses(ctx context.Context, h host) (addrs []netip.Addr, secure bool, err error) {
	if a, err := netip.ParseAddr(h.name); err == nil {
		return []netip.Addr{a}, false, nil
	}
	ctx, cancel := t.dnsContext(ctx)
	defer cancel()
	network, rr := "ip", "A"
	switch t.Network {
	case "tcp4":
		network = "ip4"
	case "tcp6":
		network, rr = "ip6", "AAAA"
	}
	var list []netip.Addr
	if r, ok := t.resolver().(SecureResolver); ok {
		list, secure, err = r.LookupNetIPSecure(ctx, network, h.name)
	} else {
		list, err = t.resolver().LookupNetIP(ctx, network, h.name)
	}
	if err != nil && len(list) == 0 {
		if !h.mx && !h.host && notFound(err) {
			rr = "MX"
		}
		return nil, false, dnsReply(h.name, rr, err)
	}
	out, err := alternate(list)
	if err != nil {
		return nil, false, dnsReply(h.name, rr, err)
	}
	return out, secure, nil
}

// alternate orders addresses so that the two families take turns, and each is in random order.
func alternate(list []netip.Addr) ([]netip.Addr, error) {
	var v4, v6 []netip.Addr
	for _, a := range list {
		if a = a.Unmap(); a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	rand.Shuffle(len(v4), func(i, j int) { v4[i], v4[j] = v4[j], v4[i] })
	rand.Shuffle(len(v6), func(i, j int) { v6[i], v6[j] = v6[j], v6[i] })
	out := make([]netip.Addr, 0, len(list))
	for i := range max(len(v4), len(v6)) {
		if i < len(v6) {
			out = append(out, v6[i])
		}
		if i < len(v4) {
			out = append(out, v4[i])
		}
	}
	if len(out) == 0 {
		return nil, &net.DNSError{Err: "no address", IsNotFound: true}
	}
	return out, nil
}

func notFound(err error) bool {
	var d *net.DNSError
	return errors.As(err, &d) && d.IsNotFound && !d.IsTemporary && !d.IsTimeout
}

// dnsReply says in Postfix's words that a look-up failed: for good when there is no such name, else temporarily.
func dnsReply(name, rr string, err error) *mail.Reply {
	text := fmt.Sprintf("Host or domain name not found. Name service error for name=%s type=%s: Host not found", name, rr)
	if notFound(err) {
		return &mail.Reply{Code: 550, Enhanced: mail.EnhancedCode{5, 4, 4}, Text: text, Err: err}
	}
	return &mail.Reply{Code: 450, Enhanced: mail.EnhancedCode{4, 4, 3}, Text: text + ", try again", Err: err}
}
