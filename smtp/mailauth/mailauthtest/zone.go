// Package mailauthtest is a DNS for tests: a [Zone] read from lines of text, which answers what packages mailauth, spf, dkim, dmarc
// and arc ask.
package mailauthtest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// Zone holds records. It may be used by many goroutines at once.
type Zone struct {
	records map[string]map[string][]string // by name and type

	mu      sync.Mutex
	queries []string
}

// Parse reads records, one a line: a name, a type and the data. Types are A, AAAA, MX ("10 host"), TXT (the text as it is, up to
// the line's end), PTR (whose name is an address), NONE (the name exists, and has nothing) and FAIL (every question about the
// name has a temporary error). "#" begins a comment line.
//
//	example.com     TXT  v=spf1 mx -all
//	example.com     MX   10 mx.example.com
//	mx.example.com  A    192.0.2.1
//	192.0.2.1       PTR  mx.example.com
func Parse(text string) (*Zone, error) {
	z := &Zone{records: map[string]map[string][]string{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest := word(line)
		kind, data := word(rest)
		name = canonical(name)
		bad := false
		switch kind {
		case "A", "AAAA":
			_, err := netip.ParseAddr(data)
			bad = err != nil
		case "MX":
			pref, _ := word(data)
			_, err := strconv.ParseUint(pref, 10, 16)
			bad = err != nil
		case "PTR", "TXT", "NONE", "FAIL":
		default:
			bad = true
		}
		if bad {
			return nil, fmt.Errorf("mailauthtest: bad line %q", line)
		}
		z.add(name, kind, data)
	}
	return z, nil
}

// MustParse is Parse for text that is known to be right. It panics where it isn't.
func MustParse(text string) *Zone {
	z, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return z
}

func word(s string) (first, rest string) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimLeft(s[i:], " \t")
}

func canonical(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (z *Zone) add(name, kind, data string) {
	if z.records[name] == nil {
		z.records[name] = map[string][]string{}
	}
	z.records[name][kind] = append(z.records[name][kind], data)
}

// Queries returns what has been asked, as "TXT example.com", in order.
func (z *Zone) Queries() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return append([]string(nil), z.queries...)
}

func (z *Zone) ask(ctx context.Context, kind, name string) ([]string, error) {
	name = canonical(name)
	z.mu.Lock()
	z.queries = append(z.queries, kind+" "+name)
	z.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, &net.DNSError{Err: err.Error(), Name: name, IsTimeout: true, IsTemporary: true}
	}
	if z.records[name]["FAIL"] != nil {
		return nil, &net.DNSError{Err: "server failure", Name: name, IsTemporary: true}
	}
	if out := z.records[name][kind]; out != nil {
		return out, nil
	}
	return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
}

// LookupTXT returns text records.
func (z *Zone) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return z.ask(ctx, "TXT", name)
}

// LookupNetIP returns addresses; network is "ip", "ip4" or "ip6".
func (z *Zone) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	var err error
	for _, kind := range []string{"A", "AAAA"} {
		if network == "ip4" && kind != "A" || network == "ip6" && kind != "AAAA" {
			continue
		}
		var list []string
		if list, err = z.ask(ctx, kind, host); err == nil {
			for _, s := range list {
				out = append(out, netip.MustParseAddr(s))
			}
		}
	}
	if out != nil {
		err = nil
	}
	return out, err
}

// LookupMX returns mail exchangers in the order of the zone.
func (z *Zone) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	list, err := z.ask(ctx, "MX", name)
	var out []*net.MX
	for _, s := range list {
		pref, host := word(s)
		n, _ := strconv.ParseUint(pref, 10, 16)
		out = append(out, &net.MX{Host: host, Pref: uint16(n)})
	}
	return out, err
}

// LookupAddr returns the names of an address.
func (z *Zone) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return z.ask(ctx, "PTR", addr)
}

// Exists reports whether a name, or one below it, has a record.
func (z *Zone) Exists(ctx context.Context, name string) (bool, error) {
	name = canonical(name)
	if z.records[name]["FAIL"] != nil {
		return false, &net.DNSError{Err: "server failure", Name: name, IsTemporary: true}
	}
	for n := range z.records {
		if n == name || strings.HasSuffix(n, "."+name) {
			return true, nil
		}
	}
	return false, nil
}
