package mailauth

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/internal/signed"
	"github.com/buuta/mail/smtp/mailauth/spf"
)

// Resolver is what is asked of the DNS, by several goroutines at once. *net.Resolver is one. Errors are *net.DNSError, of which IsNotFound means that the
// name or its records don't exist, and anything else that trying later may help. Names end in a dot. One that is a
// [dmarc.ExistenceResolver] too makes np= of DMARC exact. *net.Resolver asks for no name with other octets than letters, digits,
// "-", "_" and ".", so that macros of SPF which put others there, of a local part say, match nothing; package mx/dnssec has a
// Resolver that does, and is exact.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Limits bounds what a message can cost. The zero value is safe.
type Limits struct {
	SPF     spf.Limits
	DKIM    dkim.Limits   // its HeaderBytes is for the message, and its other limits for ARC's signatures too
	ARCSets int           // longest chain that is checked. 0: 50
	Time    time.Duration // for all that is asked of the DNS, once the message is read. 0: 60 s
}

// Verifier checks messages that came in. It may be used by many goroutines at once.
type Verifier struct {
	Resolver Resolver
	Limits   Limits
	Hostname string           // of this host, for SPF's explanations
	Now      func() time.Time // nil: time.Now

	// AllowPartial takes DKIM signatures whose l= leaves a part of the body open.
	AllowPartial bool
	// Organizational finds organizational domains for DMARC by other means than the tree walk.
	Organizational func(domain string) string
}

// Envelope is what is known of a message besides itself.
type Envelope struct {
	IP   netip.Addr // of the client
	Helo string     // what it said in HELO or EHLO
	From string     // MAIL FROM without "<>"; "" is the null reverse-path
}

// Results is what was found.
type Results struct {
	SPF   *spf.Result
	DKIM  []*dkim.Signature // from the top down
	DMARC *dmarc.Result
	ARC   *arc.Result

	// Authors are the domains of the From field's addresses, as written.
	Authors []string
	// IP is the client's address.
	IP netip.Addr
}

// Verify reads a message, header, empty line and body with CRLF line ends, to its end and checks it: SPF, DKIM and ARC at the same
// time, then DMARC. The error is one of
// reading, or [ErrHeaderTooLarge]: what the DNS or the message does wrong is in the results.
func (v *Verifier) Verify(ctx context.Context, message io.Reader, env Envelope) (*Results, error) {
	var header signed.Header
	var dk *dkim.Checks
	var chain *arc.Check
	rest, err := signed.Read(message, v.Limits.DKIM.WithDefaults().HeaderBytes, func(h signed.Header, bodies *signed.Bodies) {
		header = h
		dk = (&dkim.Verifier{Resolver: v.Resolver, Limits: v.Limits.DKIM, Now: v.Now, AllowPartial: v.AllowPartial}).Begin(h, bodies)
		chain = (&arc.Verifier{Resolver: v.Resolver, Limits: v.Limits.DKIM, Sets: v.Limits.ARCSets, Now: v.Now}).Begin(h, bodies)
	})
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return nil, err
	}
	limit := v.Limits.Time
	if limit <= 0 {
		limit = time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	out := &Results{IP: env.IP.Unmap(), Authors: authors(header)}
	sp := &spf.Checker{Resolver: v.Resolver, Limits: v.Limits.SPF, Hostname: v.Hostname, Now: v.Now}
	var wg sync.WaitGroup // each waits for the DNS most of its time
	wg.Go(func() { out.SPF = sp.Check(ctx, env.IP, env.Helo, env.From) })
	wg.Go(func() { out.ARC = chain.Finish(ctx) })
	out.DKIM = dk.Finish(ctx)
	wg.Wait()
	id := dmarc.Identities{From: out.Authors, SPF: out.SPF.Result, SPFDomain: out.SPF.Domain}
	for _, s := range out.DKIM {
		id.DKIM = append(id.DKIM, dmarc.DKIM{Domain: s.Domain, Result: s.Result})
	}
	out.DMARC = (&dmarc.Checker{Resolver: v.Resolver, Organizational: v.Organizational}).Check(ctx, id)
	return out, nil
}

// ErrHeaderTooLarge says that a message's header is longer than the limit.
var ErrHeaderTooLarge = signed.ErrHeaderTooLarge

// maxAuthors bounds the addresses of the From fields that are looked at.
const maxAuthors = 100

// authors returns the domains of all addresses in all From fields: a reader may be shown any of them. What can't be read is
// an author without a domain.
func authors(h signed.Header) []string {
	var out []string
	for _, f := range h.All("From") {
		list, _ := mime.ParseAddressList(f.Value())
		n := len(out)
		for _, a := range list {
			if a.Kind == mime.AddressMailbox && len(out) < maxAuthors {
				out = append(out, a.Host)
			}
		}
		if len(out) == n && len(out) < maxAuthors {
			out = append(out, "")
		}
	}
	return out
}

// Authentication returns the Authentication-Results field of what was found. servID is our authserv-id.
func (r *Results) Authentication(servID string) *authres.Results {
	a := &authres.Results{ServID: servID, Methods: []authres.Method{r.SPF.Method()}}
	for _, s := range r.DKIM {
		a.Methods = append(a.Methods, s.Method())
	}
	if len(r.DKIM) == 0 {
		a.Methods = append(a.Methods, authres.Method{Name: "dkim", Result: authres.None})
	}
	a.Methods = append(a.Methods, r.DMARC.Method())
	m := r.ARC.Method()
	if r.IP.IsValid() && m.Result != authres.None {
		m.Props = append(m.Props, authres.Property{Type: "smtp", Name: "remote-ip", Value: r.IP.String()})
	}
	a.Methods = append(a.Methods, m)
	return a
}

// Temporary reports whether something could not be found out now and may be later: DMARC, as that is what a decision rests on.
func (r *Results) Temporary() bool { return r.DMARC.Temporary() }

// String is one line for a log.
func (r *Results) String() string {
	return fmt.Sprintf("spf=%s dkim=%s dmarc=%s arc=%s", r.SPF.Result, r.best(), r.DMARC.Result, r.ARC.Result)
}

func (r *Results) best() authres.Code {
	code := authres.None
	for _, s := range r.DKIM {
		if s.Result == authres.Pass {
			return s.Result
		}
		code = s.Result
	}
	return code
}
