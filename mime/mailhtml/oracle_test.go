package mailhtml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/microcosm-cc/bluemonday"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/mime/mailhtml"
)

// oracle is a bluemonday policy that allows exactly what the lists of check_test.go do.
func oracle() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	var names []string
	for n := range okElements {
		if n != "style" && n != "html" && n != "head" && n != "body" && n != "meta" {
			names = append(names, n)
		}
	}
	p.AllowElements(names...)
	p.AllowNoAttrs().OnElements(names...)
	for a := range okAttrs {
		p.AllowAttrs(a).Globally()
	}
	p.AllowAttrs("name").OnElements("map")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowRelativeURLs(true) // "#part"
	p.AllowDataURIImages()
	return p
}

// TestOracle gives what comes out to bluemonday, which must find nothing to remove.
func TestOracle(t *testing.T) {
	p := oracle()
	s := mailhtml.Sanitizer{}
	corpus := map[string]string{}
	for _, v := range vectors {
		corpus[v.class+"/"+v.name] = v.in
	}
	for _, name := range newsletters(t) {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		corpus[name] = string(b)
	}
	for name, in := range corpus {
		out := string(s.Sanitize([]byte(in)).HTML)
		if i, j := strings.Index(out, "<style>"), strings.Index(out, "</style>"); i >= 0 {
			out = out[:i] + out[j+len("</style>"):] // bluemonday has no opinion on style sheets
		}
		require.Equal(t, tags(out), tags(p.Sanitize(out)), name)
	}
}

func tags(src string) (out []string) {
	z := html.NewTokenizer(strings.NewReader(src))
	for z.Next() != html.ErrorToken {
		if tok := z.Token(); tok.Type == html.StartTagToken || tok.Type == html.EndTagToken || tok.Type == html.SelfClosingTagToken {
			s := tok.Data
			for _, a := range tok.Attr {
				s += " " + a.Key
			}
			out = append(out, s)
		}
	}
	return out
}

// TestWhyNotBluemonday holds what docs/decisions/0014 says about bluemonday's own policies: if this fails, read it again.
func TestWhyNotBluemonday(t *testing.T) {
	b, err := os.ReadFile("testdata/shop.in.html")
	require.NoError(t, err)
	ugc := bluemonday.UGCPolicy().Sanitize(string(b))
	require.NotContains(t, ugc, "style=", "inline styles are gone")
	require.NotContains(t, ugc, "bgcolor")
	require.Contains(t, ugc, "https://track.shop.example/", "the tracking pixel is not")

	p := bluemonday.NewPolicy()
	p.AllowElements("style", "p")
	require.NotContains(t, p.Sanitize(`<style>p{color:red}</style><p>x`), "color", "no style sheets,")
	p.AllowUnsafe(true)
	require.Contains(t, p.Sanitize(`<style>@import url(//evil.example)</style><p>x`), "@import", "or all of them, unread")
}

func newsletters(t testing.TB) []string {
	files, err := filepath.Glob("testdata/*.in.html")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 5)
	return files
}
