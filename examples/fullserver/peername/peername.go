// Package peername finds out what a client's host is called, as Postfix's smtpd_peer does: a name counts only when it leads
// back to the address, because anybody can write any name into the reverse zone of an address of his.
package peername

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Resolver is what is asked of the DNS. *net.Resolver is one.
type Resolver interface {
	LookupAddr(ctx context.Context, addr string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Lookup finds names. The zero value asks the system.
type Lookup struct {
	Resolver Resolver      // nil: net.DefaultResolver
	Timeout  time.Duration // for both questions together; 0: 5 seconds
}

// Name returns the host name of a client, "localhost" for this machine, and "" for one that has none, or none that leads
// back to it, or whose name servers don't answer in time.
func (l *Lookup) Name(ctx context.Context, addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.IsLoopback() {
		return "localhost"
	}
	timeout := l.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var r Resolver = net.DefaultResolver
	if l.Resolver != nil {
		r = l.Resolver
	}
	names, err := r.LookupAddr(ctx, ip.String())
	if err != nil || len(names) == 0 {
		return ""
	}
	name := strings.TrimSuffix(names[0], ".") // the first alone, as Postfix does: a zone may name thousands
	if !hostname(name) {
		return ""
	}
	addrs, err := r.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		if a.Unmap() == ip {
			return name
		}
	}
	return ""
}

// hostname reports whether a name is one that may stand in a log and a Received field (RFC 1123 section 2.1), and isn't an
// address that pretends to be a name.
func hostname(s string) bool {
	if s == "" || len(s) > 253 || s[0] == '-' || s[0] == '.' {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}
