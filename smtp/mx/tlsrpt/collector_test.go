package tlsrpt_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

// RFC 8460 section 4.4 and appendix B
func TestReport(t *testing.T) {
	now := time.Date(2016, 4, 1, 23, 0, 0, 0, time.UTC)
	c := &tlsrpt.Collector{Organization: "Company-X", Contact: "sts-reporting@company-x.example", SendingIP: "198.51.100.62",
		Now: func() time.Time { return now }}
	sts := mx.TLSResult{Domain: "company-y.example", PolicyType: "sts", Policy: []string{"version: STSv1", "mode: testing"},
		MXPatterns: []string{"*.mail.company-y.example"}, MXHost: "mx1.mail.company-y.example", ReceivingIP: "203.0.113.56"}
	for range 5 {
		c.Add(sts)
	}
	expired := sts
	expired.Type, expired.Reason = mx.TLSExpired, strings.Repeat("ế", 200)
	c.Add(expired)
	c.Add(expired)
	other := sts
	other.Type = mx.TLSNotSupported
	c.Add(other)
	c.Add(mx.TLSResult{Domain: "another.example", PolicyType: "no-policy-found"})
	c.Add(mx.TLSResult{PolicyType: "no-policy-found"}) // of no domain

	require.Empty(t, c.Take()) // the day isn't over
	now = now.Add(2 * time.Hour)
	c.Add(sts) // belongs to the next
	reports := c.Take()
	require.Len(t, reports, 2)
	require.Empty(t, c.Take())
	require.Equal(t, "another.example", reports[0].Domain())
	r := reports[1]
	require.Equal(t, "company-x.example!company-y.example!1459468800!1459555199.json.gz", r.Filename("company-x.example"))

	var out bytes.Buffer
	n, err := r.WriteTo(&out)
	require.NoError(t, err)
	require.EqualValues(t, out.Len(), n)
	z, err := gzip.NewReader(&out)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	r.ID = "x"
	want := fmt.Sprintf(`{"organization-name":"Company-X",
		"date-range":{"start-datetime":"2016-04-01T00:00:00Z","end-datetime":"2016-04-01T23:59:59Z"},
		"contact-info":"sts-reporting@company-x.example","report-id":"x",
		"policies":[{"policy":{"policy-type":"sts","policy-string":["version: STSv1","mode: testing"],
			"policy-domain":"company-y.example","mx-host":["*.mail.company-y.example"]},
		"summary":{"total-successful-session-count":5,"total-failure-session-count":3},
		"failure-details":[
			{"result-type":"certificate-expired","sending-mta-ip":"198.51.100.62","receiving-mx-hostname":"mx1.mail.company-y.example",
			 "receiving-ip":"203.0.113.56","failed-session-count":2,"failure-reason-code":%q},
			{"result-type":"starttls-not-supported","sending-mta-ip":"198.51.100.62","receiving-mx-hostname":"mx1.mail.company-y.example",
			 "receiving-ip":"203.0.113.56","failed-session-count":1}]}]}`, strings.Repeat("ế", 100))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b, &got))
	require.NotEmpty(t, got["report-id"])
	got["report-id"] = "x"
	again, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(again))
}

// Nobody can make the collector grow without end.
func TestLimits(t *testing.T) {
	now := time.Now()
	c := &tlsrpt.Collector{MaxDomains: 3, MaxDetails: 2, Now: func() time.Time { return now }}
	for i := range 10 {
		c.Add(mx.TLSResult{Domain: fmt.Sprintf("d%d.example", i)})
		c.Add(mx.TLSResult{Domain: "d0.example", Type: mx.TLSExpired, MXHost: fmt.Sprint(i)})
	}
	for i := range 200 {
		c.Add(mx.TLSResult{Domain: "d1.example", PolicyType: "tlsa", Policy: []string{fmt.Sprint(i)}})
	}
	now = now.Add(24 * time.Hour)
	reports := c.Take()
	require.Len(t, reports, 3)
	require.EqualValues(t, 10, reports[0].Policies[0].Summary.Failed)
	require.Len(t, reports[0].Policies[0].Failures, 2)
	require.LessOrEqual(t, len(reports[1].Policies), 100)
}

// zone answers TXT questions.
type zone map[string][]string

func (z zone) LookupMX(context.Context, string) ([]*net.MX, error)               { return nil, io.EOF }
func (z zone) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) { return nil, io.EOF }
func (z zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	switch list := z[name]; {
	case strings.Contains(name, "down"):
		return nil, &net.DNSError{Err: "timeout", IsTimeout: true}
	case len(list) == 0:
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	default:
		return list, nil
	}
}

// RFC 8460 section 3
func TestReportTo(t *testing.T) {
	z := zone{
		"_smtp._tls.a.example": {"v=TLSRPTv1; rua=mailto:reports@a.example,https://a.example/tlsrpt;"},
		"_smtp._tls.b.example": {"v=spf1 -all", "v=TLSRPTv1;rua=mailto:x@b.example"},
		"_smtp._tls.c.example": {"v=TLSRPTv1;rua=mailto:x@c.example", "v=TLSRPTv1;rua=mailto:y@c.example"},
		"_smtp._tls.d.example": {"v=TLSRPTv1; rua=http://d.example, ftp://x, mailto:, ://, https:///, mailto:ok@d.example"},
		"_smtp._tls.e.example": {"v=TLSRPTv1; ruf=mailto:x@e.example"},
	}
	for domain, want := range map[string][]string{
		"a.example": {"mailto:reports@a.example", "https://a.example/tlsrpt"}, "b.example": {"mailto:x@b.example"},
		"c.example": nil, "d.example": {"mailto:ok@d.example"}, "e.example": nil, "none.example": nil,
	} {
		got, err := tlsrpt.ReportTo(context.Background(), z, domain)
		require.NoError(t, err)
		require.Equal(t, want, got, domain)
	}
	_, err := tlsrpt.ReportTo(context.Background(), z, "down.example")
	var d *net.DNSError
	require.True(t, errors.As(err, &d) && d.IsTimeout)
}

func FuzzParseRecord(f *testing.F) {
	f.Add("v=TLSRPTv1; rua=mailto:reports@a.example,https://a.example/tlsrpt;")
	f.Fuzz(func(t *testing.T, s string) {
		for _, u := range tlsrpt.ParseRecord([]string{s}) {
			require.True(t, strings.Contains(s, u))
			require.Regexp(t, `^(?i)(mailto|https):`, u)
		}
	})
}

func Example() {
	c := &tlsrpt.Collector{Organization: "Example Org", Contact: "postmaster@example.org"}
	t := &mx.Transport{Hostname: "mail.example.org", STS: &mx.STS{}, TLSReport: c.Add}
	_ = t.To("example.net")
	for _, r := range c.Take() { // once a day
		to, _ := tlsrpt.ReportTo(context.Background(), net.DefaultResolver, r.Domain())
		fmt.Println(r.Filename("example.org"), to)
	}
	// Output:
}
