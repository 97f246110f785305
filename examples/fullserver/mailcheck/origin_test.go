package mailcheck_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/stretchr/testify/require"
)

// A report goes to the reverse-path, so it is that domain which must vouch for the message, whoever its author is. RFC 7208 section 2.6.4: "fail" "is an
// explicit statement that the client is not authorized to use the domain in the given identity"; section 2.6.5: "softfail" is "a weak statement".
func TestOrigin(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	record := "TXT v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + "\n"
	dns := mailauthtest.MustParse(`
		ours.test         TXT  v=spf1 ip4:192.0.2.1 -all
		others.test       TXT  v=spf1 ip4:192.0.2.99 -all
		perhaps.test      TXT  v=spf1 ip4:192.0.2.99 ~all
		_dmarc.strict.test TXT v=DMARC1; p=reject
		_dmarc.lax.test   TXT  v=DMARC1; p=none
` + "s._domainkey.strict.test " + record + "s._domainkey.others.test " + record + "s._domainkey.esp.test " + record)
	signed := func(domain, author string) string {
		message := "From: a@" + author + "\r\nSubject: x\r\n\r\nHello\r\n"
		if domain == "" {
			return message
		}
		field, err := dkim.Sign(strings.NewReader(message), 0, &dkim.Signer{Domain: domain, Selector: "s", Key: key})
		require.NoError(t, err)
		return field + message
	}
	for name, c := range map[string]struct {
		from, signer, author string
		want                 mail.Origin
	}{
		"SPF passes":                             {"a@ours.test", "", "strict.test", mail.OriginVerified},
		"SPF fails":                              {"a@OTHERS.test", "", "ours.test", mail.OriginForged},
		"SPF fails, a signature doesn't":         {"a@others.test", "others.test", "others.test", mail.OriginVerified},
		"SPF fails, somebody else signs":         {"a@others.test", "esp.test", "esp.test", mail.OriginForged},
		"SPF softfails":                          {"a@perhaps.test", "", "perhaps.test", mail.OriginNeutral},
		"nobody says anything":                   {"a@nothing.test", "", "nothing.test", mail.OriginNeutral},
		"DMARC fails":                            {"a@strict.test", "", "strict.test", mail.OriginForged},
		"DMARC passes":                           {"a@strict.test", "strict.test", "strict.test", mail.OriginVerified},
		"DMARC passes, for another author":       {"a@nothing.test", "strict.test", "strict.test", mail.OriginNeutral},
		"DMARC fails, where the owner minds not": {"a@lax.test", "", "lax.test", mail.OriginNeutral},
		"DMARC fails, of another author":         {"a@nothing.test", "", "strict.test", mail.OriginNeutral},
		"a domain above signs":                   {"a@bounces.strict.test", "strict.test", "strict.test", mail.OriginVerified},
		"a domain whose name ends alike signs":   {"a@evilstrict.test", "strict.test", "strict.test", mail.OriginNeutral},
		"the null sender":                        {"", "", "strict.test", mail.OriginUnknown},
	} {
		check := &mailcheck.Checker{Verifier: &mailauth.Verifier{Resolver: dns}, ServID: "mx.here.test"}
		v, err := check.Check(t.Context(), strings.NewReader(signed(c.signer, c.author)), mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), From: c.from, Helo: "c.test"})
		require.NoError(t, err, name)
		require.Equal(t, c.want, v.Origin, name)
	}
}
