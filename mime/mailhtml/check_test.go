package mailhtml_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/mime/mailhtml"
)

// The lists here are those of the tests, written apart from the package's: what is not on them must never come out.
var (
	okElements = words(`html head body meta style div span p br hr a b i u s em strong small big sub sup tt code kbd samp var cite
		abbr acronym dfn del ins mark q time bdi bdo font strike center address article aside section header footer main
		nav figure figcaption details summary h1 h2 h3 h4 h5 h6 ul ol li dl dt dd pre blockquote table caption colgroup col
		thead tbody tfoot tr td th img map area wbr label fieldset legend`)
	okControls = words(`form input button select option optgroup textarea`)
	okAttrs    = words(`class id style title alt summary abbr lang dir role align valign width height border cellpadding
		cellspacing hspace vspace colspan rowspan span start size color bgcolor bordercolor face nowrap noshade hidden reversed
		open type value href rel target src usemap shape coords background data-blocked clear scope frame rules datetime
		aria-label label for cols rows`)
	okControlAttrs = words(`action method name checked selected disabled readonly required multiple placeholder maxlength`)
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// check parses out as a browser would and fails for whatever is not on the lists.
func check(t testing.TB, s *mailhtml.Sanitizer, in string, out []byte) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(string(out)))
	require.NoError(t, err)
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch n.Type {
		case html.ElementNode:
			if n.Namespace != "" || !okElements[n.Data] && !(s.Forms && okControls[n.Data]) {
				t.Fatalf("element <%s> from %q in %s", n.Data, in, out)
			}
			for _, a := range n.Attr {
				checkAttr(t, s, n, a, out)
			}
			if n.Data == "style" && n.FirstChild != nil {
				checkCSS(t, n.FirstChild.Data)
			}
		case html.CommentNode:
			t.Fatalf("comment %q in %s", n.Data, out)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
}

func checkAttr(t testing.TB, s *mailhtml.Sanitizer, n *html.Node, a html.Attribute, out []byte) {
	t.Helper()
	if n.Data == "meta" {
		require.Equal(t, mailhtml.Document, s.Mode)
		return
	}
	if a.Key == "name" && n.Data == "map" {
		return
	}
	if !okAttrs[a.Key] && !(s.Forms && okControlAttrs[a.Key]) {
		t.Fatalf("attribute %s=%q in %s", a.Key, a.Val, out)
	}
	switch a.Key {
	case "href", "action":
		if !strings.HasPrefix(a.Val, "#m-") {
			u, err := url.Parse(a.Val)
			if err == nil {
				require.Contains(t, []string{"http", "https", "mailto", "tel"}, u.Scheme)
			}
			require.Regexp(t, `^(https?|mailto|tel):`, a.Val)
		}
	case "src", "background":
		require.Regexp(t, `^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*$`, a.Val)
	case "style":
		checkCSS(t, a.Val)
	case "class", "id":
		for w := range strings.FieldsSeq(a.Val) {
			require.True(t, strings.HasPrefix(w, "m-"), w)
		}
	}
}

func checkCSS(t testing.TB, css string) {
	t.Helper()
	require.NotContains(t, css, "<")
	low := strings.ToLower(outsideStrings(css))
	for _, bad := range []string{"expression", "javascript", "@import", "@font-face", "behavior", "binding", "position:", "position: fixed",
		"var(", "attr(", "env(", "image-set", "element(", "/*", "content:", "z-index", "src:"} {
		if strings.Contains(low, bad) && !strings.Contains(low, "background-position:") && !strings.Contains(low, "list-style-position:") &&
			!strings.Contains(low, "object-position:") {
			require.NotRegexp(t, `(^|[ ;{])`+strings.NewReplacer("(", `\(`, "*", `\*`).Replace(bad), low)
		}
	}
	for rest := low; ; {
		_, after, ok := strings.Cut(rest, "url(")
		if !ok {
			break
		}
		require.True(t, strings.HasPrefix(after, "''"), "only strings in url(): %s", css)
		rest = after
	}
	for rest := css; ; {
		_, after, ok := strings.Cut(rest, "url('")
		if !ok {
			break
		}
		require.True(t, strings.HasPrefix(after, "data:image/"), css)
		rest = after
	}
}

// outsideStrings empties the strings of CSS that the package wrote: single quotes, with no quotes in them.
func outsideStrings(css string) string {
	var b strings.Builder
	for i, part := range strings.Split(css, "'") {
		if i%2 == 0 {
			b.WriteString(part)
		} else {
			b.WriteString("''")
		}
	}
	return b.String()
}

// roundTrip is whether an HTML parser takes out for exactly what it says.
func roundTrip(t testing.TB, out []byte) {
	t.Helper()
	src := string(out)
	if !strings.HasPrefix(src, "<!DOCTYPE") {
		src = "<!DOCTYPE html><html><head></head><body>" + src + "</body></html>"
	}
	doc, err := html.Parse(strings.NewReader(src))
	require.NoError(t, err)
	// Written again from the parser's tree and brought to the tokens of both: differences in spelling don't count.
	var again strings.Builder
	require.NoError(t, html.Render(&again, doc))
	require.Equal(t, tokens(src), tokens(again.String()))
}

func tokens(src string) []string {
	var ts []string
	z := html.NewTokenizer(strings.NewReader(src))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ts
		case html.TextToken:
			if s := z.Token().Data; len(ts) > 0 && strings.HasPrefix(ts[len(ts)-1], "=") {
				ts[len(ts)-1] += s
			} else if strings.TrimSpace(s) != "" || len(ts) > 2 {
				ts = append(ts, "="+s)
			}
		default:
			tok := z.Token()
			if tok.Type == html.SelfClosingTagToken {
				tok.Type = html.StartTagToken
			}
			slices.SortFunc(tok.Attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
			ts = append(ts, tok.String())
		}
	}
}

// full checks everything that holds for every input.
func full(t testing.TB, s *mailhtml.Sanitizer, in string) []byte {
	t.Helper()
	r := s.Sanitize([]byte(in))
	check(t, s, in, r.HTML)
	again := s.Sanitize(r.HTML)
	if string(again.HTML) != string(r.HTML) {
		t.Fatalf("not stable: %q\n1: %s\n2: %s", in, r.HTML, again.HTML)
	}
	roundTrip(t, r.HTML)
	return r.HTML
}
