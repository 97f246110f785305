package dmarc

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// Checker finds policies and evaluates messages. It may be used by many goroutines at once.
type Checker struct {
	Resolver Resolver

	// Organizational, if not nil, finds organizational domains instead of the tree walk: by a public suffix list, as RFC 7489
	// section 3.2 has it.
	Organizational func(domain string) string

	Time    time.Duration // for all lookups of one message. 0: 20 s
	Domains int           // DKIM domains whose alignment is looked at. 0: 8
}

// Identities are what SPF and DKIM have authenticated.
type Identities struct {
	From []string // the domains of the From field, of all its addresses

	SPF       authres.Code // result for MAIL FROM, or for HELO where MAIL FROM was empty
	SPFDomain string
	DKIM      []DKIM
}

// DKIM is one signature.
type DKIM struct {
	Domain string // d=
	Result authres.Code
}

// Check finds the author's policy and evaluates the identities under it (sections 4.10 and 5.3). A message without exactly
// one author domain is PermError: the draft's section 5.3.1 leaves it to the receiver, and such a message is one that
// says of itself to be from somebody else than is shown.
func (c *Checker) Check(ctx context.Context, id Identities) *Result {
	r := &Result{Result: authres.None, Disposition: PolicyNone}
	domains := map[string]bool{}
	for _, d := range id.From {
		name, err := signed.ASCIIName(d)
		if err != nil {
			domains["\x00"] = true
			continue
		}
		domains[name] = true
		r.Domain = name
	}
	if len(domains) != 1 || domains["\x00"] {
		r.Result, r.Err = authres.PermError, ErrAuthor
		if len(domains) != 1 {
			r.Domain = ""
		}
		return r
	}
	limit := c.Time
	if limit <= 0 {
		limit = 20 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cache := map[string]*Record{}
	if err := c.discover(ctx, cache, r); err != nil {
		r.Err = err
		if errors.Is(err, ErrLookup) {
			r.Result = authres.TempError
		}
		return r
	}
	c.evaluate(ctx, cache, id, r)
	return r
}

func (c *Checker) evaluate(ctx context.Context, cache map[string]*Record, id Identities, r *Result) {
	var failed error // of a lookup, which matters only if nothing else passes
	temporary := id.SPF == authres.TempError && c.mayAlign(id.SPFDomain, r.Domain)
	aligned := func(domain string, strict bool) bool {
		ok, err := c.aligned(ctx, cache, domain, r, strict)
		if err != nil {
			failed = err
		}
		return ok
	}
	if id.SPF == authres.Pass {
		r.SPF = aligned(id.SPFDomain, r.Record.StrictSPF)
	}
	most := c.Domains
	if most <= 0 {
		most = 8
	}
	for _, d := range id.DKIM {
		switch d.Result {
		case authres.Pass:
			if most--; most >= 0 && !r.DKIM {
				r.DKIM = aligned(d.Domain, r.Record.StrictDKIM)
			}
		case authres.TempError:
			temporary = temporary || c.mayAlign(d.Domain, r.Domain)
		}
	}
	switch {
	case r.SPF || r.DKIM:
		r.Result = authres.Pass
	case failed != nil:
		r.Result, r.Err = authres.TempError, failed
	case temporary: // it might have passed
		r.Result, r.Err = authres.TempError, ErrLookup
	default:
		r.Result = authres.Fail
		r.Disposition = r.Policy
		if r.Record.Testing {
			r.Disposition = r.Policy.Weaker()
		}
	}
}

// mayAlign reports whether two domains could have one organizational domain: they end in the same label.
func (c *Checker) mayAlign(a, b string) bool {
	a, b = strings.TrimSuffix(a, "."), strings.TrimSuffix(b, ".")
	return strings.EqualFold(a[strings.LastIndexByte(a, '.')+1:], b[strings.LastIndexByte(b, '.')+1:])
}

// aligned is identifier alignment (section 4.4).
func (c *Checker) aligned(ctx context.Context, cache map[string]*Record, domain string, r *Result, strict bool) (bool, error) {
	name, err := signed.ASCIIName(domain)
	if err != nil {
		return false, nil
	}
	if name == r.Domain {
		return true, nil
	}
	if strict || !c.mayAlign(name, r.Domain) {
		return false, nil
	}
	if c.Organizational == nil && !signed.Within(name, r.OrgDomain) { // its own can only be another
		return false, nil
	}
	org, err := c.organizational(ctx, cache, name)
	return org == r.OrgDomain, err
}

// Temporary reports whether trying later may help.
func (r *Result) Temporary() bool { return r.Result == authres.TempError }

// Method returns the result as part of an Authentication-Results field (dmarcbis section 9.1).
func (r *Result) Method() authres.Method {
	m := authres.Method{Name: "dmarc", Result: r.Result}
	if r.Record != nil && r.Err == nil {
		m.Comment = "p=" + string(r.Policy)
	}
	if r.Err != nil && r.Result != authres.None {
		m.Reason = strings.TrimPrefix(r.Err.Error(), "dmarc: ")
		if r.Result == authres.TempError { // who our name servers are is nobody's business
			m.Reason = "lookup failed"
		}
	}
	if r.Domain != "" {
		m.Props = append(m.Props, authres.Property{Type: "header", Name: "from", Value: r.Domain})
	}
	if r.Record != nil && r.Err == nil {
		m.Props = append(m.Props, authres.Property{Type: "policy", Name: "dmarc", Value: string(r.Disposition)})
	}
	return m
}
