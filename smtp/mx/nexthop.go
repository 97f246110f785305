package mx

import (
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

// nexthop is where mail is to go, as [Transport.To] takes it.
type nexthop struct {
	name    string     // domain or host in lower case and A-labels, "" for an address
	addr    netip.Addr // the address, when one was given
	port    string     // "" for the transport's
	path    string     // socket
	literal bool       // name is a host, not to be looked up as a domain
	each    bool       // each recipient's own domain
}

var errNexthop = errors.New("bad next hop")

// parseNexthop reads a next hop: "", "domain", "domain:port", "[host]", "[host]:port", "[address]:port", "unix:path".
func parseNexthop(s string) (nexthop, error) {
	if s == "" {
		return nexthop{each: true}, nil
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || strings.IndexByte(path, 0) >= 0 {
			return nexthop{}, errNexthop
		}
		return nexthop{path: path, literal: true}, nil
	}
	host, port := s, ""
	var n nexthop
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return n, errNexthop
		}
		n.literal = true
		host = s[1:end]
		if rest := s[end+1:]; rest != "" {
			if rest[0] != ':' || rest == ":" {
				return n, errNexthop
			}
			port = rest[1:]
		}
	} else if strings.Count(s, ":") == 1 {
		host, port, _ = strings.Cut(s, ":")
		if port == "" {
			return n, errNexthop
		}
	}
	if !validPort(port) {
		return n, errNexthop
	}
	n.port = port
	literal := host
	if len(literal) > 5 && strings.EqualFold(literal[:5], "IPv6:") {
		literal = literal[5:]
	}
	if a, err := netip.ParseAddr(literal); err == nil {
		if strings.ContainsFunc(a.Zone(), notInterface) {
			return n, errNexthop
		}
		n.addr, n.literal = a.Unmap(), true
		return n, nil
	}
	name, err := asciiDomain(host)
	if err != nil {
		return n, errNexthop
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return n, errNexthop // an address with a dot behind it, or in digits of another script
	}
	n.name = name
	if name == "localhost" {
		n.literal = true // RFC 6761 section 6.3: not a name for the DNS
	}
	return n, nil
}

// notInterface finds what no interface's name has and what would end or split the address where it is written down.
func notInterface(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`[]<>(),;:@%"\`, r)
}

// validPort accepts numbers and service names.
func validPort(s string) bool {
	if len(s) > 15 {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; (c < 'a' || c > 'z') && (s[i] < '0' || s[i] > '9') && s[i] != '-' {
			return false
		}
	}
	return true
}

// asciiDomain returns a domain in lower case and A-labels, without the root's dot.
func asciiDomain(s string) (string, error) {
	s = strings.TrimSuffix(s, ".")
	ascii := true
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 0x80:
			ascii = false
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return "", errNexthop
		}
	}
	if !ascii {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil {
			return "", err
		}
		s = a
	}
	if s == "" || len(s) > 253 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return "", errNexthop
	}
	return strings.ToLower(s), nil
}

// String writes the next hop as logs and policies name it.
func (n nexthop) String() string {
	switch {
	case n.path != "":
		return n.path
	case n.addr.IsValid():
		return "[" + n.addr.String() + "]"
	}
	return n.name
}
