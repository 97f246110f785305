package passwdfile

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// rules are what the extra fields say about logging in.
type rules struct {
	nologin bool
	nets    []netip.Prefix // allow_nets; nil: from everywhere
}

// parse reads one line.
func (f *File) parse(text string) (*User, error) {
	field := strings.SplitN(text, ":", 8)
	name, err := f.canonical(field[0])
	if err != nil {
		return nil, err
	}
	u := &User{Name: name}
	if len(field) > 4 {
		u.FullName, _, _ = strings.Cut(field[4], ",") // as passwd(5) has the gecos field: rooms and telephones follow
	}
	if len(field) > 5 {
		u.Home = field[5]
	}
	if len(field) > 1 {
		u.secret = parseSecret(field[1], f.o.DefaultScheme)
	} else {
		u.secret = secret{problem: "no password"}
	}
	if len(field) > 7 {
		u.extra = field[7]
		u.rules, err = parseRules(u.extra)
	}
	return u, err
}

func (f *File) canonical(name string) (string, error) { return Canonical(name, f.o.Domain) }

// parseRules reads the extra fields that restrict a login. Others are for Dovecot's user database and left alone.
func parseRules(s string) (rules, error) {
	var r rules
	for field := range strings.FieldsSeq(s) {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "nologin":
			r.nologin = value == "" || strings.HasPrefix(strings.ToLower(value), "y")
		case "allow_nets":
			r.nets = []netip.Prefix{}
			for item := range strings.SplitSeq(value, ",") {
				p, err := netip.ParsePrefix(item)
				if err != nil {
					a, aerr := netip.ParseAddr(item)
					if aerr != nil {
						return r, fmt.Errorf("allow_nets: %q is not a network", item)
					}
					p = netip.PrefixFrom(a, a.BitLen())
				}
				r.nets = append(r.nets, p)
			}
		}
	}
	return r, nil
}

// admit reports whether the rules let somebody in from there.
func (r *rules) admit(remote net.Addr) bool {
	if r.nologin {
		return false
	}
	if r.nets == nil {
		return true
	}
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	ip = ip.Unmap()
	for _, p := range r.nets {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
