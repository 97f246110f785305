package mailhtml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/mailhtml"
)

var modes = []mailhtml.Sanitizer{{}, {Mode: mailhtml.Document}, {Forms: true}, {Limits: mailhtml.Limits{Depth: 12}}}

func FuzzSanitize(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.in)
	}
	files, _ := filepath.Glob("testdata/*.in.html")
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, s := range modes {
			full(t, &s, in)
		}
	})
}

func FuzzCSS(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.in)
	}
	f.Add(`a{color:red}@media screen{b{margin:0 auto!important}}`)
	f.Add(`.sm\:w-1\/2>td:nth-child(2n + 1)[class*="x"]{font:12px/1.5 "A B",serif;background:url("x y.png") no-repeat,linear-gradient(#fff,red)}`)
	f.Fuzz(func(t *testing.T, css string) {
		for _, s := range modes[:2] {
			full(t, &s, "<style>"+css+"</style><p>x")
			full(t, &s, `<p style="`+strings.ReplaceAll(css, `"`, "&quot;")+`">x`)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.in, 40)
	}
	f.Add("<ul><li>a<blockquote>b<pre>c\nd</pre>", -1)
	f.Fuzz(func(t *testing.T, in string, width int) {
		out := mailhtml.Text([]byte(in), &mailhtml.TextOptions{Width: width, Flowed: width%2 == 0})
		require.True(t, utf8.ValidString(out))
		require.LessOrEqual(t, len(out), 40*len(in)+4096)
		for _, c := range out {
			require.False(t, c < ' ' && c != '\n' || c == 0x7f, "control character %q", c)
		}
	})
}

func FuzzFromText(f *testing.F) {
	f.Add("> a\n>> b\nhttp://x.y/?a=1&b=2 <script> a@b.c\n-- \nme")
	f.Add("javascript:alert(1) http://a\"onclick=b www.x.y, (https://a.b/c(d))")
	f.Fuzz(func(t *testing.T, in string) {
		out := mailhtml.FromText(in, "")
		var s mailhtml.Sanitizer
		safe := string(s.Sanitize([]byte(out)).HTML)
		require.Equal(t, `<div class="m--root">`+out+`</div>`, safe)
		roundTrip(t, []byte(safe))
	})
}
