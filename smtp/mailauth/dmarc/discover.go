package dmarc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/internal/signed"
)

// step is one name that a tree walk has asked for, with the record found there.
type step struct {
	domain string
	record *Record
}

// walk is the DNS tree walk (section 4.10): at most eight queries, from the name upwards. It returns the names with a record.
func (c *Checker) walk(ctx context.Context, cache map[string]*Record, domain string) ([]step, error) {
	var found []step
	for target := domain; target != ""; {
		rec, err := c.lookup(ctx, cache, target)
		if err != nil {
			return nil, err
		}
		if rec != nil {
			found = append(found, step{target, rec})
			if rec.PSD != "u" {
				break
			}
		}
		target = parent(target)
	}
	return found, nil
}

// parent takes a label away, or as many as leave seven (steps 4 and 7).
func parent(domain string) string {
	for n := strings.Count(domain, ".") + 1; ; n-- {
		_, rest, _ := strings.Cut(domain, ".")
		domain = rest
		if n <= 8 {
			return domain
		}
	}
}

// lookup gets the record of one name, nil where there isn't exactly one (steps 2 and 6).
func (c *Checker) lookup(ctx context.Context, cache map[string]*Record, domain string) (*Record, error) {
	if rec, ok := cache[domain]; ok {
		return rec, nil
	}
	list, err := c.Resolver.LookupTXT(ctx, "_dmarc."+domain+".") // from the root, not below our own domain
	if err != nil && !signed.NotFound(err) {
		return nil, fmt.Errorf("%w: %w", ErrLookup, err)
	}
	var rec *Record
	n := 0
	for _, s := range list {
		if IsRecord(s) {
			n++
			rec, _ = Parse(s)
		}
	}
	if n != 1 {
		rec = nil
	}
	cache[domain] = rec
	return rec, nil
}

// organization selects the organizational domain from what a walk that began at domain has found (section 4.10.2).
func organization(domain string, found []step) string {
	for _, s := range found {
		if s.record.PSD == "n" {
			return s.domain
		}
		if s.record.PSD == "y" && s.domain != domain {
			below := strings.TrimSuffix(domain, "."+s.domain)
			return below[strings.LastIndexByte(below, '.')+1:] + "." + s.domain
		}
	}
	if len(found) == 0 {
		return domain
	}
	return found[len(found)-1].domain
}

// OrganizationalDomain finds the organizational domain of a domain by the tree walk.
func (c *Checker) OrganizationalDomain(ctx context.Context, domain string) (string, error) {
	name, err := signed.ASCIIName(domain)
	if err != nil {
		return "", err
	}
	return c.organizational(ctx, map[string]*Record{}, name)
}

func (c *Checker) organizational(ctx context.Context, cache map[string]*Record, domain string) (string, error) {
	if c.Organizational != nil {
		return c.Organizational(domain), nil
	}
	found, err := c.walk(ctx, cache, domain)
	if err != nil {
		return "", err
	}
	return organization(domain, found), nil
}

// discover finds the record that applies (section 4.10.1): of the author domain, its organizational domain, or the public
// suffix domain.
func (c *Checker) discover(ctx context.Context, cache map[string]*Record, r *Result) error {
	var found []step
	var err error
	if c.Organizational != nil { // RFC 7489 section 6.6.3: two queries
		r.OrgDomain = c.Organizational(r.Domain)
		for _, d := range []string{r.Domain, r.OrgDomain} {
			rec, err := c.lookup(ctx, cache, d)
			if err != nil {
				return err
			}
			if rec != nil {
				found = append(found, step{d, rec})
				break
			}
		}
	} else if found, err = c.walk(ctx, cache, r.Domain); err != nil {
		return err
	} else {
		r.OrgDomain = organization(r.Domain, found)
	}
	pick := step{}
	for _, s := range found {
		if s.domain == r.Domain {
			pick = s
			break
		}
		if s.domain == r.OrgDomain || s.record.PSD == "y" && pick.record == nil {
			pick = s
			break
		}
	}
	if pick.record == nil {
		return ErrNoRecord
	}
	r.PolicyDomain, r.Record = pick.domain, pick.record
	if pick.record.Invalid {
		return ErrRecord
	}
	r.Policy = pick.record.Policy
	if pick.domain == r.Domain {
		return nil
	}
	if pick.record.Subdomain != "" {
		r.Policy = pick.record.Subdomain
	}
	if np := pick.record.NonExistent; np != "" && np != r.Policy {
		there, err := c.exists(ctx, r.Domain)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLookup, err)
		}
		if !there {
			r.Policy = np
		}
	}
	return nil
}

type hostResolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

func (c *Checker) exists(ctx context.Context, domain string) (bool, error) {
	domain += "."
	if e, ok := c.Resolver.(ExistenceResolver); ok {
		return e.Exists(ctx, domain)
	}
	hosts, ok := c.Resolver.(hostResolver)
	if !ok {
		return true, nil
	}
	_, err := hosts.LookupNetIP(ctx, "ip", domain)
	if err == nil || !signed.NotFound(err) {
		return err == nil, err
	}
	if _, err = hosts.LookupMX(ctx, domain); err == nil || !signed.NotFound(err) {
		return err == nil, err
	}
	return false, nil
}
