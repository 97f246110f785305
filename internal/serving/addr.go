package serving

import (
	"net"
	"net/netip"
	"os"
	"sync"
)

// AddrKey returns what connections are counted by: an IPv4 address or, of IPv6, the /64 that one site has. It is "" for
// loopback and for what has no IP address.
func AddrKey(a net.Addr) string {
	ip := IP(a)
	if !ip.IsValid() || ip.IsLoopback() {
		return ""
	}
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.String()
	}
	return ip.String()
}

// IP returns the IP address of a without zone, an IPv4 one in its own form; the zero Addr where there is none.
func IP(a net.Addr) netip.Addr {
	if a == nil {
		return netip.Addr{}
	}
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap().WithZone("")
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// FromThisMachine reports whether the peer runs on the machine that it connected to: over loopback, a unix socket, a pipe, or
// from the address that it connects to.
func FromThisMachine(remote, local net.Addr) bool {
	if remote == nil {
		return false
	}
	if remote.Network() == "unix" || remote.Network() == "pipe" {
		return true
	}
	ip := IP(remote)
	return ip.IsValid() && (ip.IsLoopback() || ip == IP(local))
}

// Hostname is a server's name: the one that was configured, else the operating system's, which is asked once, else
// "localhost".
type Hostname struct {
	once sync.Once
	name string
}

// Or returns configured if it is not "", else the operating system's name.
func (h *Hostname) Or(configured string) string {
	if configured != "" {
		return configured
	}
	h.once.Do(func() {
		if h.name, _ = os.Hostname(); h.name == "" {
			h.name = "localhost"
		}
	})
	return h.name
}
