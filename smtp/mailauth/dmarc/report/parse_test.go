package report_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp/mailauth/dmarc"
	"github.com/buuta/mail/smtp/mailauth/dmarc/report"
)

func pack(t testing.TB, kind, text string) []byte {
	var b bytes.Buffer
	switch kind {
	case "gzip":
		z := gzip.NewWriter(&b)
		io.WriteString(z, text)
		require.NoError(t, z.Close())
	case "zip":
		z := zip.NewWriter(&b)
		w, err := z.Create("a.xml")
		require.NoError(t, err)
		io.WriteString(w, text)
		require.NoError(t, z.Close())
	default:
		b.WriteString(text)
	}
	return b.Bytes()
}

const other = `<?xml version="1.0" encoding="iso-8859-1"?><!-- made by hand --><feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><unknown><deep/></unknown>
<report_metadata><org_name>B` + "\xfc" + `cher</org_name><date_range><begin> 5 </begin><end>6</end></date_range><new>1</new></report_metadata>
<policy_published><domain>a.test</domain><p>none</p><testing>n</testing></policy_published>
<record><row><source_ip>192.0.2.1</source_ip><count>2</count></row><auth_results><spf><domain>x</domain><result>pass</result></spf></auth_results></record></feedback>`

// What others send: another namespace, other elements and encodings, gzip and zip.
func TestParse(t *testing.T) {
	for _, kind := range []string{"", "gzip", "zip"} {
		f, err := report.Parse(iotest.HalfReader(bytes.NewReader(pack(t, kind, other))), report.Limits{})
		require.NoError(t, err, kind)
		require.Equal(t, "Bücher", f.Metadata.Organization)
		require.Equal(t, time.Unix(5, 0).UTC(), f.Metadata.Begin.Time())
		require.EqualValues(t, 2, f.Records[0].Row.Count)
		require.Equal(t, dmarc.PolicyNone, f.Policy.Policy)
	}
	for name, in := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "another root": []byte("<html></html>"), "cut": []byte(other[:len(other)-20]), "cut gzip": pack(t, "gzip", other)[:100],
		"no gzip": []byte("\x1f\x8bxxxxxxxxxxxxxxxxx"), "cut zip": pack(t, "zip", other)[:100], "entity": []byte("<!DOCTYPE x [<!ENTITY a \"b\">]><feedback><version>&a;</version></feedback>"),
		"encoding": []byte("<?xml version=\"1.0\" encoding=\"utf-16\"?><feedback/>"), "a count": []byte(strings.Replace(other, "<count>2", "<count>x", 1)),
		"two files": twoFiles(t),
	} {
		_, err := report.Parse(bytes.NewReader(in), report.Limits{})
		require.ErrorIs(t, err, report.ErrSyntax, name)
	}
	_, err := report.Parse(io.MultiReader(strings.NewReader(other[:300]), iotest.ErrReader(errors.New("gone"))), report.Limits{})
	require.EqualError(t, err, "gone")
}

func twoFiles(t testing.TB) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range []string{"a", "b"} {
		_, err := z.Create(n)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// A small file can't become a large one here.
func TestParseLimits(t *testing.T) {
	for name, text := range map[string]string{
		"a value":          "<feedback><version>" + strings.Repeat("1", 2000) + "</version></feedback>",
		"a long value":     "<feedback><version>" + strings.Repeat("1", 300<<10) + "</version></feedback>",
		"a comment":        "<feedback><!--" + strings.Repeat("x", 300<<10) + "--></feedback>",
		"a name":           "<feedback><" + strings.Repeat("x", 300<<10) + "/></feedback>",
		"many signatures":  "<feedback><record><auth_results>" + strings.Repeat("<dkim/>", 101) + "</auth_results></record></feedback>",
		"signatures":       "<feedback><record><auth_results>" + strings.Repeat("<dkim/>", 100_000) + "</auth_results></record></feedback>",
		"errors":           "<feedback><report_metadata>" + strings.Repeat("<error/>", 101) + "</report_metadata></feedback>",
		"records":          "<feedback>" + strings.Repeat("<record/>", 1001) + "</feedback>",
		"skipped elements": "<feedback><x>" + strings.Repeat("<y/>", 100_000) + "</x></feedback>",
		"depth":            "<feedback>" + strings.Repeat("<y>", 100_000),
	} {
		_, err := report.Parse(bytes.NewReader(pack(t, "gzip", text)), report.Limits{Records: 1000})
		require.ErrorIs(t, err, report.ErrTooLarge, name)
	}
	_, err := report.Parse(io.LimitReader(endless{}, 1<<40), report.Limits{Packed: 1 << 17})
	require.ErrorIs(t, err, report.ErrTooLarge)
	_, err = report.Parse(bytes.NewReader(pack(t, "gzip", other)), report.Limits{XML: 100})
	require.ErrorIs(t, err, report.ErrTooLarge)
	_, err = report.Parse(bytes.NewReader(pack(t, "zip", other)), report.Limits{Packed: 100})
	require.ErrorIs(t, err, report.ErrTooLarge)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	n := copy(p, "<feedback><record></record>")
	for i := n; i+17 <= len(p); i += 17 {
		n += copy(p[i:], "<record></record>")
	}
	return n, nil
}

func FuzzParse(f *testing.F) {
	for _, kind := range []string{"", "gzip", "zip"} {
		f.Add(pack(f, kind, other))
	}
	var b bytes.Buffer
	require.NoError(f, collected(f)[0].Feedback.XML(&b))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := report.Parse(bytes.NewReader(data), report.Limits{})
		if err != nil {
			require.True(t, errors.Is(err, report.ErrSyntax) || errors.Is(err, report.ErrTooLarge), "%v", err)
			return
		}
		var b bytes.Buffer
		require.NoError(t, got.Gzip(&b))
		again, err := report.Parse(&b, report.Limits{XML: 1 << 30, Text: 4000})
		require.NoError(t, err)
		require.Len(t, again.Records, len(got.Records))
	})
}
