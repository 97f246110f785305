// Package spf finds out whether a host may send mail for a domain: the Sender Policy Framework (RFC 7208).
package spf

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Resolver is what is asked of the DNS. *net.Resolver is one. Errors are *net.DNSError, of which IsNotFound means that the
// name or its records don't exist, and anything else that trying later may help.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Limits bounds what a check can cost. The zero value is what RFC 7208 section 4.6.4 asks for.
type Limits struct {
	Lookups     int           // terms that ask the DNS. 0: 10
	VoidLookups int           // lookups without an answer. 0: 2
	Names       int           // exchangers of one mx, names of one ptr. 0: 10
	RecordBytes int           // longest record. 0: 4,096
	Time        time.Duration // for all of it. 0: 20 s
}

func (l Limits) withDefaults() Limits {
	or := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	or(&l.Lookups, 10)
	or(&l.VoidLookups, 2)
	or(&l.Names, 10)
	or(&l.RecordBytes, 4096)
	if l.Time <= 0 {
		l.Time = 20 * time.Second
	}
	return l
}

// Checker checks senders. It may be used by many goroutines at once.
type Checker struct {
	Resolver Resolver
	Limits   Limits

	// Hostname is the name of the host that checks, for the macro r. "": "unknown".
	Hostname string
	Now      func() time.Time // for the macro t; nil: time.Now
	// NoExplanation doesn't look up exp= of a domain whose record says Fail.
	NoExplanation bool
}

// Result is what was found.
type Result struct {
	Result authres.Code // None, Neutral, Pass, Fail, SoftFail, TempError, PermError
	Err    error        // the reason for TempError, PermError and None
	Domain string       // that was checked: of MAIL FROM, or HELO
	Helo   bool         // Domain is HELO's, because MAIL FROM is empty
	Sender string       // MAIL FROM, or postmaster at HELO
	Term   string       // the mechanism that decided, as the record has it; "" for the default

	// Explanation is what the domain wants the sender of a refused message to be told (exp=), "" for nothing. It is the
	// domain's own words: ASCII without controls, and no more to be believed than others' words (RFC 7208 section 6.2).
	Explanation string

	Lookups int // terms that asked the DNS
}

// The reasons for the results None, TempError and PermError.
var (
	ErrNoDomain  = errors.New("spf: not a domain name")                     // None
	ErrNoRecord  = errors.New("spf: the domain has no record")              // None
	ErrLookup    = errors.New("spf: lookup failed")                         // TempError
	ErrRecords   = errors.New("spf: the domain has more than one record")   // PermError
	ErrSyntax    = errors.New("spf: syntax error in a record")              // PermError
	ErrLookups   = errors.New("spf: the record needs too many lookups")     // PermError
	ErrVoid      = errors.New("spf: too many lookups found nothing")        // PermError
	ErrNoInclude = errors.New("spf: an included domain has no record")      // PermError
	ErrTooLong   = errors.New("spf: record is longer than the limit")       // PermError
	errNames     = errors.New("spf: a domain has too many mail exchangers") // PermError
)

// Check checks MAIL FROM, or HELO where MAIL FROM is empty (RFC 7208 sections 2.4 and 4.1). from is without "<>".
func (c *Checker) Check(ctx context.Context, ip netip.Addr, helo, from string) *Result {
	if from == "" {
		return c.CheckHelo(ctx, ip, helo)
	}
	local, domain := "postmaster", from // section 4.3: without a local part it is postmaster
	if at := strings.LastIndexByte(from, '@'); at >= 0 {
		domain = from[at+1:]
		if at > 0 {
			local = from[:at]
		}
	}
	return c.check(ctx, ip, helo, local, domain)
}

// CheckHelo checks the HELO identity (section 2.3).
func (c *Checker) CheckHelo(ctx context.Context, ip netip.Addr, helo string) *Result {
	r := c.check(ctx, ip, helo, "postmaster", helo)
	r.Helo = true
	return r
}

func (c *Checker) check(ctx context.Context, ip netip.Addr, helo, local, domain string) *Result {
	res := &Result{Domain: strings.TrimSuffix(domain, "."), Sender: local + "@" + domain}
	name, err := domainName(domain)
	if err != nil {
		res.Result, res.Err = authres.None, ErrNoDomain
		return res
	}
	lim := c.Limits.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, lim.Time)
	defer cancel()
	e := &eval{c: c, lim: lim, ip: ip.Unmap().WithZone(""), helo: helo, local: local, sender: name, res: res}
	res.Domain = name
	if !e.ip.IsValid() {
		res.Result, res.Err = authres.None, errors.New("spf: no address")
		return res
	}
	res.Result, res.Err = e.host(ctx, name)
	if res.Err == nil && res.Result == authres.Fail && !c.NoExplanation && e.exp != "" {
		res.Explanation = e.explain(ctx)
	}
	if errors.Is(res.Err, ErrNoRecord) {
		res.Result = authres.None
	}
	res.Lookups = e.terms
	return res
}

// domainName is what section 4.3 takes as a domain: more than one label, none too long. A literal is none.
func domainName(s string) (string, error) {
	name, err := signed.ASCIIName(s)
	if err != nil || !strings.Contains(name, ".") || strings.ContainsAny(name, "[]:") {
		return "", ErrNoDomain
	}
	return name, nil
}

// Method returns the result as part of an Authentication-Results field (RFC 8601 section 2.7.2).
func (r *Result) Method() authres.Method {
	m := authres.Method{Name: "spf", Result: r.Result}
	if r.Err != nil && r.Result != authres.None {
		m.Reason = strings.TrimPrefix(r.Err.Error(), "spf: ")
		if r.Result == authres.TempError { // who our name servers are is nobody's business
			m.Reason = "lookup failed"
		}
	}
	if r.Helo {
		m.Props = []authres.Property{{Type: "smtp", Name: "helo", Value: r.Domain}}
	} else {
		m.Props = []authres.Property{{Type: "smtp", Name: "mailfrom", Value: r.Sender}}
	}
	return m
}

// Temporary reports whether trying later may help.
func (r *Result) Temporary() bool { return r.Result == authres.TempError }
