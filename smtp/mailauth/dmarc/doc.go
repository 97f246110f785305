// Package dmarc finds the DMARC policy of a message's author and says whether SPF and DKIM speak for him: RFC 7489 as revised by
// draft-ietf-dmarc-dmarcbis (tree walk instead of a public suffix list; np, psd and t; no pct).
package dmarc

import (
	"context"
	"errors"

	"github.com/buuta/mail/smtp/mailauth/authres"
)

// Resolver is what is asked of the DNS. *net.Resolver is one. Errors are *net.DNSError, of which IsNotFound means that the
// name or its records don't exist, and anything else that trying later may help.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// ExistenceResolver is a [Resolver] that can tell a name that doesn't exist (NXDOMAIN) from one without records of a kind,
// which np= needs (section 3.2.13). Without it a domain exists if it has addresses or mail exchangers, as RFC 9091 had it, where
// the Resolver can look those up, and always where it can't.
type ExistenceResolver interface {
	Exists(ctx context.Context, name string) (bool, error)
}

// Policy is what a domain owner wants done with mail that fails.
type Policy string

// The policies.
const (
	PolicyNone       Policy = "none"
	PolicyQuarantine Policy = "quarantine"
	PolicyReject     Policy = "reject"
)

// Weaker returns the policy one level below, which t=y asks for.
func (p Policy) Weaker() Policy {
	if p == PolicyReject {
		return PolicyQuarantine
	}
	return PolicyNone
}

// The reasons for the results.
var (
	ErrNoRecord = errors.New("dmarc: no record")                      // None
	ErrRecord   = errors.New("dmarc: the record has no valid policy") // None: no DMARC processing (section 4.10.1)
	ErrSyntax   = errors.New("dmarc: no DMARC record")                // of Parse
	ErrAuthor   = errors.New("dmarc: not exactly one author domain")  // None, or PermError
	ErrLookup   = errors.New("dmarc: lookup failed")                  // TempError
)

// Result is what was found for a message.
type Result struct {
	Result authres.Code // Pass, Fail, None, TempError, PermError
	Err    error        // why it is None, TempError or PermError

	Domain       string // the author domain: of the From field
	PolicyDomain string // where the record was found
	OrgDomain    string // organizational domain of Domain
	Record       *Record

	// Policy is what applies to the message if it fails: of p=, sp= or np=. With t=y in the record Disposition is weaker.
	Policy Policy
	// Disposition is what the owner wants done: PolicyNone for what passes.
	Disposition Policy

	SPF, DKIM bool // which of them passed and is aligned
}
