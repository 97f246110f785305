// Package arc verifies and seals Authenticated Received Chains (RFC 8617): what those who passed a message on say they had
// found when they got it.
package arc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// MaxSets is how many sets a chain may have (section 4.2.1).
const MaxSets = 50

// Verifier checks chains. It may be used by many goroutines at once.
type Verifier struct {
	Resolver dkim.Resolver
	Limits   dkim.Limits      // of the signatures; Signatures doesn't count here
	Sets     int              // longest chain that is checked. 0: MaxSets
	Now      func() time.Time // nil: time.Now
}

// Result is what became of a message's chain.
type Result struct {
	Result authres.Code // None, Pass, Fail. All errors are Fail, those of the DNS too (section 5.2.1)
	Err    error        // why it is Fail

	// Sets are the sets of the chain, from i=1, as far as it is well formed.
	Sets []Set
	// OldestPass is the instance of the oldest message signature that still holds; 0 if all do (section 5.2, step 5).
	OldestPass int
}

// Set is what one who passed the message on has added.
type Set struct {
	Instance int
	Domain   string           // d= of the ARC-Seal: who sealed
	Selector string           // s=
	CV       authres.Code     // what he found of the chain before him
	Results  *authres.Results // ARC-Authentication-Results; nil if it can't be read

	aar, ams, as int // places in the header; -1 for none
	seal         signed.Tags
}

// The reasons for Fail.
var (
	ErrStructure = errors.New("arc: the chain is broken")
	ErrTooMany   = errors.New("arc: too many sets")
	ErrCV        = errors.New("arc: the chain has failed before")
	ErrMessage   = errors.New("arc: message signature did not verify")
	ErrSeal      = errors.New("arc: seal did not verify")
)

func fail(err error, format string, args ...any) error {
	return fmt.Errorf("%w: %s", err, fmt.Sprintf(format, args...))
}

// Verify reads a message and checks its chain. The error is that of reading.
func (v *Verifier) Verify(ctx context.Context, message io.Reader) (*Result, error) {
	var c *Check
	_, err := signed.Read(message, v.Limits.WithDefaults().HeaderBytes, func(h signed.Header, bodies *signed.Bodies) { c = v.Begin(h, bodies) })
	if err != nil {
		return nil, err
	}
	return c.Finish(ctx), nil
}

// Check is a chain whose message's body is being read.
type Check struct {
	v    *Verifier
	h    signed.Header
	res  *Result
	msgs []*dkim.Checks // by set
}

// Begin collects the chain of a header and asks for the body hashes of its message signatures. It is for package mailauth,
// which reads the body for something else too: others have [Verifier.Verify].
func (v *Verifier) Begin(h signed.Header, bodies *signed.Bodies) *Check {
	c := &Check{v: v, h: h, res: &Result{}}
	c.res.Sets, _, c.res.Err = collect(h, v.Sets)
	switch {
	case c.res.Err != nil:
		c.res.Result = authres.Fail
	case len(c.res.Sets) == 0:
		c.res.Result = authres.None
	default:
		dk := &dkim.Verifier{Resolver: v.Resolver, Limits: v.Limits, Now: v.Now}
		for _, s := range c.res.Sets {
			c.msgs = append(c.msgs, dk.BeginARC(h, s.ams, bodies))
		}
	}
	return c
}

// Finish looks up the keys and checks the signatures, after the body was read (section 5.2, steps 4 to 7).
func (c *Check) Finish(ctx context.Context) *Result {
	r := c.res
	if r.Result != "" {
		return r
	}
	n := len(r.Sets)
	r.Result = authres.Fail
	if s := c.msgs[n-1].Finish(ctx)[0]; s.Result != authres.Pass {
		r.Err = fmt.Errorf("%w: i=%d: %w", ErrMessage, n, s.Err)
		return r
	}
	for i := n - 1; i >= 1; i-- {
		if s := c.msgs[i-1].Finish(ctx)[0]; s.Result != authres.Pass {
			r.OldestPass = i + 1
			break
		}
	}
	for i := n; i >= 1; i-- {
		if err := c.seal(ctx, i); err != nil {
			r.Err = fmt.Errorf("%w: i=%d: %w", ErrSeal, i, err)
			return r
		}
	}
	r.Result = authres.Pass
	return r
}

// Method returns the result as part of an Authentication-Results field (section 6).
func (r *Result) Method() authres.Method {
	m := authres.Method{Name: "arc", Result: r.Result}
	if r.Err != nil {
		reason, _, lookup := strings.Cut(r.Err.Error(), dkim.ErrLookup.Error())
		if lookup { // who our name servers are is nobody's business
			reason += dkim.ErrLookup.Error()
		}
		m.Reason = strings.TrimPrefix(reason, "arc: ")
	}
	if r.Result == authres.Pass {
		m.Comment = fmt.Sprintf("i=%d", len(r.Sets))
		m.Props = []authres.Property{{Type: "header", Name: "oldest-pass", Value: strconv.Itoa(r.OldestPass)}}
	}
	return m
}
