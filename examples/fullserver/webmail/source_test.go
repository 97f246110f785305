package webmail_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// TestSources holds the templates to texts of the catalogue, and the code to one place where HTML is made and none for scripts.
func TestSources(t *testing.T) {
	actions := regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	used := map[string]bool{}
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\$?\.[TN] "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		text := actions.ReplaceAllString(string(b), "")
		z := html.NewTokenizer(strings.NewReader(text))
		for {
			kind := z.Next()
			if kind == html.ErrorToken {
				break
			}
			token := z.Token()
			if kind == html.TextToken {
				require.NotRegexp(t, `\pL`, html.UnescapeString(token.Data), name)
			}
			for _, a := range token.Attr {
				switch a.Key {
				case "title", "aria-label", "alt", "placeholder":
					require.NotRegexp(t, `\pL`, a.Val, name)
				case "style":
					require.Fail(t, "style attribute", name)
				}
				require.False(t, strings.HasPrefix(a.Key, "on"), name)
			}
		}
	}
	all, err := filepath.Glob("*.go")
	require.NoError(t, err)
	scripts, err := filepath.Glob("static/*.js")
	require.NoError(t, err)
	for _, name := range append(all, scripts...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		if name != "safe.go" {
			require.NotRegexp(t, `template\.(HTML|JS|CSS|URL|HTMLAttr|Srcset)\(`, string(b), name)
		}
		require.NotRegexp(t, `insertAdjacentHTML|outerHTML|document\.write|\beval\(|new Function`, string(b), name)
		if name != "static/swap.js" {
			require.NotRegexp(t, `innerHTML|parseFromString|setHTMLUnsafe`, string(b), name)
		}
		for _, m := range regexp.MustCompile(`"([a-z]+\.[a-z]+)"`).FindAllStringSubmatch(string(b), -1) {
			if ext := filepath.Ext(m[1]); ext != ".js" && ext != ".css" && ext != ".svg" {
				used[m[1]] = true
			}
		}
	}
	texts := webmail.Texts()
	for key := range used {
		group, _, _ := strings.Cut(key, ".")
		if _, ok := texts[key]; !ok && texts["group "+group] != "" {
			require.Fail(t, "no text", key)
		}
	}
}

func TestHelpers(t *testing.T) {
	for _, name := range []string{"INBOX", "a/b", "..", ".", "~", "a~2Fb", "Dự án", "x y", "%2e%2e", `a\b`, "?#"} {
		esc := webmail.EscapeFolder(name)
		require.NotRegexp(t, `[/.\\ ?#%]`, esc)
		got, ok := webmail.UnescapeFolder(esc)
		require.True(t, ok, esc)
		require.Equal(t, name, got)
	}
	for _, bad := range []string{"", "~", "~2", "~2f", "~zz", "a/b", "a.b", "~41", "a~0Db", "\xff"} {
		_, ok := webmail.UnescapeFolder(bad)
		require.False(t, ok, bad)
	}
	for to, want := range map[string]string{"/mail/x?p=2": "/mail/x?p=2", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "/\tx": "/", "javascript:x": "/", "mail": "/"} {
		require.Equal(t, want, webmail.LocalPath(to, "/"), to)
	}
	for in, want := range map[string]string{"": "", "a@b.test": "a@b.test", "A <a@b.test>; c@d.test,": "a@b.test c@d.test", "a@b.test\nc@d.test": "a@b.test c@d.test",
		"Nhóm: a@b.test, c@d.test;": "a@b.test c@d.test"} {
		list, bad := webmail.ParseRecipients(in)
		require.Empty(t, bad, in)
		var got []string
		for _, a := range list {
			got = append(got, a.Addr())
		}
		require.Equal(t, want, strings.Join(got, " "), in)
	}
	for _, in := range []string{"jo", "a@", "a@b c@d", "<>", "a@b.test, jo"} {
		_, bad := webmail.ParseRecipients(in)
		require.NotEmpty(t, bad, in)
	}
	require.Equal(t, "a  b", webmail.Clean("a\r\nb\u202e\x00", 10))
	require.Equal(t, "abc", webmail.Clean("abcdef", 3))
	require.Equal(t, `inline; filename="H_p _x_.pdf"; filename*=UTF-8''H%E1%BB%A3p%20%22x%2F.pdf`, webmail.Disposition("inline", `Hợp "x/.pdf`))
}

// FuzzFolderURL: what the address of a folder means is what it was made of, whatever the name is.
func FuzzFolderURL(f *testing.F) {
	f.Add("a~2Fb")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := webmail.UnescapeFolder(webmail.EscapeFolder(s)); ok {
			require.Equal(t, s, got)
		}
		if name, ok := webmail.UnescapeFolder(s); ok {
			require.Equal(t, s, webmail.EscapeFolder(name))
		}
	})
}
