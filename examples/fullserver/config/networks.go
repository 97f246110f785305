package config

import (
	"net"
	"net/netip"
	"strings"
)

// networksOf returns the mynetworks that a mynetworks_style stands for, among interfaces, or those of this machine where that is nil.
func networksOf(style string, interfaces []netip.Prefix) string {
	if interfaces == nil {
		interfaces = ownInterfaces()
	}
	var out []string
	seen := map[netip.Prefix]bool{}
	for _, p := range interfaces {
		bits := p.Addr().BitLen()
		switch {
		case style == "subnet":
			bits = p.Bits()
		case style == "class" && p.Addr().Is4():
			bits = classOf(p.Addr())
		case style == "class":
			bits = p.Bits()
		}
		n := netip.PrefixFrom(p.Addr().WithZone(""), bits).Masked()
		if seen[n] {
			continue
		}
		seen[n] = true
		text := n.String()
		if n.Addr().Is6() {
			text = "[" + strings.Replace(text, "/", "]/", 1)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// classOf is the length of the network that an address was in before there were masks.
func classOf(a netip.Addr) int {
	switch first := a.As4()[0]; {
	case first < 128:
		return 8
	case first < 192:
		return 16
	case first < 224:
		return 24
	}
	return 32
}

func ownInterfaces() []netip.Prefix {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	var v4, v6 []netip.Prefix
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil:
		case p.Addr().Is4():
			v4 = append(v4, p)
		default:
			v6 = append(v6, p)
		}
	}
	return append(v4, v6...)
}
