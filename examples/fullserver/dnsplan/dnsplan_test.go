package dnsplan_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/dnsplan"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// zone answers from a zone in memory, and for SRV from a list.
type zone struct {
	*mailauthtest.Zone
	srv map[string]*net.SRV
}

func (z zone) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	if v := z.srv[name]; v != nil {
		return name, []*net.SRV{v}, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func site(public ...ed25519.PublicKey) *dnsplan.Site {
	s := &dnsplan.Site{Hostname: "mail.example.org", Domains: []string{"example.org"}, Services: []dnsplan.Service{{Name: "imaps", Port: 993}}, Autoconfig: true, Autodiscover: 443,
		STS: "v=STSv1; id=1;", STSFor: []string{"example.org"}, TLSReport: "mailto:tls@example.org"}
	for _, p := range public {
		s.Keys = append(s.Keys, dnsplan.Key{Domain: "example.org", Selector: "2026", Public: p})
	}
	return s
}

// What is printed for the zone file, published as it is, is all that the check wants.
func TestAsPublished(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s := site(public)
	s.Addrs = []netip.Addr{netip.MustParseAddr("192.0.2.25"), netip.MustParseAddr("2001:db8::25")}
	var b strings.Builder
	s.Zone(&b, "en")
	var text strings.Builder
	srv := map[string]*net.SRV{}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, ";") {
			continue
		}
		rr, err := dns.NewRR(line) // another's parser reads it
		require.NoError(t, err, line)
		switch v := rr.(type) {
		case *dns.SRV:
			srv[strings.TrimSuffix(v.Hdr.Name, ".")] = &net.SRV{Target: v.Target, Port: v.Port}
		case *dns.CNAME:
			fmt.Fprintf(&text, "%s A 192.0.2.25\n", strings.TrimSuffix(v.Hdr.Name, "."))
		case *dns.TXT:
			fmt.Fprintf(&text, "%s TXT %s\n", strings.TrimSuffix(v.Hdr.Name, "."), strings.Join(v.Txt, ""))
		default:
			f := strings.Fields(strings.Split(line, "\t")[0])
			for i := range f {
				f[i] = strings.TrimSuffix(f[i], ".")
			}
			fmt.Fprintln(&text, strings.Join(f, " "))
		}
	}
	require.Contains(t, b.String(), "; 25.2.0.192.in-addr.arpa. PTR mail.example.org.")
	require.Contains(t, b.String(), "; 5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.example.org.")
	z := zone{mailauthtest.MustParse(text.String() + "192.0.2.25 PTR mail.example.org\n2001:db8::25 PTR mail.example.org\n"), srv}
	var out strings.Builder
	require.Zero(t, s.Report(t.Context(), z, &out, "en"), out.String())
	require.NotRegexp(t, `(?m)^(MISSING|DIFFERS)`, out.String())
	require.Contains(t, out.String(), "The DNS says all that it should.")

	late := site(public)
	require.NoError(t, late.Fill(t.Context(), z))
	require.Equal(t, s.Addrs, late.Addrs, "without -ip the DNS says where the server is")
}

// Each thing that can be wrong is told with what should be there.
func TestWrong(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	other, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	good := []string{"mail.example.org A 192.0.2.25", "192.0.2.25 PTR mail.example.org", "example.org MX 10 mail.example.org", "example.org TXT v=spf1 mx -all",
		"2026._domainkey.example.org TXT " + key, "_dmarc.example.org TXT v=DMARC1; p=reject", "_mta-sts.example.org TXT v=STSv1; id=7;", "mta-sts.example.org A 192.0.2.25",
		"_smtp._tls.example.org TXT v=TLSRPTv1; rua=mailto:x@y.test"}
	for _, c := range []struct {
		line int // of good, which is replaced
		by   string
		bad  int
		want string
	}{
		{-1, "", 0, "The DNS says all"},
		{1, "192.0.2.25 PTR host-25.provider.test", 1, "DIFFERS  192.0.2.25 PTR"},
		{1, "", 1, "MISSING  192.0.2.25 PTR"},
		{2, "example.org MX 10 mail.elsewhere.test", 2, "DIFFERS  example.org MX: where mail for the domain goes\n         mail.elsewhere.test\n         should be: example.org. MX 10 mail.example.org.\n"},
		{2, "example.org MX 10 mail.example.org\nexample.org MX 20 backup.test", 0, "mail goes to other hosts too"},
		{2, "", 2, "MISSING  example.org MX"}, // and mx in SPF says nothing
		{3, "example.org TXT v=spf1 ip4:192.0.2.1 -all", 1, "it does not allow this server's address"},
		{3, "example.org TXT v=spf1 mx -all\nexample.org TXT v=spf1 a -all", 1, "there are several, so none of them counts"},
		{3, "example.org TXT google-site-verification=x", 1, `should be: example.org. TXT "v=spf1 mx -all"`},
		{4, "2026._domainkey.example.org TXT v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(other), 1, "the key is another one"},
		{4, "2026._domainkey.example.org TXT v=DKIM1; p=", 1, "the key is another one"},
		{5, "_dmarc.example.org TXT v=DMARC1; p=none", 0, "it asks for nothing to be done"},
		{5, "", 1, "MISSING  _dmarc.example.org TXT"},
		{8, "autoconfig.example.org A 192.0.2.99", 0, "DIFFERS  autoconfig.example.org CNAME: where users' programs ask how to reach it\n         192.0.2.99\n"},
		{8, "", 0, "DIFFERS  _autodiscover._tcp.example.org SRV: where users' programs ask how to reach it\n         0 0 8443 mail.example.org\n"}, // the port counts
		{7, "mta-sts.example.org A 192.0.2.99", 0, "DIFFERS  mta-sts.example.org CNAME"},
		{8, "", 0, "MISSING  _smtp._tls.example.org TXT"},
	} {
		lines := append([]string(nil), good...)
		if c.line >= 0 {
			lines[c.line] = c.by
		}
		s := site(public)
		z := zone{mailauthtest.MustParse(strings.Join(lines, "\n") + "\n"), map[string]*net.SRV{"_imaps._tcp.example.org": {Target: "mail.example.org.", Port: 993}, "_autodiscover._tcp.example.org": {Target: "mail.example.org.", Port: 8443}}}
		require.NoError(t, s.Fill(t.Context(), z))
		var out strings.Builder
		require.Equal(t, c.bad, s.Report(t.Context(), z, &out, "en"), out.String())
		require.Contains(t, out.String(), c.want)
		out.Reset()
		s.Report(t.Context(), z, &out, "vi")
		require.NotContains(t, out.String(), "%!")
		require.Regexp(t, `(?m)^(đúng|THIẾU|KHÁC) `, out.String())
	}
}

// A long key is written in pieces (RFC 1035 section 3.3: "<character-string> … can be up to 256 characters in length (including the length octet)").
func TestLongKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	s := &dnsplan.Site{Hostname: "mail.example.org", Domains: []string{"example.org"}, Keys: []dnsplan.Key{{Domain: "Example.org", Selector: "a", Public: key.Public()}}}
	for _, r := range s.Records() {
		if r.Kind != dnsplan.Sign {
			continue
		}
		rr, err := dns.NewRR(r.Line())
		require.NoError(t, err)
		pieces := rr.(*dns.TXT).Txt
		require.Greater(t, len(pieces), 1)
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		require.NoError(t, err)
		require.Equal(t, "v=DKIM1; k=rsa; p="+base64.StdEncoding.EncodeToString(der), strings.Join(pieces, ""))
		return
	}
	t.Fatal("no record for the key")
}
