package mx_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/mx"
)

const policy = "version: STSv1\r\nmode: enforce\r\nmx: mx.example.net\r\nmx: *.mail.example.net\r\nmax_age: 86400\r\n"

// RFC 8461 section 3.2
func TestParseSTSPolicy(t *testing.T) {
	p, err := mx.ParseSTSPolicy(policy)
	require.NoError(t, err)
	require.Equal(t, mx.STSEnforce, p.Mode)
	require.Equal(t, 24*time.Hour, p.MaxAge)
	for host, want := range map[string]bool{
		"mx.example.net": true, "MX.example.NET.": true, "a.mail.example.net": true,
		// Section 4.1: "*" matches exactly one label.
		"mail.example.net": false, "a.b.mail.example.net": false, "example.net": false, "evil-mx.example.net": false,
	} {
		require.Equal(t, want, p.Match(host), host)
	}
	for body, ok := range map[string]bool{
		"version: STSv1\nmode: none\nmax_age: 0":                          true,
		"version: STSv1\nmode: testing\nmx: a.b\nmax_age:5\nx-own: y\n\n": true,
		"version: STSv1\nmode: none\nmode: enforce\nmax_age: 0":           true, // the first counts
		"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 99999999999":    false,
		"version: STSv1\nmode: enforce\nmx: a.b\nmax_age: 9999999999":     true, // taken for the maximum
		"version: STSv2\nmode: none\nmax_age: 0":                          false,
		"mode: none\nmax_age: 0":                                          false,
		"version: STSv1\nmode: enforce\nmax_age: 0":                       false,
		"version: STSv1\nmode: maybe\nmx: a.b\nmax_age: 0":                false,
		"version: STSv1\nmode: enforce\nmx: a.*.b\nmax_age: 0":            false,
		"version: STSv1\nmode: enforce\nmx: *\nmax_age: 0":                false,
		"version: STSv1\nmode: enforce\nmx: a b\nmax_age: 0":              false,
		"version: STSv1\nmode: none\nmax_age: -1":                         false,
		"version: STSv1\nmode: none\nmax_age: +1":                         false,
		"version: STSv1\nmode: none\nmax_age:":                            false,
		"version: STSv1\nmode: none\nmax_age: 1\nnonsense":                false,
		"version: STSv1\nmode: none\nmax_age: 1\n<html>: x":               false,
		"": false,
		"version: STSv1\nmode: enforce\nmax_age: 1\n" + strings.Repeat("mx: a\n", 201): false,
	} {
		_, err := mx.ParseSTSPolicy(body)
		require.Equal(t, ok, err == nil, "%q: %v", body, err)
	}
}

// RFC 8461 section 3.1
func TestParseSTSRecord(t *testing.T) {
	for _, c := range []struct {
		records []string
		id      string
	}{
		{[]string{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
		{[]string{"v=STSv1;id=1;id=2"}, "1"},
		{[]string{"v=spf1 -all", "v=STSv1; x=y; id=7"}, "7"},
		{[]string{"v=STSv1; id=1", "v=STSv1; id=2"}, ""},
		{[]string{"v=STSv1;"}, ""},
		{[]string{"v=STSv10; id=1"}, ""},
		{[]string{"v=STSv1; id=a-b"}, ""},
		{[]string{"v=STSv1; id=" + strings.Repeat("1", 33)}, ""},
		{nil, ""},
	} {
		id, ok := mx.ParseSTSRecord(c.records)
		require.Equal(t, c.id != "", ok, c.records)
		if ok {
			require.Equal(t, c.id, id)
		}
	}
}

func FuzzParseSTSPolicy(f *testing.F) {
	f.Add(policy)
	f.Add("version: STSv1\nmode: none\nmax_age: 0")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := mx.ParseSTSPolicy(s)
		if err != nil {
			return
		}
		require.True(t, p.MaxAge >= 0 && p.MaxAge <= 31557600*time.Second)
		require.True(t, p.Mode == mx.STSNone || len(p.MX) > 0)
		for _, m := range p.MX {
			require.True(t, p.Match(strings.Replace(m, "*", "x", 1)), "%q", m)
		}
		again, err := mx.ParseSTSPolicy(strings.Join(p.Text, "\n"))
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// web is the policy hosts of the world.
type web struct {
	body   map[string]string // by URL
	status int
	kind   string
	asked  int
}

func (h *web) RoundTrip(r *http.Request) (*http.Response, error) {
	h.asked++
	body, ok := h.body[r.URL.String()]
	if !ok {
		return nil, &net.OpError{Op: "dial", Err: io.EOF}
	}
	return &http.Response{StatusCode: max(h.status, 200), Body: io.NopCloser(strings.NewReader(body)), Request: r,
		Header: http.Header{"Content-Type": {h.kind}, "Location": {"https://elsewhere.example/"}}}, nil
}

func stsWorld(t *testing.T) (*world, *web, *mx.STS) {
	w := newWorld(t)
	w.txt["_mta-sts.example.net"] = []string{"v=STSv1; id=1;"}
	h := &web{kind: "text/plain; charset=utf-8", body: map[string]string{"https://mta-sts.example.net/.well-known/mta-sts.txt": policy}}
	return w, h, &mx.STS{HTTP: &http.Client{Transport: h}}
}

// RFC 8461 section 5.1: a policy is fetched when its id is new, and an old one holds until it expires whatever happens.
func TestSTSLookup(t *testing.T) {
	w, h, s := stsWorld(t)
	now := time.Now()
	s.Now = func() time.Time { return now }
	look := func() (*mx.STSPolicy, error) { return s.Lookup(context.Background(), "Example.NET", w) }
	p, err := look()
	require.NoError(t, err)
	require.Equal(t, "1", p.ID)
	_, err = look()
	require.NoError(t, err)
	require.Equal(t, 1, h.asked)

	// Gone from DNS, or DNS gone: the cached one holds.
	delete(w.txt, "_mta-sts.example.net")
	p, err = look()
	require.NoError(t, err)
	require.NotNil(t, p)
	w.fails["_mta-sts.example.net"] = true
	p, err = look()
	require.Error(t, err)
	require.NotNil(t, p)

	// A new one that can't be had: the cached one holds, and it isn't asked for again for five minutes.
	w.txt["_mta-sts.example.net"] = []string{"v=STSv1; id=2;"}
	h.kind = "text/html"
	p, err = look()
	require.ErrorContains(t, err, "content type")
	require.Equal(t, "1", p.ID)
	h.kind = "text/plain"
	p, err = look()
	require.NoError(t, err)
	require.Equal(t, "1", p.ID)
	require.Equal(t, 2, h.asked)
	now = now.Add(5 * time.Minute)
	p, err = look()
	require.NoError(t, err)
	require.Equal(t, "2", p.ID)

	// Expired, and nothing new.
	now = now.Add(25 * time.Hour)
	w.txt = map[string][]string{}
	p, err = look()
	require.Error(t, err)
	require.Nil(t, p)
}

func TestSTSFetchFailures(t *testing.T) {
	for name, change := range map[string]func(h *web){
		"redirect":     func(h *web) { h.status = 301 }, // RFC 8461 section 3.3: "MUST NOT be followed"
		"not found":    func(h *web) { h.status = 404 },
		"HTML":         func(h *web) { h.kind = "text/html" },
		"no type":      func(h *web) { h.kind = "" },
		"unreachable":  func(h *web) { h.body = nil },
		"not a policy": func(h *web) { h.body["https://mta-sts.example.net/.well-known/mta-sts.txt"] = "hello" },
		"too long": func(h *web) {
			h.body["https://mta-sts.example.net/.well-known/mta-sts.txt"] = policy + strings.Repeat("x-y: z\n", 10_000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, h, s := stsWorld(t)
			change(h)
			p, err := s.Lookup(context.Background(), "example.net", w)
			require.Error(t, err)
			require.Nil(t, p)
			require.Equal(t, 1, h.asked)
		})
	}
}

// RFC 8461 section 4 and 5: an enforced policy keeps mail from hosts that it doesn't name or that can't prove their name; a
// tested one only has it reported.
func TestSTSDelivery(t *testing.T) {
	done := envelope("b@example.net") + taken
	for _, c := range []struct {
		name, mode, host, cert, script string
		want                           string
		report                         mx.TLSFailure
	}{
		{"good", "enforce", "mx.example.net", "mx.example.net", upgrade + done, "250", mx.TLSSuccess},
		{"another host", "enforce", "evil.example.net", "evil.example.net", "",
			"450 4.7.5 MTA-STS policy of example.net does not allow mail exchanger evil.example.net", mx.TLSValidationFailure},
		{"wrong certificate", "enforce", "mx.example.net", "evil.example.net", refuses, "454 4.7.5", mx.TLSHostMismatch},
		{"no TLS", "enforce", "mx.example.net", "mx.example.net", hello, "454 4.7.4", mx.TLSNotSupported},
		{"testing, another host", "testing", "evil.example.net", "evil.example.net", upgrade + done, "250", mx.TLSValidationFailure},
		{"testing, wrong certificate", "testing", "mx.example.net", "evil.example.net", upgrade + done, "250", mx.TLSHostMismatch},
		{"testing, no TLS", "testing", "mx.example.net", "mx.example.net", hello + done, "250", mx.TLSNotSupported},
		{"none", "none", "evil.example.net", "evil.example.net", hello + done, "250", mx.TLSNotSupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, h, s := stsWorld(t)
			w.secured(c.cert)
			for url, body := range h.body {
				h.body[url] = strings.Replace(body, "enforce", c.mode, 1)
			}
			w.mx["example.net"] = []*net.MX{{Host: c.host, Pref: 1}}
			w.a[c.host] = []string{"192.0.2.1"}
			if c.script != "" {
				w.hosts["192.0.2.1:25"] = []string{c.script}
			}
			tr := w.transport()
			var reports []mx.TLSResult
			tr.STS, tr.TLSConfig = s, &tls.Config{RootCAs: w.roots}
			tr.TLSReport = func(r mx.TLSResult) { reports = append(reports, r) }
			r := deliver(t, tr.To("example.net"), nil, "b@example.net")[0]
			require.Contains(t, r.Reply.String(), c.want)
			require.Len(t, reports, 1)
			require.Equal(t, c.report, reports[0].Type)
			require.Equal(t, "example.net", reports[0].Domain)
			require.Equal(t, c.want == "250", reports[0].Delivered)
			if c.mode != "none" {
				require.Equal(t, "sts", reports[0].PolicyType)
				require.Contains(t, reports[0].Policy, "mx: mx.example.net")
			}
		})
	}
}

// A new policy that can't be had is reported, with the old one that holds on (RFC 8460 section 4.3.2.2).
func TestSTSFetchIsReported(t *testing.T) {
	w, h, s := stsWorld(t)
	w.secured("mx.example.net")
	h.kind = "text/html"
	w.mx["example.net"] = []*net.MX{{Host: "mx.example.net", Pref: 1}}
	w.a["mx.example.net"] = []string{"192.0.2.1"}
	w.hosts["192.0.2.1:25"] = []string{hello + envelope("b@example.net") + taken}
	tr := w.transport()
	var reports []mx.TLSResult
	tr.STS = s
	tr.TLSReport = func(r mx.TLSResult) { reports = append(reports, r) }
	require.True(t, deliver(t, tr.To("example.net"), nil, "b@example.net")[0].Reply.OK())
	require.Len(t, reports, 2)
	require.Equal(t, mx.TLSPolicyFetchError, reports[0].Type)
	require.Equal(t, "sts", reports[0].PolicyType)
	require.Equal(t, mx.TLSNotSupported, reports[1].Type)
	require.Equal(t, "no-policy-found", reports[1].PolicyType)
}

// RFC 8689 section 4.2.2, "TLS-Required: No": the domain's policy holds nothing up, TLS is still used where it can be, and REQUIRETLS goes before it.
func TestPoliciesIgnored(t *testing.T) {
	for name, c := range map[string]struct {
		script, want string
		opts         mail.MailOptions
	}{
		"no TLS":            {hello + envelope("b@example.net") + taken, "250", mail.MailOptions{Plaintext: true}},
		"wrong certificate": {upgrade + envelope("b@example.net") + taken, "250", mail.MailOptions{Plaintext: true}},
		"both":              {hello, "550 5.7.10 Encryption needed", mail.MailOptions{Plaintext: true, RequireTLS: true}},
	} {
		t.Run(name, func(t *testing.T) {
			w, _, s := stsWorld(t)
			w.secured("evil.example.net")
			w.mx["example.net"] = []*net.MX{{Host: "mx.example.net", Pref: 1}}
			w.a["mx.example.net"] = []string{"192.0.2.1"}
			w.hosts["192.0.2.1:25"] = []string{c.script}
			tr := w.transport()
			tr.STS, tr.TLSConfig = s, &tls.Config{RootCAs: w.roots}
			ctx := context.Background()
			tx, err := tr.To("example.net").Begin(ctx, "a@example.org", &c.opts)
			require.NoError(t, err)
			require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
			require.NoError(t, tx.Body(ctx, stream(message)))
			results, err := tx.Commit(ctx)
			require.NoError(t, err)
			require.Contains(t, results[0].Reply.String(), c.want)
		})
	}
}
