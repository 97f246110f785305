package report_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth"
	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
)

const zone = `
	example.com         TXT  v=spf1 ip4:192.0.2.1 -all
	_dmarc.example.com  TXT  v=DMARC1; p=reject; sp=quarantine; adkim=s; fo=1; rua=mailto:r@example.com,mailto:x@other.example
	_dmarc.silent.test  TXT  v=DMARC1; p=reject
	_dmarc.example.org  TXT  v=DMARC1; p=none; rua=mailto:r@example.org`

func verify(t testing.TB, ip, from, author string) *mailauth.Results {
	v := &mailauth.Verifier{Resolver: mailauthtest.MustParse(zone)}
	r, err := v.Verify(t.Context(), strings.NewReader("From: a@"+author+"\r\n\r\n"), mailauth.Envelope{IP: netip.MustParseAddr(ip), Helo: "mx.example.com", From: from})
	require.NoError(t, err)
	return r
}

// What a receiver's day comes to, as appendix C has it: "Data for each Domain Owner's subdomain separately", "the counts of messages
// based on all messages received".
func collected(t testing.TB) []report.Ready {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	c := &report.Collector{Organization: "Mail & Co", Email: "postmaster@mx.example.net", Now: func() time.Time { return now }}
	add := func(ip, from, author string, m report.Message) {
		m.Results = verify(t, ip, from, author)
		_, m.EnvelopeFrom, _ = strings.Cut(from, "@")
		if m.Disposition == "" {
			m.Disposition = m.Results.DMARC.Disposition
		}
		c.Add(&m)
	}
	for range 3 {
		add("192.0.2.1", "joe@example.com", "example.com", report.Message{EnvelopeTo: "here.test"})
	}
	add("192.0.2.9", "joe@example.com", "example.com", report.Message{Disposition: dmarc.PolicyQuarantine, Reasons: []report.Reason{{Type: "local_policy", Comment: "junk <here>"}}})
	add("2001:db8::1", "", "news.example.com", report.Message{})
	add("192.0.2.1", "a@b.test", "example.org", report.Message{})
	add("192.0.2.1", "a@b.test", "silent.test", report.Message{})
	add("192.0.2.1", "a@b.test", "nobody.test", report.Message{})
	require.Empty(t, c.Take(), "the day isn't over")
	now = now.Add(14 * time.Hour)
	out := c.Take()
	require.Empty(t, c.Take())
	return out
}

func TestCollector(t *testing.T) {
	list := collected(t)
	require.Len(t, list, 2)
	f := list[0].Feedback
	require.Equal(t, []string{"mailto:r@example.com", "mailto:x@other.example"}, list[0].To)
	require.Equal(t, "example.org", list[1].Feedback.Policy.Domain)
	require.NotEmpty(t, f.Metadata.ID)
	require.NotEqual(t, f.Metadata.ID, list[1].Feedback.Metadata.ID)
	f.Metadata.ID = "1"
	var b strings.Builder
	require.NoError(t, f.XML(&b))
	require.Equal(t, `<?xml version="1.0" encoding="UTF-8"?>
<feedback>
  <version>1.0</version>
  <report_metadata>
    <org_name>Mail &amp; Co</org_name>
    <email>postmaster@mx.example.net</email>
    <report_id>1</report_id>
    <date_range>
      <begin>1795651200</begin>
      <end>1795737599</end>
    </date_range>
  </report_metadata>
  <policy_published>
    <domain>example.com</domain>
    <adkim>s</adkim>
    <aspf>r</aspf>
    <p>reject</p>
    <sp>quarantine</sp>
    <pct>100</pct>
    <fo>1</fo>
  </policy_published>
  <record>
    <row>
      <source_ip>192.0.2.1</source_ip>
      <count>3</count>
      <policy_evaluated>
        <disposition>none</disposition>
        <dkim>fail</dkim>
        <spf>pass</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_to>here.test</envelope_to>
      <envelope_from>example.com</envelope_from>
      <header_from>example.com</header_from>
    </identifiers>
    <auth_results>
      <spf>
        <domain>example.com</domain>
        <scope>mfrom</scope>
        <result>pass</result>
      </spf>
    </auth_results>
  </record>
  <record>
    <row>
      <source_ip>192.0.2.9</source_ip>
      <count>1</count>
      <policy_evaluated>
        <disposition>quarantine</disposition>
        <dkim>fail</dkim>
        <spf>fail</spf>
        <reason>
          <type>local_policy</type>
          <comment>junk &lt;here&gt;</comment>
        </reason>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_from>example.com</envelope_from>
      <header_from>example.com</header_from>
    </identifiers>
    <auth_results>
      <spf>
        <domain>example.com</domain>
        <scope>mfrom</scope>
        <result>fail</result>
      </spf>
    </auth_results>
  </record>
  <record>
    <row>
      <source_ip>2001:db8::1</source_ip>
      <count>1</count>
      <policy_evaluated>
        <disposition>quarantine</disposition>
        <dkim>fail</dkim>
        <spf>fail</spf>
      </policy_evaluated>
    </row>
    <identifiers>
      <envelope_from></envelope_from>
      <header_from>news.example.com</header_from>
    </identifiers>
    <auth_results>
      <spf>
        <domain>mx.example.com</domain>
        <scope>helo</scope>
        <result>none</result>
      </spf>
    </auth_results>
  </record>
</feedback>
`, b.String())
	got, err := report.Parse(strings.NewReader(b.String()), report.Limits{})
	require.NoError(t, err)
	require.Equal(t, f, got)
}

// What is counted of strangers' mail is bounded, and the report says that it isn't all.
func TestCollectorLimits(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	c := &report.Collector{Domains: 1, Rows: 2, Now: func() time.Time { return now }}
	for _, ip := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.1"} {
		c.Add(&report.Message{Results: verify(t, ip, "joe@example.com", "example.com")})
		c.Add(&report.Message{Results: verify(t, ip, "joe@example.com", "example.org")})
	}
	list := c.TakeAll()
	require.Len(t, list, 1)
	require.Len(t, list[0].Feedback.Records, 2)
	require.EqualValues(t, 2, list[0].Feedback.Records[0].Row.Count)
	require.Len(t, list[0].Feedback.Metadata.Errors, 1)
	require.Equal(t, now, list[0].Feedback.Metadata.End.Time())
}

// RFC 7489 section 7.2.1.1: the message, its Subject and the name of the file in it.
func TestMessage(t *testing.T) {
	f := &report.Feedback{Metadata: report.Metadata{ID: "2002.02.15.1", Begin: 1013662812, End: 1013749130}, Policy: report.Policy{Domain: "example.com"}}
	require.Equal(t, "mail.receiver.example!example.com!1013662812!1013749130.xml.gz", f.Filename("mail.receiver.example"))
	require.Equal(t, "Report Domain: example.com Submitter: mail.receiver.example Report-ID: <2002.02.15.1>", f.Subject("mail.receiver.example"))
	for range 40 {
		f.Records = append(f.Records, report.Record{Row: report.Row{SourceIP: "192.0.2.1", Count: 1}, Results: report.Results{SPF: []report.SPF{{Domain: "x"}}}})
	}
	var b bytes.Buffer
	date := time.Unix(1013749200, 0).UTC()
	require.NoError(t, f.Message(&b, "mail.receiver.example", "dmarc@mail.receiver.example", "reports@example.com", date))
	for line := range strings.SplitSeq(b.String(), "\r\n") {
		require.LessOrEqual(t, len(line), 78+60)
		require.NotContains(t, line, "\n")
	}
	m, err := mail.ReadMessage(&b)
	require.NoError(t, err)
	require.Equal(t, "Report Domain: example.com Submitter: mail.receiver.example Report-ID: <2002.02.15.1>", strings.Join(strings.Fields(m.Header.Get("Subject")), " "))
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	require.NoError(t, err)
	parts := multipart.NewReader(m.Body, params["boundary"])
	_, err = parts.NextPart()
	require.NoError(t, err)
	p, err := parts.NextPart()
	require.NoError(t, err)
	require.Equal(t, "mail.receiver.example!example.com!1013662812!1013749130.xml.gz", p.FileName())
	data, err := io.ReadAll(p)
	require.NoError(t, err)
	got, err := report.Parse(newBase64(data), report.Limits{})
	require.NoError(t, err)
	require.Len(t, got.Records, 40)
	bad := &report.Feedback{Metadata: report.Metadata{ID: "a\r\nBcc: x"}, Policy: report.Policy{Domain: "../x\r\n"}}
	b.Reset()
	require.NoError(t, bad.Message(&b, "r", "a\r\nb@c", "d@e", date))
	m, err = mail.ReadMessage(&b)
	require.NoError(t, err)
	require.Empty(t, m.Header.Get("Bcc"))
	require.Equal(t, "r!.._x__!0!0.xml.gz", bad.Filename("r"))
}

// Section 7.1: "a TXT query for "blue.example.com._report._dmarc.red.example.net" is issued".
func TestDestinations(t *testing.T) {
	c := &dmarc.Checker{Resolver: mailauthtest.MustParse(`
		_dmarc.example.com TXT v=DMARC1; p=none
		blue.example.com._report._dmarc.red.example.net TXT v=DMARC1
		blue.example.com._report._dmarc.other.test TXT v=DMARC1; rua=mailto:special@other.test
		blue.example.com._report._dmarc.away.test TXT v=DMARC1; rua=mailto:a@elsewhere.test
		blue.example.com._report._dmarc.spf.test TXT v=spf1 -all
		blue.example.com._report._dmarc.down.test FAIL`)}
	check := func(want []string, later bool, uris ...string) {
		t.Helper()
		to, l := report.Destinations(t.Context(), c, "blue.example.com", uris)
		require.Equal(t, want, to)
		require.Equal(t, later, l)
	}
	check([]string{"reports@red.example.net"}, false, "mailto:reports@red.example.net")
	check([]string{"r@example.com", "r@mail.example.com"}, false, "mailto:r@example.com", "MAILTO:r@mail.example.com", "mailto:r@example.com")
	check([]string{"special@other.test"}, false, "mailto:x@other.test")
	check(nil, false, "mailto:x@away.test", "mailto:x@spf.test", "mailto:x@victim.test", "https://example.com/", "mailto:nobody", "mailto:a@b,c@example.com", "::")
	check([]string{"r@example.com"}, true, "mailto:r@down.test", "mailto:r@example.com")
	check(nil, false, "mailto:a%20b@example.com")
	var many []string
	for _, n := range strings.Fields("1 2 3 4 5 6 7 8 9") {
		many = append(many, "mailto:"+n+"@example.com")
	}
	to, _ := report.Destinations(t.Context(), c, "blue.example.com", many)
	require.Len(t, to, 5)
}

func newBase64(data []byte) io.Reader {
	return base64.NewDecoder(base64.StdEncoding, bytes.NewReader(bytes.ReplaceAll(data, []byte("\r\n"), nil)))
}
