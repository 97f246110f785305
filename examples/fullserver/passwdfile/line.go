package passwdfile

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"
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

// canonical writes a user's name as it is kept: in lower case and with a domain. Names become folders, so what could
// lead out of one is refused.
func (f *File) canonical(name string) (string, error) {
	if name == "" {
		return "", errors.New("no user name")
	}
	if len(name) > 320 || !utf8.ValidString(name) {
		return "", errors.New("not a user name: too long, or not UTF-8")
	}
	at := strings.LastIndexByte(name, '@')
	if at < 0 {
		if f.o.Domain == "" {
			return "", fmt.Errorf("user %q has no domain", name)
		}
		at = len(name)
		name += "@" + f.o.Domain
	}
	for _, half := range []string{name[:at], name[at+1:]} {
		if half == "" || half[0] == '.' || strings.ContainsFunc(half, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '\\' }) {
			return "", fmt.Errorf("%q is not a user name", name)
		}
	}
	return strings.ToLower(name), nil
}

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
