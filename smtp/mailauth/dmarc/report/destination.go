package report

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/buuta/mail/smtp/mailauth/dmarc"
)

// maxDestinations bounds where one report goes (RFC 7489 section 6.2: "MUST be able to send ... to at least two").
const maxDestinations = 5

// Destinations returns the addresses to which a report on a domain may be sent, of the URIs in its rua=: those of mailto within its own
// organization, and others that say that they want its reports (RFC 7489 section 7.1). What they say instead of an address counts
// if it is of the same host. later reports that some could not be asked now.
func Destinations(ctx context.Context, c *dmarc.Checker, domain string, uris []string) (to []string, later bool) {
	own, err := c.OrganizationalDomain(ctx, domain)
	if err != nil {
		return nil, true
	}
	for _, u := range uris {
		address, host, ok := mailto(u)
		if !ok {
			continue
		}
		org, err := c.OrganizationalDomain(ctx, host)
		if err != nil {
			later = true
			continue
		}
		if org != own {
			list, err := c.Resolver.LookupTXT(ctx, domain+"._report._dmarc."+host+".")
			if err != nil {
				var d *net.DNSError
				later = later || !errors.As(err, &d) || !d.IsNotFound
				continue
			}
			confirmed := false
			for _, s := range list {
				rec, err := dmarc.Parse(s)
				if err != nil {
					continue
				}
				confirmed = true
				if len(rec.AggregateTo) > 0 { // step 8
					a, h, ok := mailto(rec.AggregateTo[0])
					confirmed = ok && strings.EqualFold(h, host)
					address = a
				}
				break
			}
			if !confirmed {
				continue
			}
		}
		if len(to) < maxDestinations && !slices.Contains(to, address) {
			to = append(to, address)
		}
	}
	return to, later
}

// mailto returns the one address of a URI, and its domain.
func mailto(uri string) (address, host string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || !strings.EqualFold(u.Scheme, "mailto") {
		return "", "", false
	}
	address, err = url.PathUnescape(u.Opaque)
	at := strings.LastIndexByte(address, '@')
	if err != nil || at < 1 || at == len(address)-1 || strings.ContainsAny(address, ", \t\r\n<>\x00") {
		return "", "", false
	}
	return address, strings.ToLower(address[at+1:]), true
}
