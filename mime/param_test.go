package mime_test

import (
	stdmime "mime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func ct(typ, sub string, params ...mime.Param) mime.ContentType {
	return mime.ContentType{Type: typ, Subtype: sub, Params: params}
}

func param(name, value string) mime.Param { return mime.Param{Name: name, Value: value} }

func extended(name, value string) mime.Param {
	return mime.Param{Name: name, Value: value, Extended: true}
}

func TestContentType(t *testing.T) {
	for _, c := range []struct {
		in   string
		want mime.ContentType
	}{
		{"text/plain", ct("text", "plain")},
		// RFC 2045 section 5.1: "text/plain; charset=us-ascii (Plain text)" and with quotes "are completely equivalent"
		{"text/plain; charset=us-ascii (Plain text)", ct("text", "plain", param("charset", "us-ascii"))},
		{`text/plain; charset="us-ascii"`, ct("text", "plain", param("charset", "us-ascii"))},
		{"TEXT/Plain (c) ;\r\n\tCHARSET = UTF-8 ; ", ct("text", "plain", param("charset", "UTF-8"))},
		{`multipart/mixed; boundary="a;b=\"c\\d"`, ct("multipart", "mixed", param("boundary", `a;b="c\d`))},
		// The examples of RFC 2231.
		{"message/external-body; access-type=URL; URL*0=\"ftp://\"; URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
			ct("message", "external-body", param("access-type", "URL"), param("url", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"))},
		{"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", ct("application", "x-stuff", extended("title", "This is ***fun***"))},
		{"application/x-stuff\r\n title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n title*2=\"isn't it!\"",
			ct("application", "x-stuff", extended("title", "This is even more ***fun*** isn't it!"))},
		{"a/b; x*1=two; x*0=one; x*3=gone", ct("a", "b", param("x", "onetwo"))},
		{"a/b; x=plain; x*=utf-8''th%C6%B0", ct("a", "b", extended("x", "thư"))},
		{"a/b; x*1=one; x*2=two", ct("a", "b", param("x", "onetwo"))}, // counted from 1
		{"a/b; x*=iso-8859-1''J%F8rn", ct("a", "b", extended("x", "Jørn"))},
		{"a/b; x*=th%C6%B0", ct("a", "b", param("x", "thư"))}, // charset forgotten
		{"a/b; x*=utf-8''100%", ct("a", "b", extended("x", "100%"))},
		// breakage
		{"text/plain; name=my file.txt", ct("text", "plain", param("name", "my file.txt"))},
		{"text/plain charset=utf-8; x=y", ct("text", "plain", param("charset", "utf-8"), param("x", "y"))},
		{"text/plain; a=b c=d", ct("text", "plain", param("a", "b"), param("c", "d"))},
		{`text/plain; a="b" c="d"`, ct("text", "plain", param("a", "b"), param("c", "d"))},
		{`text/plain; name="cut.txt`, ct("text", "plain", param("name", "cut.txt"))},
		{`text/plain; name="C:\new\x.txt"`, ct("text", "plain", param("name", `C:\new\x.txt`))},
		{"text/plain;;; =; x; a=b", ct("text", "plain", param("a", "b"))},
		{"text/plain; a=1; A=2", ct("text", "plain", param("a", "1"))},
		{"text/plain; boundary==_x", ct("text", "plain", param("boundary", "=_x"))},
		{"text/plain, charset=utf-8", ct("text", "plain", param("charset", "utf-8"))},
		{"text/plain; name=caf\xe9.txt", ct("text", "plain", param("name", "café.txt"))},
		{"multipart/mixed; boundary=\xe9", ct("multipart", "mixed", param("boundary", "\xe9"))}, // as in the body
		{"text/plain; name=a b.txt\"", ct("text", "plain", param("name", "a b.txt"))},
		{"text/html; charset=", ct("text", "html", param("charset", ""))},
	} {
		got, err := mime.ParseContentType(c.in)
		require.NoError(t, err, "%q", c.in)
		if len(c.want.Params) == 0 {
			require.Empty(t, got.Params)
			got.Params = nil
		}
		require.Equal(t, c.want, got, "%q", c.in)
	}
	// RFC 2045 section 5.2: what can't be read is text/plain, unless it clearly is something else.
	for in, want := range map[string]string{
		"": "text/plain", "text": "text/plain", "/": "text/plain", "pdf": "application/octet-stream", "application/": "application/octet-stream",
		"multipart; boundary=x": "multipart/mixed", "multipart": "application/octet-stream", "charset=utf-8": "text/plain", "multipart/; boundary=x": "multipart/mixed", ";charset=utf-8": "text/plain",
	} {
		got, err := mime.ParseContentType(in)
		require.Error(t, err)
		require.Equal(t, want, got.MediaType(), "%q", in)
	}
}

func TestDisposition(t *testing.T) {
	d, err := mime.ParseDisposition("ATTACHMENT; filename=\"=?utf-8?q?th=C6=B0.txt?=\"")
	require.NoError(t, err)
	require.Equal(t, "attachment", d.Type)
	require.Equal(t, "=?utf-8?q?th=C6=B0.txt?=", d.Param("filename"))
	// RFC 2183 section 2.8: "Unrecognized disposition types should be treated as attachment"
	d, err = mime.ParseDisposition("; filename=x")
	require.Error(t, err)
	require.Equal(t, mime.Disposition{Type: "attachment", Params: []mime.Param{param("filename", "x")}}, d)
}

func TestParameterLimit(t *testing.T) {
	p := mime.ParamParser{Max: 3}
	c, err := p.ContentType("a/b" + strings.Repeat("; x=1; y=2; z=3; w=4", 100))
	require.NoError(t, err)
	require.Len(t, c.Params, 3)
}

// What is written is read back, by the standard library too.
func TestParamsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringOf(rapid.RuneFrom([]rune("ab c;=\"\\'*%()thư😀"))).Draw(t, "value")
		v += strings.Repeat("x", rapid.IntRange(0, 200).Draw(t, "long"))
		s := mime.FormatParams("attachment", []mime.Param{param("filename", v)})
		d, err := mime.ParseDisposition(s)
		require.NoError(t, err)
		require.Equal(t, v, d.Param("filename"), "%s", s)
		_, std, err := stdmime.ParseMediaType(s)
		require.NoError(t, err, "%s", s)
		require.Equal(t, v, std["filename"], "%s", s)

		var h mime.Header
		require.NoError(t, h.AddRaw("Content-Disposition", s))
		for line := range strings.Lines(written(&h)) {
			require.LessOrEqual(t, len(line), 80)
		}
		d, err = mime.ParseDisposition(h.Get("Content-Disposition"))
		require.NoError(t, err)
		require.Equal(t, v, d.Param("filename"))
	})
}

func TestParamsAgainstStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := "a/b" + rapid.StringMatching(`(; ?[xyz](\*[01]\*?|\*)?=([a-z0-9]{1,5}|"[a-z ;=]{0,5}"|utf-8''[a-z%4]{1,6})){0,3}`).Draw(t, "params")
		typ, std, err := stdmime.ParseMediaType(s)
		if err != nil || strings.Contains(s, "*") && strings.Contains(s, "\"") {
			return
		}
		got, err := mime.ParseContentType(s)
		require.NoError(t, err)
		require.Equal(t, typ, got.MediaType())
		for name, v := range std {
			if !strings.Contains(s, "*") {
				require.Equal(t, v, got.Param(name), "%s", s)
			}
		}
	})
}

func FuzzContentType(f *testing.F) {
	for _, s := range []string{"text/plain; charset=utf-8", `a/b; x*0*=utf-8''%41; x*1="b"; y="c\"`, "a/b; x=(c", "a/b; x=y z=w", "multipart/mixed; boundary=\"a b \""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, _ := mime.ParseContentType(s)
		require.NotEmpty(t, c.Type)
		require.NotEmpty(t, c.Subtype)
		d, _ := mime.ParseDisposition(s)
		require.NotEmpty(t, d.Type)
		again, err := mime.ParseContentType(c.String())
		require.NoError(t, err)
		require.Equal(t, c.MediaType(), again.MediaType())
	})
}
