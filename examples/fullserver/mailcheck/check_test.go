package mailcheck_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"github.com/buuta/mail/examples/fullserver/mailcheck"
	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/arc"
	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/dkim"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/stretchr/testify/require"
)

// RFC 8617 section 7.2.1: what a list has changed is judged by what it found, if it is one that is believed.
func TestSealed(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32))
	p := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	dns := mailauthtest.MustParse("_dmarc.author.test TXT v=DMARC1; p=reject; rua=mailto:r@author.test\ns._domainkey.list.test TXT v=DKIM1; k=ed25519; p=" + p +
		"\ns._domainkey.other.test TXT v=DKIM1; k=ed25519; p=" + p)
	const original = "From: a@author.test\r\nSubject: [list] x\r\n\r\nHello\r\n"
	seal := func(domain string, found authres.Code, message string) string {
		chain, err := (&arc.Verifier{Resolver: dns}).Verify(t.Context(), strings.NewReader(message))
		require.NoError(t, err)
		f, err := arc.Seal(strings.NewReader(message), &dkim.Signer{Domain: domain, Selector: "s", Key: key},
			&authres.Results{ServID: domain, Methods: []authres.Method{{Name: "dmarc", Result: found}}}, chain, dkim.Limits{})
		require.NoError(t, err)
		return f + message
	}
	list := seal("list.test", authres.Pass, original)
	for name, c := range map[string]struct {
		message string
		sealers []string
		junk    bool
	}{
		"no seal":                  {original, []string{"list.test"}, true},
		"believed":                 {list, []string{"list.test"}, false},
		"nobody is believed":       {list, nil, true},
		"another is":               {list, []string{"other.test"}, true},
		"it failed there too":      {seal("list.test", authres.Fail, original), []string{"list.test"}, true},
		"changed since":            {strings.Replace(list, "Hello", "Hallo", 1), []string{"list.test"}, true},
		"two, and both are":        {seal("other.test", authres.Fail, list), []string{"list.test", "other.test"}, false},
		"two, and one is":          {seal("other.test", authres.Pass, list), []string{"list.test"}, true},
		"two, and the first isn't": {seal("list.test", authres.Pass, seal("other.test", authres.Pass, original)), []string{"list.test"}, true},
	} {
		counted := &report.Collector{}
		check := &mailcheck.Checker{Verifier: &mailauth.Verifier{Resolver: dns}, ServID: "mx.here.test", Junk: true, Sealers: c.sealers, Reports: counted}
		v, err := check.Check(t.Context(), strings.NewReader(c.message), mailauth.Envelope{IP: netip.MustParseAddr("192.0.2.1"), From: "b@list.test"})
		require.NoError(t, err, name)
		require.Equal(t, c.junk, strings.HasPrefix(v.Fields, "X-Junk-Reason: "), name)
		require.Equal(t, !c.junk, strings.Contains(v.Text, "(sealed by "), name)
		row := counted.TakeAll()[0].Feedback.Records[0].Row
		require.Equal(t, map[bool]string{true: "local_policy", false: "trusted_forwarder"}[c.junk], row.Reasons[0].Type, name)
	}
}
