package mailhtml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/mailhtml"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`a<br>b<p>c</p>d`: "a\nb\n\nc\n\nd\n",
		`<ul><li>a<li>b<ol start=3><li>c</ol></ul>d`:            "* a\n* b\n  3. c\n\nd\n",
		`<a href="https://x.example/">here</a>`:                 "here <https://x.example/>\n",
		`<a href="https://x.example/">x.example</a>`:            "x.example\n",
		`<a href="mailto:a@b.example">a@b.example</a>`:          "a@b.example\n",
		`<a href="javascript:x">here</a>`:                       "here\n",
		`<blockquote>a<blockquote>b</blockquote></blockquote>c`: "> a\n>\n>> b\n\nc\n",
		`<table><tr><th>a<th>b<tr><td>c<td>d</table>`:           "a | b\nc | d\n",
		"<pre>a\n  b</pre>":                                     "a\n  b\n",
		`<img alt=Logo><img>`:                                   "[Logo]\n",
		`<style>x</style><script>y</script><title>z</title>a`:   "a\n",
		`<div style="display: none">x<p>y</p></div>a`:           "a\n",
		"a \n\t b&nbsp;c&shy;d":                                 "a b cd\n",
		`<h1>a</h1>b`:                                           "a\n\nb\n",
		`<p>-- <br>me`:                                          "-- \nme\n",
		``:                                                      "",
	} {
		require.Equal(t, want, mailhtml.Text([]byte(in), nil), in)
	}
	long := strings.Repeat("word ", 40)
	for line := range strings.Lines(mailhtml.Text([]byte("<ul><li>"+long+"</ul><blockquote>"+long), nil)) {
		require.LessOrEqual(t, len(line), 73)
	}
	require.Contains(t, mailhtml.Text([]byte("<li>"+long), nil), "\n  word")
}

// "If the text is quoted, each line is quoted; a flowed line ends in a space" (RFC 3676 section 4): what is flowed comes
// back as it was written.
func TestTextFlowed(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("tiếng Việt ", 30))
	flowed := mailhtml.Text([]byte("<p>"+long+"<blockquote>"+long+"</blockquote><pre>From me\n >x</pre>"), &mailhtml.TextOptions{Flowed: true})
	require.Contains(t, flowed, "\n From me\n  >x\n")
	require.Equal(t, long+"\n\n> "+long+"\n\nFrom me\n >x\n", mime.Unflow(flowed, false))
	require.Equal(t, long+"\n", mailhtml.Text([]byte(long), &mailhtml.TextOptions{Width: -1}))
}

func TestFromText(t *testing.T) {
	link := func(href, text string) string { return `<a href="` + href + `"` + rel + `>` + text + `</a>` }
	for in, want := range map[string]string{
		"a\nb":                          "a<br>\nb",
		"<b>&":                          "&lt;b&gt;&amp;",
		"> a\n>> b\nc":                  "<blockquote>a<blockquote>b</blockquote></blockquote>c",
		"see (http://x.example/a_(b)).": "see (" + link("http://x.example/a_(b)", "http://x.example/a_(b)") + ").",
		"www.x.example, ok":             link("https://www.x.example", "www.x.example") + ", ok",
		"<a@b.example>":                 "&lt;" + link("mailto:a@b.example", "a@b.example") + "&gt;",
		"http://x.example/?a=1&b=2":     link("http://x.example/?a=1&amp;b=2", "http://x.example/?a=1&amp;b=2"),
		"javascript:alert(1)":           "javascript:alert(1)",
		"http://\"onclick=x":            "http://\"onclick=x",
		"a  b":                          "a\u00a0 b",
		"hi\n-- \nme":                   `hi<div class="m-signature">-- <br>` + "\nme</div>",
		"\x00\x07x":                     "x",
	} {
		require.Equal(t, `<div class="m-text">`+want+`</div>`, mailhtml.FromText(in, ""), in)
	}
}
