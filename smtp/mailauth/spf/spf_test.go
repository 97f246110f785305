package spf_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/authres"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/spf"
)

var client = netip.MustParseAddr("192.0.2.1")

// deaf is a zone some of whose names aren't answered for.
type deaf struct {
	*mailauthtest.Zone
	to string
}

func (d deaf) wait(ctx context.Context, name string) error {
	if !strings.Contains(name, d.to) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (d deaf) LookupTXT(ctx context.Context, name string) ([]string, error) {
	if err := d.wait(ctx, name); err != nil {
		return nil, err
	}
	return d.Zone.LookupTXT(ctx, name)
}

func (d deaf) LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if err := d.wait(ctx, name); err != nil {
		return nil, err
	}
	return d.Zone.LookupNetIP(ctx, network, name)
}

func (d deaf) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	if err := d.wait(ctx, addr); err != nil {
		return nil, err
	}
	return d.Zone.LookupAddr(ctx, addr)
}

// RFC 7208 section 4.6.4: "a limit on the maximum amount of elapsed time to evaluate check_host() ... SHOULD allow at least 20
// seconds. If such a limit is exceeded, the result of authorization SHOULD be "temperror"", whatever was asked when it was over.
func TestTime(t *testing.T) {
	for _, c := range []struct {
		record, to string
		want       authres.Code
	}{
		{"v=spf1 -all", "example.com", temperror},
		{"v=spf1 include:deaf.test -all", "deaf", temperror},
		{"v=spf1 a:deaf.test -all", "deaf", temperror},
		{"v=spf1 ptr -all", "192.0.2.1", temperror},
		{"v=spf1 exists:%{p}.example.com -all", "192.0.2.1", temperror},
		{"v=spf1 redirect=deaf.test", "deaf", temperror},
		{"v=spf1 -all exp=deaf.test", "deaf", fail}, // the result was there before
	} {
		synctest.Test(t, func(t *testing.T) {
			zone := mailauthtest.MustParse("example.com TXT " + c.record + "\nexample.com A 192.0.2.9")
			start := time.Now()
			r := (&spf.Checker{Resolver: deaf{zone, c.to}}).Check(t.Context(), client, "mx.example.com", "joe@example.com")
			require.Equal(t, c.want, r.Result, c.record)
			require.Equal(t, 20*time.Second, time.Since(start), c.record)
			require.NotContains(t, r.Method().Reason, "deaf") // what the resolver says isn't told to others
		})
	}
}

// Section 4.3: names "are implicitly qualified relative to the root": a resolver with a search list must not try it.
func TestNamesAreAbsolute(t *testing.T) {
	asked := map[string]bool{}
	r := &recorder{Zone: mailauthtest.MustParse("example.com TXT v=spf1 a mx ptr exists:x.%{d} include:i.example.com redirect=r.example.com\n" +
		"i.example.com TXT v=spf1 ?all\nr.example.com TXT v=spf1 -all exp=e.example.com\nexample.com MX 1 m.example.com\n192.0.2.1 PTR p.example.com\n" +
		"e.example.com TXT why\nexample.com A 192.0.2.9\nm.example.com A 192.0.2.9"), asked: asked}
	res := (&spf.Checker{Resolver: r}).Check(t.Context(), client, "mx.example.com", "joe@example.com")
	require.Equal(t, "why", res.Explanation)
	for _, n := range []string{"example.com.", "m.example.com.", "p.example.com.", "x.example.com.", "i.example.com.", "r.example.com.", "e.example.com."} {
		require.True(t, asked[n], "%s: %v", n, asked)
	}
	require.Len(t, asked, 7)
}

type recorder struct {
	*mailauthtest.Zone
	asked map[string]bool
}

func (r *recorder) LookupTXT(ctx context.Context, name string) ([]string, error) {
	r.asked[name] = true
	return r.Zone.LookupTXT(ctx, name)
}

func (r *recorder) LookupNetIP(ctx context.Context, network, name string) ([]netip.Addr, error) {
	r.asked[name] = true
	return r.Zone.LookupNetIP(ctx, network, name)
}

// Limits can be set, and a record longer than the limit is an error (section 3.4 has 450 octets as what is wise).
func TestLimits(t *testing.T) {
	zone := mailauthtest.MustParse("example.com TXT v=spf1 a a:n1.example.com -all\nexample.com A 192.0.2.9\nlong.example.com TXT v=spf1 " +
		terms(400, "ip4:203.0.113.1") + " -all")
	check := func(l spf.Limits, from string) *spf.Result {
		return (&spf.Checker{Resolver: zone, Limits: l}).Check(t.Context(), client, "mx.example.com", from)
	}
	require.ErrorIs(t, check(spf.Limits{Lookups: 1}, "a@example.com").Err, spf.ErrLookups)
	require.NoError(t, check(spf.Limits{Lookups: 2}, "a@example.com").Err)
	require.ErrorIs(t, check(spf.Limits{}, "a@long.example.com").Err, spf.ErrTooLong)
	require.Equal(t, fail, check(spf.Limits{RecordBytes: 10000}, "a@long.example.com").Result)
	quiet := &spf.Checker{Resolver: mailauthtest.MustParse("example.com TXT v=spf1 -all exp=e.example.com\ne.example.com TXT why"), NoExplanation: true}
	require.Empty(t, quiet.Check(t.Context(), client, "", "a@example.com").Explanation)
	require.Equal(t, none, quiet.Check(t.Context(), netip.Addr{}, "", "a@example.com").Result)
}

// RFC 8601 section 2.7.2: what is told in Authentication-Results.
func TestMethod(t *testing.T) {
	zone := mailauthtest.MustParse("example.com TXT v=spf1 -all\nmx.example.org TXT v=spf1 x\n")
	c := &spf.Checker{Resolver: zone}
	m := c.Check(t.Context(), client, "mx.example.org", "joe@example.com").Method()
	require.Equal(t, authres.Method{Name: "spf", Result: fail, Props: []authres.Property{{Type: "smtp", Name: "mailfrom", Value: "joe@example.com"}}}, m)
	m = c.Check(t.Context(), client, "mx.example.org", "").Method()
	require.Equal(t, permerror, m.Result)
	require.Equal(t, "mx.example.org", m.Prop("smtp", "helo"))
	require.Contains(t, m.Reason, "syntax error")
}

// A record that has many void lookups, recursion or macros in it costs no more than the limits allow.
func FuzzCheck(f *testing.F) {
	for _, c := range tables() {
		f.Add(strings.TrimPrefix(c.zone, appendixA), c.from, c.helo)
	}
	f.Fuzz(func(t *testing.T, record, from, helo string) {
		record = strings.NewReplacer("\r", " ", "\n", " ").Replace(record)
		zone, err := mailauthtest.Parse(appendixA + "example.com TXT " + record)
		if err != nil {
			return
		}
		for _, ip := range []string{"192.0.2.1", "2001:db8::1"} {
			c := &spf.Checker{Resolver: zone}
			r := c.Check(t.Context(), netip.MustParseAddr(ip), helo, from)
			if r.Lookups > 11 {
				t.Fatalf("%d lookups", r.Lookups)
			}
			// ten terms, of mx or ptr with ten names each, the records, and the names of the client once
			if n := len(zone.Queries()); n > 2*(10*11+11+11+2) {
				t.Fatalf("%d questions", n)
			}
			switch r.Result {
			case none, neutral, pass, fail, softfail, temperror, permerror:
			default:
				t.Fatalf("result %q", r.Result)
			}
			for i := range len(r.Explanation) {
				if r.Explanation[i] < ' ' || r.Explanation[i] >= 0x7f {
					t.Fatalf("explanation %q", r.Explanation)
				}
			}
		}
	})
}

// What Parse takes it takes again, when its terms are written one after the other.
func FuzzParse(f *testing.F) {
	for _, c := range tables() {
		if _, record, ok := strings.Cut(c.zone, "example.com TXT "); ok {
			record, _, _ = strings.Cut(record, "\n")
			f.Add(record)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := spf.Parse(s)
		if err != nil {
			require.ErrorIs(t, err, spf.ErrSyntax)
			return
		}
		again := "v=spf1"
		for _, m := range r.Terms {
			again += " " + m.Text
		}
		if r.Redirect != "" {
			again += " redirect=" + r.Redirect
		}
		if r.Explain != "" {
			again += " exp=" + r.Explain
		}
		r2, err := spf.Parse(again)
		require.NoError(t, err, "%q %q", s, again)
		require.Equal(t, r, r2)
	})
}

func BenchmarkCheck(b *testing.B) {
	c := check{zone: a3}
	c.fill()
	zone := mailauthtest.MustParse(c.zone)
	checker := &spf.Checker{Resolver: zone}
	b.ReportAllocs()
	for b.Loop() {
		if r := checker.Check(b.Context(), client, "mx.example.com", "joe@example.com"); r.Result != fail {
			b.Fatal(r.Result)
		}
	}
}
