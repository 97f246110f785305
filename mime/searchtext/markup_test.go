package searchtext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func strip(s string, glue func(string) bool, pieces ...int) string {
	f := &folder{max: 1 << 20}
	x := stripper{to: f, glue: glue}
	for _, n := range pieces {
		n = min(n, len(s))
		x.Write([]byte(s[:n]))
		s = s[n:]
	}
	x.Write([]byte(s))
	x.end()
	f.end()
	return strings.Trim(string(f.out), " ")
}

func TestStripHTML(t *testing.T) {
	for in, want := range map[string]string{
		"<p>H<b>ó</b>a</p><p>đơn</p>":                       "hoa don",
		"a<br>b<br/>c<td>d</td>e":                           "a b c d e",
		"<div title=\"a > b\" data-x='<i>'>x</div>":         "x",
		"<a href=x>y</a>":                                   "y",
		"a <!-- b --> c <!-- -- > d -->e":                   "a c e",
		"<!-->x":                                            "x",
		"<!DOCTYPE html><?xml version='1.0'?>x":             "x",
		"<script>if (a<b) '</scr' + '</p>'</SCRIPT >x":      "x",
		"<style>p{}</style ><title>t</title>y":              "y",
		"&lt;b&gt; &amp;amp; &eacute;t&#233; &#x111; &nbsp": "<b> &amp; ete d",
		"a &unknown; b & c &":                               "a &unknown; b & c &",
		"1 < 2 and 3 <4 <":                                  "1 < 2 and 3 <4 <",
		"<b":                                                "",
		"x<span":                                            "x",
		"<p class=a\"b>it's</p>":                            "it's",
		"<xml><o:x>junk</o:x></xml>z":                       "z",
		"<![CDATA[x]]>y":                                    "y",
		"one<o:p></o:p>two":                                 "onetwo",
		"" + strings.Repeat("<", 3) + "b>x":                 "<<x",
	} {
		require.Equal(t, want, strip(in, htmlGlue), "%s", in)
		for n := range len(in) {
			require.Equal(t, want, strip(in, htmlGlue, n), "%s cut at %d", in, n)
			require.Equal(t, want, strip(in, htmlGlue, n, 1, 1), "%s cut at %d", in, n)
		}
	}
}

func TestStripOffice(t *testing.T) {
	require.Equal(t, "hoa don so 7", strip("<w:p><w:r><w:t>Hó</w:t></w:r><w:r><w:t>a</w:t></w:r></w:p><w:p><w:t>đơn</w:t><w:tab/><w:t>số 7</w:t></w:p>", officeGlue))
	require.Equal(t, "a b", strip("<text:h>a</text:h><text:p>b</text:p>", officeGlue))
}

func FuzzStrip(f *testing.F) {
	f.Add("<p title='a>b'>x&amp;y<!-- c --><script></script>", 7)
	f.Fuzz(func(t *testing.T, s string, n int) {
		want := strip(s, htmlGlue)
		if n >= 0 && n <= len(s) {
			if got := strip(s, htmlGlue, n, 1); got != want {
				t.Fatalf("in pieces %q, whole %q", got, want)
			}
		}
		if strings.Contains(strip("<script>"+strings.ReplaceAll(s, "/", "")+"</script>", htmlGlue), "<script") {
			t.Fatal("script shown")
		}
	})
}
