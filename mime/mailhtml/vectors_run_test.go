package mailhtml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// TestVectors runs every attack in every mode: nothing that isn't on the lists of check_test.go comes out, nothing names
// the attacker's host, and the output is a fixed point.
func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.class+"/"+v.name, func(t *testing.T) {
			for _, s := range modes {
				out := full(t, &s, v.in)
				require.NotRegexp(t, `<(script|svg|math|iframe|object|embed|base|link)`, strings.ToLower(string(out)))
				if v.class == "remote" || v.class == "css" || v.class == "svg" || v.class == "frame" {
					noAttribute(t, out, "evil.example")
				}
			}
		})
	}
}

// noAttribute fails if a word stands anywhere but in text.
func noAttribute(t *testing.T, out []byte, word string) {
	z := html.NewTokenizer(strings.NewReader(string(out)))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		for _, a := range tok.Attr {
			require.NotContains(t, a.Val, word)
		}
		if tok.Type == html.StartTagToken && tok.Data == "style" {
			z.Next()
			require.NotContains(t, string(z.Text()), word)
		}
	}
}
