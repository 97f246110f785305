// Package outward asks web servers whose addresses strangers have written: into the DNS, into messages. It must not become their way into this network.
package outward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrPrivate says that an address is not one of the public internet.
var ErrPrivate = errors.New("its address is not one of the public internet")

// ErrPort says that a port is not one that is connected to.
var ErrPort = errors.New("its port is not one that is connected to")

// Client returns a client that reaches public addresses only, whatever names lead to; that is looked at when it connects, so that no name can change in between. It
// follows no redirects, goes through no proxy, keeps no cookies and no connections. Answers that take longer than the time given are errors.
func Client(within time.Duration) *http.Client {
	return &http.Client{
		Transport: &http.Transport{DialContext: Dialer{Within: within}.DialContext, DisableKeepAlives: true}, Timeout: within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Dialer connects with public addresses only. What a name leads to is looked at when the connection is made.
type Dialer struct {
	Within   time.Duration  // for a connection
	Ports    []uint16       // that may be connected to; empty: all
	Resolver *net.Resolver  // nil: the system's
	Inside   []netip.Prefix // networks that may be connected with although they aren't public
}

// DialContext connects; the error wraps [ErrPrivate] or [ErrPort] where that isn't allowed.
func (d Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	n := &net.Dialer{Timeout: d.Within, Resolver: d.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		switch {
		case err != nil || !Public(a.Addr()) && !slices.ContainsFunc(d.Inside, func(p netip.Prefix) bool { return p.Contains(a.Addr().Unmap()) }):
			return fmt.Errorf("%s: %w", address, ErrPrivate)
		case len(d.Ports) > 0 && !slices.Contains(d.Ports, a.Port()):
			return fmt.Errorf("%s: %w", address, ErrPort)
		}
		return nil
	}}
	return n.DialContext(ctx, network, address)
}

// special are networks that are not for anybody's servers, or lead to such (IANA's registries of special-purpose addresses).
var special = func() (out []netip.Prefix) {
	for _, p := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "::/96"} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

// Public reports whether an address is one of the public internet, and none of this machine's own.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return false
	}
	own, err := net.InterfaceAddrs()
	return err == nil && !slices.ContainsFunc(own, func(o net.Addr) bool {
		n, ok := o.(*net.IPNet)
		if !ok {
			return false
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		return ok && ip.Unmap() == a
	})
}
