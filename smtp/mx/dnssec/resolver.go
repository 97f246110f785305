package dnssec

import (
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"github.com/buuta/mail/internal/dnstext"
	"github.com/buuta/mail/smtp/mx"
)

// Resolver asks validating resolvers. The zero value asks those of /etc/resolv.conf. It may be used by many goroutines
// at once; its fields must not change after the first use.
type Resolver struct {
	// Servers are the resolvers, "address" or "address:port". nil means those of /etc/resolv.conf.
	Servers []string

	// Trust believes the AD bit of every server. Otherwise only servers on this machine are believed, and those of
	// /etc/resolv.conf when it has "options trust-ad".
	Trust bool

	Timeout  time.Duration // for one question to one server; 0: 5 s
	Attempts int           // rounds through the servers; 0: 2

	// Dial opens connections, for "udp" and "tcp". nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	once    sync.Once
	servers []server
}

type server struct {
	addr    string
	trusted bool
}

var _ mx.SecureResolver = (*Resolver)(nil)

func (r *Resolver) setup() {
	list, trust := r.Servers, r.Trust
	if list == nil {
		b, _ := os.ReadFile("/etc/resolv.conf")
		var ad bool
		list, ad = readConf(string(b))
		trust = trust || ad
	}
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			s = net.JoinHostPort(a.String(), "53")
		}
		own := false
		if ap, err := netip.ParseAddrPort(s); err == nil {
			own = ap.Addr().IsLoopback()
		}
		r.servers = append(r.servers, server{s, trust || own})
	}
}

// readConf reads what matters here of resolv.conf(5). Without a server it is the one on this machine.
func readConf(s string) (servers []string, trustAD bool) {
	for line := range strings.SplitSeq(s, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) >= 2 && f[0] == "nameserver" && len(servers) < 3:
			servers = append(servers, f[1])
		case len(f) >= 2 && f[0] == "options":
			for _, o := range f[1:] {
				trustAD = trustAD || o == "trust-ad"
			}
		}
	}
	if len(servers) == 0 {
		servers = []string{"127.0.0.1"}
	}
	return servers, trustAD
}

// LookupMXSecure implements [mx.SecureResolver].
func (r *Resolver) LookupMXSecure(ctx context.Context, name string) ([]*net.MX, bool, error) {
	m, secure, err := r.ask(ctx, name, dns.TypeMX)
	if err != nil {
		return nil, secure, err
	}
	var out []*net.MX
	for _, rr := range m.Answer {
		if rec, ok := rr.(*dns.MX); ok {
			out = append(out, &net.MX{Host: rec.Mx, Pref: rec.Preference})
		}
	}
	return out, secure, none(name, len(out))
}

// LookupNetIPSecure implements [mx.SecureResolver]. network is "ip", "ip4" or "ip6"; for "ip" both kinds of addresses must
// be vouched for.
func (r *Resolver) LookupNetIPSecure(ctx context.Context, network, host string) ([]netip.Addr, bool, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, false, nil
	}
	var out []netip.Addr
	secure := true
	var failed error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if network == "ip4" && kind != dns.TypeA || network == "ip6" && kind != dns.TypeAAAA {
			continue
		}
		m, ok, err := r.ask(ctx, host, kind)
		secure = secure && ok
		if err != nil {
			var d *net.DNSError
			if failed == nil || errors.As(err, &d) && !d.IsNotFound {
				failed = err
			}
			continue
		}
		for _, rr := range m.Answer {
			switch rec := rr.(type) {
			case *dns.A:
				if a, ok := netip.AddrFromSlice(rec.A.To4()); ok {
					out = append(out, a)
				}
			case *dns.AAAA:
				if a, ok := netip.AddrFromSlice(rec.AAAA.To16()); ok {
					out = append(out, a)
				}
			}
		}
	}
	if len(out) > 0 {
		return out, secure, nil
	}
	if failed == nil {
		failed = none(host, 0)
	}
	return nil, secure, failed
}

// LookupTLSASecure implements [mx.SecureResolver].
func (r *Resolver) LookupTLSASecure(ctx context.Context, name string) ([]mx.TLSA, bool, error) {
	m, secure, err := r.ask(ctx, name, dns.TypeTLSA)
	if err != nil {
		return nil, secure, err
	}
	var out []mx.TLSA
	for _, rr := range m.Answer {
		if rec, ok := rr.(*dns.TLSA); ok {
			// Data that isn't hexadecimal can't come from the wire; such a record would match nothing.
			data, _ := hex.DecodeString(rec.Certificate)
			out = append(out, mx.TLSA{Usage: rec.Usage, Selector: rec.Selector, MatchingType: rec.MatchingType, Data: data})
		}
	}
	return out, secure, none(name, len(out))
}

// LookupMX implements [mx.Resolver].
func (r *Resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	list, _, err := r.LookupMXSecure(ctx, name)
	return list, err
}

// LookupNetIP implements [mx.Resolver].
func (r *Resolver) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	list, _, err := r.LookupNetIPSecure(ctx, network, host)
	return list, err
}

// LookupTXT implements [mx.Resolver].
func (r *Resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	m, _, err := r.ask(ctx, name, dns.TypeTXT)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, rr := range m.Answer {
		if rec, ok := rr.(*dns.TXT); ok {
			out = append(out, dnstext.Unescape(strings.Join(rec.Txt, "")))
		}
	}
	return out, none(name, len(out))
}

// none is the error of an answer without records.
func none(name string, n int) error {
	if n > 0 {
		return nil
	}
	return &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
}
