package tlsrpt_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
)

// appendixB is the example of RFC 8460 appendix B.
const appendixB = `{
     "organization-name": "Company-X",
     "date-range": {
       "start-datetime": "2016-04-01T00:00:00Z",
       "end-datetime": "2016-04-01T23:59:59Z"
     },
     "contact-info": "sts-reporting@company-x.example",
     "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
     "policies": [{
       "policy": {
         "policy-type": "sts",
         "policy-string": ["version: STSv1","mode: testing",
               "mx: *.mail.company-y.example","max_age: 86400"],
         "policy-domain": "company-y.example",
         "mx-host": ["*.mail.company-y.example"]
       },
       "summary": {
         "total-successful-session-count": 5326,
         "total-failure-session-count": 303
       },
       "failure-details": [{
         "result-type": "certificate-expired",
         "sending-mta-ip": "2001:db8:abcd:0012::1",
         "receiving-mx-hostname": "mx1.mail.company-y.example",
         "failed-session-count": 100
       }, {
         "result-type": "starttls-not-supported",
         "sending-mta-ip": "2001:db8:abcd:0013::1",
         "receiving-mx-hostname": "mx2.mail.company-y.example",
         "receiving-ip": "203.0.113.56",
         "failed-session-count": 200,
         "additional-information": "https://reports.company-x.example/report_info ? id = 5065427 c - 23 d3# StarttlsNotSupported "
       }, {
         "result-type": "validation-failure",
         "sending-mta-ip": "198.51.100.62",
         "receiving-ip": "203.0.113.58",
         "receiving-mx-hostname": "mx-backup.mail.company-y.example",
         "failed-session-count": 3,
         "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED"
       }]
     }]
   }`

func zipped(t testing.TB, s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, s)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestParse(t *testing.T) {
	for _, in := range [][]byte{[]byte(appendixB), zipped(t, appendixB)} {
		r, err := tlsrpt.Parse(bytes.NewReader(in), tlsrpt.Limits{})
		require.NoError(t, err)
		require.Equal(t, "company-y.example", r.Domain())
		require.Equal(t, "sts-reporting@company-x.example", r.Contact)
		p := r.Policies[0]
		require.EqualValues(t, 5326, p.Summary.Successful)
		require.EqualValues(t, 303, p.Summary.Failed)
		require.Len(t, p.Failures, 3)
		require.Equal(t, mx.TLSExpired, p.Failures[0].Type)
		require.EqualValues(t, 200, p.Failures[1].Count)
		require.Equal(t, "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED", p.Failures[2].Reason)
	}
	bad := func(old, new string) string { return strings.Replace(appendixB, old, new, 1) }
	for _, in := range []string{"", "{", "[]", "\x1f\x8bjunk", bad(`"2016-04-01T00:00:00Z"`, `"yesterday"`), bad("2016-04-01T23", "2015-04-01T23"), bad("5326", "-1"), bad(`"failed-session-count": 100`, `"failed-session-count": -1`),
		bad(`"policies": [{`, `"policies": [null, {`)} {
		_, err := tlsrpt.Parse(strings.NewReader(in), tlsrpt.Limits{})
		require.ErrorIs(t, err, tlsrpt.ErrSyntax, in)
	}
	_, err := tlsrpt.Parse(bytes.NewReader(zipped(t, `{"organization-name":"`+strings.Repeat("a", 1<<20)+`"}`)), tlsrpt.Limits{JSON: 1 << 16})
	require.ErrorIs(t, err, tlsrpt.ErrTooLarge, "a bomb")
	_, err = tlsrpt.Parse(strings.NewReader(appendixB), tlsrpt.Limits{Failures: 2})
	require.ErrorIs(t, err, tlsrpt.ErrTooLarge)
	r, err := tlsrpt.Parse(strings.NewReader(bad("Company-X", strings.Repeat("ế", 1000))), tlsrpt.Limits{Text: 10})
	require.NoError(t, err)
	require.Equal(t, "ếếế", r.Organization)
	broken := errors.New("broken")
	_, err = tlsrpt.Parse(iotest.ErrReader(broken), tlsrpt.Limits{})
	require.ErrorIs(t, err, broken)
}

// RFC 8460 section 5.3: the header fields that the message MUST have, and a second part that is the report.
func TestMessage(t *testing.T) {
	r, err := tlsrpt.Parse(strings.NewReader(appendixB), tlsrpt.Limits{})
	require.NoError(t, err)
	r.ID = "x\r\nBcc: victim@a.test" // never ours, and not a header field either
	var b strings.Builder
	require.NoError(t, r.Message(&b, "sts-reporting@company-x.example", "tls@company-y.example", time.Date(2016, 4, 2, 0, 0, 0, 0, time.UTC)))
	head, body, ok := strings.Cut(b.String(), "\r\n\r\n")
	require.True(t, ok)
	for _, want := range []string{"From: <sts-reporting@company-x.example>", "Subject: Report Domain: company-y.example\r\n\tSubmitter: company-x.example\r\n\tReport-ID: <xBcc:victim@a.test@company-x.example>",
		"TLS-Report-Domain: company-y.example", "TLS-Report-Submitter: company-x.example", "TLS-Required: No", `Content-Type: multipart/report; report-type="tlsrpt"`} {
		require.Contains(t, head, want)
	}
	require.NotContains(t, head, "\nBcc:")
	require.Contains(t, body, `Content-Disposition: attachment; filename="company-x.example!company-y.example!1459468800!1459555199.json.gz"`)
	for _, line := range strings.Split(body, "\r\n") {
		require.LessOrEqual(t, len(line), 998)
	}
}

// RFC 8460 section 5.4
func TestPost(t *testing.T) {
	r, err := tlsrpt.Parse(strings.NewReader(appendixB), tlsrpt.Limits{})
	require.NoError(t, err)
	status := 201
	var got *tlsrpt.Report
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		require.Equal(t, "application/tlsrpt+gzip", req.Header.Get("Content-Type"))
		got, err = tlsrpt.Parse(req.Body, tlsrpt.Limits{})
		w.WriteHeader(status)
	}))
	defer srv.Close()
	require.NoError(t, r.Post(t.Context(), srv.Client(), srv.URL+"/v1"))
	require.NoError(t, err)
	require.Equal(t, r.Policies[0].Summary, got.Policies[0].Summary)
	status = 500
	require.EqualError(t, r.Post(t.Context(), srv.Client(), srv.URL), "HTTP status 500")
	require.Error(t, r.Post(t.Context(), http.DefaultClient, srv.URL), "a certificate that nobody vouches for")
}

// What was counted before a restart is in the day's report, with what is counted after it.
func TestRestart(t *testing.T) {
	now := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	c := &tlsrpt.Collector{Organization: "o", Now: clock}
	result := mx.TLSResult{Domain: "a.example", PolicyType: "sts", Policy: []string{"version: STSv1"}}
	c.Add(result)
	b, err := json.Marshal(c.Snapshot())
	require.NoError(t, err)
	var saved []*tlsrpt.Report
	require.NoError(t, json.Unmarshal(b, &saved))
	next := &tlsrpt.Collector{Organization: "o", Now: clock}
	next.Restore(append(saved, nil, &tlsrpt.Report{}))
	next.Add(result)
	now = now.Add(24 * time.Hour)
	list := next.Take()
	require.Len(t, list, 1)
	require.Len(t, list[0].Policies, 1)
	require.EqualValues(t, 2, list[0].Policies[0].Summary.Successful)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(appendixB))
	f.Add(zipped(f, appendixB))
	f.Add([]byte(`{"date-range":{"start-datetime":"2016-04-01T00:00:00Z","end-datetime":"2016-04-01T23:59:59Z"},"policies":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := tlsrpt.Parse(bytes.NewReader(b), tlsrpt.Limits{JSON: 1 << 16})
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := r.Message(&out, "a@b.example", "c@d.example", time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := tlsrpt.Parse(bytes.NewReader(b), tlsrpt.Limits{JSON: 1 << 16}); err != nil {
			t.Fatal("once more: ", err)
		}
	})
}
