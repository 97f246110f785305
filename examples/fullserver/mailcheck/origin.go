package mailcheck

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
)

// origin says how sure it is that a message came from its reverse-path, to which reports would go: whether the domain of that vouches
// for it, by SPF or by a signature of its own or of one above it, or speaks against it, by SPF's "fail" (RFC 7208 section 8.4) or, where the author
// is at the same domain, by DMARC. "softfail" is "a weak statement" (section 8.5), and what can't be found out says nothing.
func origin(r *mailauth.Results, from string) mail.Origin {
	at := strings.LastIndexByte(from, '@')
	if at < 0 {
		return mail.OriginUnknown // to the null sender nothing goes
	}
	domain := strings.ToLower(from[at+1:])
	author := strings.EqualFold(r.DMARC.Domain, domain)
	switch {
	case r.SPF.Result == authres.Pass && !r.SPF.Helo, author && r.DMARC.Result == authres.Pass:
		return mail.OriginVerified
	}
	for _, s := range r.DKIM {
		d := strings.ToLower(s.Domain)
		if s.Result == authres.Pass && d != "" && strings.Contains(d, ".") && (d == domain || strings.HasSuffix(domain, "."+d)) {
			return mail.OriginVerified
		}
	}
	if r.SPF.Result == authres.Fail || author && r.DMARC.Result == authres.Fail && r.DMARC.Disposition != dmarc.PolicyNone {
		return mail.OriginForged
	}
	return mail.OriginNeutral
}
