package reportcmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buuta/mail/examples/fullserver/reportcmd"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
	"github.com/buuta/mail/smtp/mx"
	"github.com/buuta/mail/smtp/mx/tlsrpt"
	"github.com/stretchr/testify/require"
)

// tlsReport is what our own sending side makes.
func tlsReport(t testing.TB) *tlsrpt.Report {
	t.Helper()
	now := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	c := &tlsrpt.Collector{Organization: "mx.far.test", Contact: "tls@far.test", Now: func() time.Time { return now }}
	for range 3 {
		c.Add(mx.TLSResult{Domain: "here.test", PolicyType: "sts", Policy: []string{"version: STSv1"}})
	}
	c.Add(mx.TLSResult{Domain: "here.test", PolicyType: "sts", Policy: []string{"version: STSv1"}, Type: mx.TLSExpired, MXHost: "mx.here.test", ReceivingIP: "192.0.2.1", Reason: "x509: \x1b[31mexpired"})
	now = now.Add(24 * time.Hour)
	return c.Take()[0]
}

const dmarcXML = `<?xml version="1.0"?><feedback><report_metadata><org_name>far.test</org_name><email>a@far.test</email><report_id>1</report_id><date_range><begin>1788220800</begin><end>1788307199</end></date_range></report_metadata>
<policy_published><domain>here.test</domain><p>reject</p></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>7</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>here.test</header_from></identifiers><auth_results/></record>
<record><row><source_ip>203.0.113.9</source_ip><count>2</count><policy_evaluated><disposition>reject</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row><identifiers><header_from>here.test</header_from></identifiers><auth_results><spf><domain>evil.test</domain><result>pass</result></spf></auth_results></record>
</feedback>`

// The mails that this project itself sends, and bare reports, in a folder among other mail.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	var letter, packed strings.Builder
	require.NoError(t, tlsReport(t).Message(&letter, "tls@far.test", "tls@here.test", time.Now()))
	write("1.tls", "Received: by x\r\n"+letter.String())
	_, err := tlsReport(t).WriteTo(&packed)
	require.NoError(t, err)
	write("2.json.gz", packed.String())
	write("3.xml", dmarcXML)
	f, err := report.Parse(strings.NewReader(dmarcXML), report.Limits{})
	require.NoError(t, err)
	letter.Reset()
	require.NoError(t, f.Message(&letter, "far.test", "a@far.test", "dmarc@here.test", time.Now()))
	write("4.dmarc", letter.String())
	write("5.other", "Subject: hello\r\n\r\nno report\r\n")
	var out, errs bytes.Buffer
	require.Zero(t, reportcmd.Run([]string{dir}, nil, &out, &errs), errs.String())
	tls := "TLS    2026-09-01  here.test  policy sts, by mx.far.test: 3 sessions good, 1 failed\n        1  certificate-expired  mx.here.test  192.0.2.1  x509: ?[31mexpired\n"
	dmarc := "DMARC  2026-09-01  here.test  policy reject, by far.test: 7 messages good, 2 failed\n        2  reject  203.0.113.9  from here.test, spf=pass (evil.test)\n"
	require.Equal(t, tls+tls+dmarc+dmarc, out.String())

	out.Reset()
	require.Zero(t, reportcmd.Run(nil, strings.NewReader(dmarcXML), &out, &errs))
	require.Equal(t, dmarc, out.String())
	for _, bad := range [][]string{{filepath.Join(dir, "5.other")}, {filepath.Join(dir, "none")}, {"-"}} {
		errs.Reset()
		require.Equal(t, 1, reportcmd.Run(bad, strings.NewReader("<feedback>"), &out, &errs), bad)
		require.NotEmpty(t, errs.String())
	}
	out.Reset()
	require.Zero(t, reportcmd.Run([]string{t.TempDir()}, nil, &out, &errs))
	require.Equal(t, "no reports found\n", out.String())
}

func FuzzFind(f *testing.F) {
	var letter strings.Builder
	require.NoError(f, tlsReport(f).Message(&letter, "a@b.test", "c@d.test", time.Unix(0, 0)))
	f.Add([]byte(letter.String()))
	f.Add([]byte(dmarcXML))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _ := reportcmd.Find(bytes.NewReader(b))
		for _, r := range list {
			var out bytes.Buffer
			r.Show(&out)
			for _, c := range out.Bytes() {
				if c < ' ' && c != '\n' || c == 0x7f {
					t.Fatalf("%q", out.String())
				}
			}
		}
	})
}
