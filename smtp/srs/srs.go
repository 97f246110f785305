// Package srs is the Sender Rewriting Scheme: a forwarder shows other servers a sender at a domain of its own, which SPF (RFC 7208) lets it use, and
// knows where to send what comes back. The addresses are those of libsrs2 and postsrsd: with the same secret each understands the others'.
//
//	r := &srs.Rewriter{Domain: "example.org", Secrets: []string{"long and random"}}
//	from, _ := r.Forward("alice@example.net") // SRS0=hhhh=TT=example.net=alice@example.org
//	back, err := r.Reverse(from)              // alice@example.net
//
// Wong, Meng Weng: "Sender Rewriting Scheme", and Shevek: "The Sender Rewriting Scheme", 2004, describe it; there is no RFC.
package srs

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strings"
	"time"
)

// Rewriter rewrites the senders of forwarded mail. Domain and Secrets must be set. It may be used by many goroutines at once.
type Rewriter struct {
	Domain string // that rewritten addresses are in

	// Secrets make addresses that only this forwarder can have made. The first signs; the others are those of before, whose addresses are still taken
	// back.
	Secrets []string

	HashLength int              // characters of the signature; 0: 4, of which each has 5 bits, as their case doesn't count
	MaxAge     time.Duration    // how long an address is taken back, in whole days; 0: 21 days
	Separator  byte             // behind SRS0 and SRS1: '=', '+' or '-'; 0: '='
	Now        func() time.Time // nil: time.Now
}

// What Reverse says of addresses that it takes nothing for.
var (
	ErrNotSRS  = errors.New("srs: not an address of the scheme")
	ErrSyntax  = errors.New("srs: the address is incomplete")
	ErrHash    = errors.New("srs: the address was not made here")
	ErrExpired = errors.New("srs: the address is too old")
)

// Is reports whether a local part, or an address, looks as if it were rewritten: "SRS0" or "SRS1" and a separator.
func Is(address string) bool { return kind(address) >= 0 }

// kind is 0 or 1 for an address of the scheme, -1 for another.
func kind(address string) int {
	if len(address) < 5 || !strings.EqualFold(address[:3], "SRS") || !separator(address[4]) {
		return -1
	}
	return strings.IndexByte("01", address[3])
}

func separator(c byte) bool { return c == '=' || c == '+' || c == '-' }

// Forward returns the sender to be shown for mail from a sender. The null sender and addresses of Domain stay as they are. An address that another
// forwarder has made is shortened: what comes back goes to the first of them. The error is ErrSyntax for what is no address.
func (r *Rewriter) Forward(sender string) (string, error) {
	local, domain := halves(sender)
	switch {
	case sender == "" || strings.EqualFold(domain, r.Domain):
		return sender, nil
	case local == "" || domain == "" || strings.Contains(domain, "=") || len(r.Secrets) == 0:
		return "", ErrSyntax
	}
	sep := r.Separator
	if sep == 0 {
		sep = '='
	}
	switch kind(local) {
	case 0: // SRS1<sep>hash=first forwarder=<what it wrote, from its separator on>
		rest := local[4:]
		return "SRS1" + string(sep) + r.hash(r.Secrets[0], domain, rest) + "=" + domain + "=" + rest + "@" + r.Domain, nil
	case 1:
		if _, first, rest, ok := cut3(local[5:]); ok && first != "" && rest != "" && separator(rest[0]) {
			return "SRS1" + string(sep) + r.hash(r.Secrets[0], first, rest) + "=" + first + "=" + rest + "@" + r.Domain, nil
		}
	}
	stamp := timestamp(r.day())
	return "SRS0" + string(sep) + r.hash(r.Secrets[0], stamp, domain, local) + "=" + stamp + "=" + domain + "=" + local + "@" + r.Domain, nil
}

// Reverse returns what an address of the scheme stands for: the sender, or the first forwarder's address for him.
func (r *Rewriter) Reverse(address string) (string, error) {
	local, domain := halves(address)
	if kind(local) < 0 || !strings.EqualFold(domain, r.Domain) {
		return "", ErrNotSRS
	}
	if kind(local) == 1 {
		hash, first, rest, ok := cut3(local[5:])
		switch {
		case !ok || first == "" || rest == "" || !separator(rest[0]):
			return "", ErrSyntax
		case !r.made(hash, first, rest):
			return "", ErrHash
		}
		return "SRS0" + rest + "@" + first, nil
	}
	hash, stamp, rest, ok := cut3(local[5:])
	if !ok {
		return "", ErrSyntax
	}
	host, user, ok := strings.Cut(rest, "=")
	switch {
	case !ok || host == "" || user == "":
		return "", ErrSyntax
	case !r.made(hash, stamp, host, user):
		return "", ErrHash
	case !r.fresh(stamp):
		return "", ErrExpired
	}
	return user + "@" + host, nil
}

// cut3 cuts "a=b=rest".
func cut3(s string) (a, b, rest string, ok bool) {
	a, rest, ok = strings.Cut(s, "=")
	if ok {
		b, rest, ok = strings.Cut(rest, "=")
	}
	return a, b, rest, ok
}

func halves(address string) (local, domain string) {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[:i], address[i+1:]
	}
	return address, ""
}

// hash signs what an address is made of, whose case may get lost on the way.
func (r *Rewriter) hash(secret string, parts ...string) string {
	m := hmac.New(sha1.New, []byte(secret))
	for _, p := range parts {
		m.Write([]byte(lower(p)))
	}
	n := r.HashLength
	if n <= 0 {
		n = 4
	}
	s := base64.StdEncoding.EncodeToString(m.Sum(nil))
	return s[:min(n, len(s)-1)]
}

// lower is ASCII's lower case: libsrs2 knows no other.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// made reports whether a signature is one of ours. It takes the same time for all.
func (r *Rewriter) made(hash string, parts ...string) bool {
	ours := false
	for _, secret := range r.Secrets {
		want := r.hash(secret, parts...)
		if hmac.Equal([]byte(lower(hash)), []byte(lower(want))) {
			ours = true
		}
	}
	return ours
}

// digits are of base 32, which lives without case.
const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// cycle is how many days there are before timestamps come again.
const cycle = 1024

func (r *Rewriter) day() int {
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	return int(now().Unix()/86400) % cycle
}

func timestamp(day int) string { return string([]byte{digits[day>>5], digits[day&31]}) }

// fresh reports whether a timestamp is of the last days.
func (r *Rewriter) fresh(stamp string) bool {
	if len(stamp) != 2 {
		return false
	}
	hi, lo := strings.IndexByte(digits, stamp[0]&^0x20), strings.IndexByte(digits, stamp[1]&^0x20)
	if stamp[0] < 'A' {
		hi = strings.IndexByte(digits, stamp[0])
	}
	if stamp[1] < 'A' {
		lo = strings.IndexByte(digits, stamp[1])
	}
	if hi < 0 || lo < 0 {
		return false
	}
	age := r.MaxAge
	if age == 0 {
		age = 21 * 24 * time.Hour
	}
	return (r.day()-(hi<<5|lo)+cycle)%cycle <= int(age/(24*time.Hour))
}
