package dmarc_test

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

// Section 4.10: "for a message with the arbitrary Author Domain of "a.b.c.d.e.f.g.h.i.j.mail.example.com", a full DNS Tree Walk
// would require the following eight queries".
func TestWalk(t *testing.T) {
	zone := mailauthtest.MustParse("")
	r := (&dmarc.Checker{Resolver: zone}).Check(t.Context(), dmarc.Identities{From: []string{"a.b.c.d.e.f.g.h.i.j.mail.example.com"}})
	require.ErrorIs(t, r.Err, dmarc.ErrNoRecord)
	require.Equal(t, []string{
		"TXT _dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
		"TXT _dmarc.g.h.i.j.mail.example.com",
		"TXT _dmarc.h.i.j.mail.example.com",
		"TXT _dmarc.i.j.mail.example.com",
		"TXT _dmarc.j.mail.example.com",
		"TXT _dmarc.mail.example.com",
		"TXT _dmarc.example.com",
		"TXT _dmarc.com",
	}, zone.Queries())
}

// A name is asked for once a message, and DKIM domains whose signatures anybody can add are looked at up to a limit.
func TestQueries(t *testing.T) {
	zone := mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=reject")
	id := dmarc.Identities{From: []string{"a.example.com"}, SPF: pass, SPFDomain: "b.example.com"}
	for range 100 {
		id.DKIM = append(id.DKIM, dmarc.DKIM{Domain: "evil.example.org", Result: pass})
	}
	r := (&dmarc.Checker{Resolver: zone}).Check(t.Context(), id)
	require.Equal(t, pass, r.Result)
	require.True(t, r.SPF)
	require.Equal(t, []string{"TXT _dmarc.a.example.com", "TXT _dmarc.example.com", "TXT _dmarc.com", "TXT _dmarc.b.example.com"}, zone.Queries())
	id.DKIM = append(id.DKIM, dmarc.DKIM{Domain: "a.example.com", Result: pass})
	require.False(t, (&dmarc.Checker{Resolver: zone}).Check(t.Context(), id).DKIM)
	require.True(t, (&dmarc.Checker{Resolver: zone, Domains: 101}).Check(t.Context(), id).DKIM)
}

// RFC 7489 section 3.2 and 6.6.3: a public suffix list and two queries.
func TestPublicSuffixList(t *testing.T) {
	list := func(domain string) string {
		labels := strings.Split(domain, ".")
		return strings.Join(labels[max(len(labels)-2, 0):], ".")
	}
	zone := mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=reject; sp=quarantine\n_dmarc.b.example.com TXT v=DMARC1; p=none")
	c := &dmarc.Checker{Resolver: zone, Organizational: list}
	r := c.Check(t.Context(), dmarc.Identities{From: []string{"a.b.example.com"}, SPF: pass, SPFDomain: "x.example.org"})
	require.Equal(t, fail, r.Result)
	require.Equal(t, quarantine, r.Policy)
	require.Equal(t, []string{"TXT _dmarc.a.b.example.com", "TXT _dmarc.example.com"}, zone.Queries())
	r = c.Check(t.Context(), dmarc.Identities{From: []string{"a.b.example.com"}, SPF: pass, SPFDomain: "x.example.com"})
	require.Equal(t, pass, r.Result)
	org, err := c.OrganizationalDomain(t.Context(), "a.B.example.com.")
	require.NoError(t, err)
	require.Equal(t, "example.com", org)
}

// hosts is a resolver that can't tell whether a name exists, but for its addresses and exchangers, as *net.Resolver is.
type hosts struct{ z *mailauthtest.Zone }

func (h hosts) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return h.z.LookupTXT(ctx, name)
}
func (h hosts) LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error) {
	return h.z.LookupNetIP(ctx, network, host)
}
func (h hosts) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return h.z.LookupMX(ctx, name)
}

// RFC 9091 section 2.7: a domain is non-existent "for which there is an NXDOMAIN or NODATA response for A, AAAA, and MX records".
func TestExistsByHosts(t *testing.T) {
	zone := mailauthtest.MustParse(`_dmarc.example.com TXT v=DMARC1; p=none; np=reject
		a.example.com A 192.0.2.1
		six.example.com AAAA 2001:db8::1
		mx.example.com MX 10 a.example.com
		txt.example.com TXT hello
		down.example.com FAIL`)
	for name, want := range map[string]dmarc.Policy{"a": nothing, "six": nothing, "mx": nothing, "txt": reject, "no": reject} {
		r := (&dmarc.Checker{Resolver: hosts{zone}}).Check(t.Context(), dmarc.Identities{From: []string{name + ".example.com"}})
		require.Equal(t, want, r.Policy, name)
	}
	r := (&dmarc.Checker{Resolver: hosts{zone}}).Check(t.Context(), dmarc.Identities{From: []string{"down.example.com"}})
	require.True(t, r.Temporary())
	require.Equal(t, "lookup failed", r.Method().Reason)
	only := struct{ dmarc.Resolver }{zone} // nothing but TXT: every domain exists
	r = (&dmarc.Checker{Resolver: only}).Check(t.Context(), dmarc.Identities{From: []string{"no.example.com"}})
	require.Equal(t, nothing, r.Policy)
}

type deaf struct{}

func (deaf) LookupTXT(ctx context.Context, name string) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := (&dmarc.Checker{Resolver: deaf{}}).Check(t.Context(), dmarc.Identities{From: []string{"example.com"}})
		require.Equal(t, temperror, r.Result)
		require.Equal(t, 20*time.Second, time.Since(start))
	})
}

// Section 4.7 and RFC 7489 section 6.3: what Parse tells.
func TestParse(t *testing.T) {
	r, err := dmarc.Parse("v=DMARC1; p=quarantine; sp=none; np=reject; adkim=s; aspf=r; t=y; psd=n; fo=1:d:s; ri=3600; pct=20;" +
		"rua=mailto:a@example.com!10m, https://example.org/r ,nonsense, mailto:nobody; ruf=mailto:b@example.com")
	require.NoError(t, err)
	require.Equal(t, &dmarc.Record{Policy: quarantine, Subdomain: nothing, NonExistent: reject, StrictDKIM: true, PSD: "n", Testing: true,
		AggregateTo: []string{"mailto:a@example.com", "https://example.org/r"}, FailureTo: []string{"mailto:b@example.com"},
		FailureOpts: []string{"1", "d", "s"}, Interval: 3600, Percent: 20}, r)
	for _, s := range []string{"", "v=DMARC10; p=none", "v=DMARC1" + strings.Repeat("; x=1", 2000), " v=DMARC1"} {
		_, err := dmarc.Parse(s)
		require.ErrorIs(t, err, dmarc.ErrSyntax)
	}
	r, err = dmarc.Parse("v=DMARC1; p=none; p=reject; fo=0:9; ri=-1; pct=101; rua=" + strings.Repeat("mailto:a@b.example,", 50))
	require.NoError(t, err)
	require.Equal(t, nothing, r.Policy) // the first counts
	require.Equal(t, []string{"0"}, r.FailureOpts)
	require.Equal(t, 86400, r.Interval)
	require.Equal(t, 100, r.Percent)
	require.Len(t, r.AggregateTo, 10)
}

func FuzzParse(f *testing.F) {
	for _, c := range tables() {
		if _, record, ok := strings.Cut(c.zone, " TXT "); ok {
			f.Add(record, c.from)
		}
	}
	f.Fuzz(func(t *testing.T, record, from string) {
		r, err := dmarc.Parse(record)
		require.Equal(t, err == nil, dmarc.IsRecord(record) && len(record) <= 8192)
		if err == nil {
			for _, p := range []dmarc.Policy{r.Policy, r.Subdomain, r.NonExistent} {
				require.Contains(t, []dmarc.Policy{"", nothing, quarantine, reject}, p)
			}
			require.NotEmpty(t, r.Policy)
		}
		zone := mailauthtest.MustParse("")
		c := &dmarc.Checker{Resolver: zone}
		c.Check(t.Context(), dmarc.Identities{From: []string{from}, SPF: pass, SPFDomain: "a." + from, DKIM: []dmarc.DKIM{{Domain: from, Result: pass}}})
		require.LessOrEqual(t, len(zone.Queries()), 24)
	})
}

func BenchmarkCheck(b *testing.B) {
	zone := mailauthtest.MustParse("_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:a@example.com")
	c := &dmarc.Checker{Resolver: zone}
	id := dmarc.Identities{From: []string{"news.example.com"}, SPF: pass, SPFDomain: "bounce.example.com", DKIM: []dmarc.DKIM{{Domain: "example.com", Result: pass}}}
	b.ReportAllocs()
	for b.Loop() {
		if r := c.Check(b.Context(), id); r.Result != pass {
			b.Fatal(r.Err)
		}
	}
}
