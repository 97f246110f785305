package config

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Address is where a service listens.
type Address struct {
	Network string // "tcp" or "unix"
	Address string // "host:port" with an empty host for all interfaces, or a path
}

// String writes the address as a parameter has it.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix:" + a.Address
	}
	return a.Address
}

// parseAddresses reads a list of host:port and unix:path. "*" and "" as host mean every interface.
func parseAddresses(s string) ([]Address, error) {
	var out []Address
	seen := map[Address]bool{}
	for _, item := range splitList(s) {
		a, err := ParseAddress(item)
		if err != nil {
			return nil, err
		}
		if seen[a] && !strings.HasSuffix(a.Address, ":0") {
			return nil, fmt.Errorf("%s is listed twice", quote(item))
		}
		seen[a] = true
		out = append(out, a)
	}
	return out, nil
}

// ParseAddress reads host:port or unix:path.
func ParseAddress(s string) (Address, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || len(path) > 100 { // sun_path holds 108
			return Address{}, fmt.Errorf("%s: a socket's path has 1 to 100 characters", quote(s))
		}
		return Address{"unix", path}, nil
	}
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s, "inet:"))
	if err != nil {
		return Address{}, fmt.Errorf("%s is not of the form host:port or unix:path", quote(s))
	}
	if host == "*" {
		host = ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		known, lerr := net.LookupPort("tcp", port)
		if lerr != nil || port == "" || port[0] >= '0' && port[0] <= '9' {
			return Address{}, fmt.Errorf("%s: %s is neither a port from 0 to 65535 nor a service's name", quote(s), quote(port))
		}
		n = uint64(known)
	}
	if host != "" && net.ParseIP(strings.SplitN(host, "%", 2)[0]) == nil && !validHost(host) {
		return Address{}, fmt.Errorf("%s: %s is neither an address nor a host name", quote(s), quote(host))
	}
	return Address{"tcp", net.JoinHostPort(host, strconv.FormatUint(n, 10))}, nil
}

// Listening is a parameter that says where something listens.
type Listening struct {
	Param     string
	Addresses []Address
}

// Listens returns the parameters that say where something listens.
func (c *Config) Listens() []Listening {
	var out []Listening
	for i := range c.params {
		if p := &c.params[i]; p.Kind == Listen {
			if list, ok := p.into(&c.Settings).(*[]Address); ok && len(*list) > 0 {
				out = append(out, Listening{p.Name, *list})
			}
		}
	}
	return out
}
