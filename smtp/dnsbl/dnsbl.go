// Package dnsbl asks lists in the DNS about addresses (RFC 5782): those of senders of junk, and those that vouch for senders. A list is
// written as Postfix writes it, with a filter of the answers that count and a weight:
//
//	zen.example   list.example=127.0.0.[2;4..7]   white.example=127.0.[0..255].[1..3]*-2
package dnsbl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Zone is a list.
type Zone struct {
	Name   string // in lower case, without a dot at its end
	Weight int    // what being listed counts; negative for a list that vouches

	octets [4][]span // of the answers that count; nil: any in 127.0.0.0/8
}

type span struct{ from, to int }

// Resolver is the DNS. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// ParseZone reads "name", "name=filter" or either with "*weight" behind it; without one the weight is 1.
func ParseZone(s string) (Zone, error) {
	z := Zone{Weight: 1}
	rest := s
	if i := strings.LastIndexByte(s, '*'); i >= 0 {
		n, err := strconv.ParseInt(strings.TrimPrefix(s[i+1:], "+"), 10, 32)
		if err != nil || n < -1<<20 || n > 1<<20 {
			return z, fmt.Errorf("%q: %q is no weight", s, s[i+1:])
		}
		z.Weight, rest = int(n), s[:i]
	}
	name, filter, has := strings.Cut(rest, "=")
	z.Name = strings.ToLower(strings.Trim(name, "."))
	if !validName(z.Name) {
		return z, fmt.Errorf("%q is no domain", name)
	}
	if has {
		return z, z.parseFilter(filter)
	}
	return z, nil
}

// parseFilter reads "d.d.d.d", where each d is a number or "[a;b..c]".
func (z *Zone) parseFilter(filter string) error {
	rest := filter
	for i := range z.octets {
		var part string
		if strings.HasPrefix(rest, "[") {
			end := strings.IndexByte(rest, ']')
			if end < 0 {
				return fmt.Errorf("%q has no ]", filter)
			}
			part, rest = rest[1:end], rest[end+1:]
		} else if end := strings.IndexByte(rest, '.'); end >= 0 {
			part, rest = rest[:end], rest[end:]
		} else {
			part, rest = rest, ""
		}
		if i < 3 {
			if !strings.HasPrefix(rest, ".") {
				return fmt.Errorf("%q is not of the form d.d.d.d, with [a;b..c] for some d", filter)
			}
			rest = rest[1:]
		}
		for item := range strings.SplitSeq(part, ";") {
			a, b, ranged := strings.Cut(item, "..")
			if !ranged {
				b = a
			}
			from, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 8)
			to, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 8)
			if errors.Join(err1, err2) != nil || from > to {
				return fmt.Errorf("%q: %q is no octet, nor a range of them", filter, item)
			}
			z.octets[i] = append(z.octets[i], span{int(from), int(to)})
		}
	}
	if rest != "" {
		return fmt.Errorf("%q has more than four parts", filter)
	}
	return nil
}

// validName reports whether a name can be one of the DNS.
func validName(s string) bool {
	if s == "" || len(s) > 190 { // with the 64 octets of an IPv6 address in front
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// Counts reports whether an answer is one that the list is asked for. Without a filter that is any in 127.0.0.0/8 (RFC 5782 section 2.1):
// a list that is gone answers with a place for advertisements.
func (z *Zone) Counts(a netip.Addr) bool {
	if a = a.Unmap(); !a.Is4() {
		return false
	}
	b := a.As4()
	for i, spans := range z.octets {
		if spans == nil {
			if i == 0 && b[0] != 127 {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(spans, func(s span) bool { return int(b[i]) >= s.from && int(b[i]) <= s.to }) {
			return false
		}
	}
	return true
}

// Reverse is an address as the lists have it (RFC 5782 sections 2.1 and 2.4).
func Reverse(a netip.Addr) string {
	a = a.Unmap()
	var out []byte
	if a.Is4() {
		b := a.As4()
		for i := 3; i >= 0; i-- {
			out = append(strconv.AppendUint(out, uint64(b[i]), 10), '.')
		}
		return string(out[:len(out)-1])
	}
	const hex = "0123456789abcdef"
	b := a.As16()
	for i := 15; i >= 0; i-- {
		out = append(out, hex[b[i]&15], '.', hex[b[i]>>4], '.')
	}
	return string(out[:len(out)-1])
}

// NotListed reports whether an error of a Resolver says that there is no such name.
func NotListed(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && e.IsNotFound
}

// Score is what lists say of an address together.
type Score struct {
	Rank   int     // the weights of those that list it
	Zone   string  // of those the one with the greatest weight, "" for none
	Errors []error // of those that didn't answer
}

// Check asks all lists about an address, at once, each name once.
func Check(ctx context.Context, r Resolver, zones []Zone, a netip.Addr) Score {
	var names []string
	for _, z := range zones {
		if !slices.Contains(names, z.Name) {
			names = append(names, z.Name)
		}
	}
	answers := make(map[string][]netip.Addr, len(names))
	var score Score
	var mu sync.Mutex
	var wg sync.WaitGroup
	reversed := Reverse(a)
	for _, name := range names {
		wg.Go(func() {
			addrs, err := r.LookupNetIP(ctx, "ip4", reversed+"."+name+".")
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !NotListed(err) {
				score.Errors = append(score.Errors, fmt.Errorf("%s.%s: %w", reversed, name, err))
			}
			answers[name] = addrs
		})
	}
	wg.Wait()
	best := 0
	for i := range zones {
		if z := &zones[i]; slices.ContainsFunc(answers[z.Name], z.Counts) {
			if score.Rank += z.Weight; z.Weight > best {
				score.Zone, best = z.Name, z.Weight
			}
		}
	}
	return score
}
