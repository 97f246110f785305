package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
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

// netTables are the types of tables that a list of networks may name: those that can't fail, for who isn't known must not be taken for a stranger.
var netTables = []string{"btree", "cdb", "cidr", "dbm", "hash", "inline", "lmdb", "pcre", "regexp", "sdbm", "texthash"}

// netPattern reports whether an item of a list of networks is an exception ("!192.0.2.1"), a file with more of them, or a table.
func netPattern(item string) (bool, error) {
	if strings.HasPrefix(item, "!") || strings.HasPrefix(item, "/") {
		return true, nil
	}
	kind, _, ok := strings.Cut(strings.TrimPrefix(item, "proxy:"), ":")
	if !ok || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") != "" || kind == "" || strings.Trim(kind, "abcdef") == "" {
		return false, nil
	}
	if !slices.Contains(netTables, kind) {
		return false, fmt.Errorf("%s may fail, and whoever asks then would be a stranger: name a cidr: table, or a file of networks", quote(item))
	}
	return true, nil
}

// netPatterns is a list of networks with such items; "" for one without.
func netPatterns(list string) string {
	for _, item := range Members(list) {
		if is, _ := netPattern(item); is {
			return list
		}
	}
	return ""
}
