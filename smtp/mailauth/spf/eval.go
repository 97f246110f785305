package spf

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// eval is one check_host() with what it includes (RFC 7208 section 4).
type eval struct {
	c      *Checker
	lim    Limits
	ip     netip.Addr
	helo   string
	local  string
	sender string // domain of the sender
	res    *Result

	terms, voids int
	exp          string // exp= of the record that decided
	expDomain    string
	names        []string // of the client, for p
	namesKnown   bool
}

// host is check_host() for one domain: a result, with an error for TempError, PermError and None.
func (e *eval) host(ctx context.Context, domain string) (authres.Code, error) {
	e.exp = ""
	rec, code, err := e.record(ctx, domain)
	if err != nil {
		return code, err
	}
	for i := range rec.Terms {
		t := &rec.Terms[i]
		match, code, err := e.match(ctx, t, domain)
		if err != nil {
			return code, err
		}
		if match {
			e.res.Term = t.Text
			e.exp, e.expDomain = rec.Explain, domain
			return t.Result, nil
		}
	}
	e.res.Term = ""
	if rec.Redirect == "" {
		return authres.Neutral, nil // section 4.7
	}
	if err := e.count(); err != nil {
		return authres.PermError, err
	}
	if !ascii(e.local) && namesLocal(rec.Redirect) { // RFC 8616 section 4: there can't be such a domain
		return authres.PermError, ErrNoInclude
	}
	next, err := e.target(ctx, rec.Redirect, domain)
	if err != nil {
		return authres.PermError, err
	}
	if next, err = domainName(next); err != nil {
		return authres.PermError, ErrNoInclude
	}
	code, err = e.host(ctx, next)
	if code == authres.None { // section 6.1
		return authres.PermError, fmt.Errorf("%w: %s", ErrNoInclude, next)
	}
	return code, err
}

// record looks up the one record of a domain (sections 4.4 to 4.6).
func (e *eval) record(ctx context.Context, domain string) (*Record, authres.Code, error) {
	list, err := e.lookupTXT(ctx, domain)
	if err != nil && !signed.NotFound(err) {
		return nil, authres.TempError, fmt.Errorf("%w: %w", ErrLookup, err)
	}
	found := ""
	for _, s := range list {
		if !IsRecord(s) {
			continue
		}
		if found != "" {
			return nil, authres.PermError, ErrRecords
		}
		found = s
	}
	switch {
	case found == "":
		return nil, authres.None, ErrNoRecord
	case len(found) > e.lim.RecordBytes:
		return nil, authres.PermError, ErrTooLong
	}
	rec, err := Parse(found)
	if err != nil {
		return nil, authres.PermError, err
	}
	return rec, "", nil
}

// count counts a term that asks the DNS (section 4.6.4).
func (e *eval) count() error {
	if e.terms++; e.terms > e.lim.Lookups {
		return ErrLookups
	}
	return nil
}

// failed is what a lookup's error means: TempError, or nothing found.
func (e *eval) failed(err error) (authres.Code, error) {
	if !signed.NotFound(err) {
		return authres.TempError, fmt.Errorf("%w: %w", ErrLookup, err)
	}
	return e.void()
}

// void counts a lookup that found nothing (section 4.6.4).
func (e *eval) void() (authres.Code, error) {
	if e.voids++; e.voids > e.lim.VoidLookups {
		return authres.PermError, ErrVoid
	}
	return "", nil
}

// match tries one mechanism (section 5).
func (e *eval) match(ctx context.Context, t *Term, domain string) (bool, authres.Code, error) {
	switch t.Kind {
	case "all":
		return true, "", nil
	case "ip4", "ip6":
		return t.Prefix.Contains(e.ip), "", nil
	}
	if err := e.count(); err != nil {
		return false, authres.PermError, err
	}
	if !ascii(e.local) && namesLocal(t.Domain) { // RFC 8616 section 4: such terms match nothing
		return false, "", nil
	}
	name, err := e.target(ctx, t.Domain, domain)
	if err != nil {
		return false, authres.PermError, err
	}
	if ctx.Err() != nil { // section 4.6.4: while the macro p was looked up
		return false, authres.TempError, ErrLookup
	}
	if t.Kind == "include" {
		return e.include(ctx, name)
	}
	name, err = signed.ASCIIName(name)
	if err != nil { // a name that can't be: nothing is there (section 4.3)
		code, err := e.void()
		return false, code, err
	}
	switch t.Kind {
	case "a":
		return e.matchHost(ctx, name, t)
	case "mx":
		return e.matchMX(ctx, name, t)
	case "exists":
		list, err := e.lookupIP(ctx, "ip4", name)
		if err != nil {
			code, err := e.failed(err)
			return false, code, err
		}
		return len(list) > 0, "", nil
	default: // ptr
		names := e.clientNames(ctx)
		if ctx.Err() != nil { // an error of the DNS doesn't match (section 5.5), but time that is over ends the check (4.6.4)
			return false, authres.TempError, ErrLookup
		}
		for _, n := range names {
			if signed.Within(n, name) {
				return true, "", nil
			}
		}
		return false, "", nil
	}
}

// include is section 5.2's table.
func (e *eval) include(ctx context.Context, name string) (bool, authres.Code, error) {
	name, err := domainName(name)
	if err != nil {
		return false, authres.PermError, ErrNoInclude
	}
	exp, expDomain := e.exp, e.expDomain
	code, err := e.host(ctx, name)
	e.exp, e.expDomain = exp, expDomain
	switch code {
	case authres.Pass:
		return true, "", nil
	case authres.TempError, authres.PermError:
		return false, code, err
	case authres.None:
		return false, authres.PermError, fmt.Errorf("%w: %s", ErrNoInclude, name)
	}
	return false, "", nil
}
