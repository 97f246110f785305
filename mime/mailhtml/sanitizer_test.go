package mailhtml_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/mailhtml"
)

// fragment is the output of the zero Sanitizer without the <div> around it.
func fragment(t testing.TB, in string) string {
	t.Helper()
	out := string(full(t, &mailhtml.Sanitizer{}, in))
	out, ok := strings.CutPrefix(out, `<div class="m--root">`)
	require.True(t, ok, out)
	return strings.TrimSuffix(out, "</div>")
}

const rel = ` rel="noopener noreferrer nofollow" target="_blank"`

func TestStructure(t *testing.T) {
	for in, want := range map[string]string{
		`a<p>b<p>c`:                                     `a<p>b</p><p>c</p>`,
		`<ul><li>a<li>b<ul><li>c</ul></ul>`:             `<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>`,
		`<dl><dt>a<dd>b<dt>c`:                           `<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>`,
		`<table><tr><td>a<td>b<tr><td>c</table>d`:       `<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>d`,
		`<table><td>a<table><tr><td>b</table>c</table>`: `<table><tbody><tr><td>a<table><tbody><tr><td>b</td></tr></tbody></table>c</td></tr></tbody></table>`,
		`<td>a</td><tr>b`:                               `ab`,
		`<table>a<tr><td>b</table>`:                     `<table><tbody><tr><td>a</td></tr><tr><td>b</td></tr></tbody></table>`,
		`<table><col width=9><tr><td>a`:                 `<table><colgroup><col width="9"></colgroup><tbody><tr><td>a</td></tr></tbody></table>`,
		`<b><table><tr><td>x</b>y</table>z</b>`:         `<b><table><tbody><tr><td>xy</td></tr></tbody></table>z</b>`,
		`<p><b>x<div>y</b>z</div>`:                      `<p><b>x</b></p><div><b>y</b>z</div>`,
		`<b>x<i>y</b>z</i>`:                             `<b>x<i>y</i></b><i>z</i>`,
		`<a href=http://a.example><div>x</div></a>y`:    `<a href="http://a.example"` + rel + `><div>x</div></a>y`,
		`<a name=t><p>x<p>y`:                            `<p><a id="m-t">x</a></p><p><a id="m-t">y</a></p>`,
		`<div><span>x</div>y`:                           `<div><span>x</span></div>y`,
		`<div><b>x</div>y`:                              `<div><b>x</b></div><b>y</b>`,
		`<h1>a<h2>b</h1>c`:                              `<h1>a</h1><h2>b</h2>c`,
		"<pre>\n\na\n b</pre>":                          "<pre>a\n b</pre>",
		`<o:p>x</o:p><blink>y</blink>`:                  `xy`,
		`<img alt=a><image alt=b>`:                      `<img alt="a" data-blocked="image"><img alt="b" data-blocked="image">`,
		`&lt;script&gt; &amp;amp; &copy; <3`:            `&lt;script&gt; &amp;amp; © &lt;3`,
		`<!--[if mso]>a<![endif]--><!--[if !mso]><!-->b<!--<![endif]--><![if !mso]>c<![endif]>`: `bc`,
		`<xml><o:x>1</o:x></xml>a<xml>b`:                    `ab`,
		`<noscript>a<p>b</p></noscript>`:                    `a<p>b</p>`,
		`<center><font color=red size=+1>a</font></center>`: `<center><font color="red" size="+1">a</font></center>`,
	} {
		require.Equal(t, want, fragment(t, in), in)
	}
}

func TestStyleAttributes(t *testing.T) {
	for in, want := range map[string]string{
		`color:red`:                                                  `color: red`,
		`COLOR : RED ;; margin:0 auto`:                               `color: RED; margin: 0 auto`,
		`col\6f r:red`:                                               `color: red`,
		`color:r\65 d`:                                               `color: red`,
		`color/**/:/**/red/* ; x:y */`:                               `color: red`,
		`color:red;*display:inline;_height:1px;top:0`:                `color: red`,
		`width:calc(100% - 2px);margin:0`:                            `width: calc(100% - 2px); margin: 0`,
		`font-family:"Segoe UI",'a;b',x`:                             `font-family: 'Segoe UI','a;b',x`,
		`font-family:"a\"b<c"`:                                       `font-family: 'a\22 b\3c c'`,
		`color:red !  important; width : 1px!IMPORTANT`:              `color: red !important; width: 1px !important`,
		`background:#FFF url(http://x.example/a.png) no-repeat`:      `background: #FFF none no-repeat`,
		`background-image:url("cid:a@b"),linear-gradient(#fff,#000)`: `background-image: none,linear-gradient(#fff,#000)`,
		`color:expression(alert(1));width:1px`:                       `width: 1px`,
		`width:expr/**/ession(1)`:                                    ``,
		`color:var(--x,red)`:                                         ``,
		`--x:1;all:unset;position:relative`:                          ``,
		`margin:-1px;padding:1px`:                                    `padding: 1px`,
		`margin:-0`:                                                  `margin: -0`,
		`background-position:-5px 0`:                                 `background-position: -5px 0`,
		`color:red}b{color:blue`:                                     ``,
		`color:rgb(1,2,3`:                                            `color: rgb(1,2,3)`,
		`width:1px\9;height:2px`:                                     `height: 2px`,
		`width:{a:b};height:2px`:                                     `height: 2px`,
	} {
		got := fragment(t, `<p style="`+strings.ReplaceAll(in, `"`, "&quot;")+`">x`)
		if want != "" {
			want = ` style="` + want + `"`
		}
		require.Equal(t, `<p`+want+`>x</p>`, got, in)
	}
}

func TestStyleSheets(t *testing.T) {
	for in, want := range map[string]string{
		`p,.a>b{color:red}`:                                  `.m--root p, .m--root .m-a > b { color: red }`,
		`body{color:red}html body.x p{margin:0}`:             `.m--root { color: red }|.m--root.m-x p { margin: 0 }`,
		`html>body a:hover{color:red}`:                       `.m--root a:hover { color: red }`,
		`body~p,p:has(a),p::before,p{color:red}`:             `.m--root p { color: red }`,
		`#x[class="a b"]{color:red}`:                         `.m--root #m-x[class='m-a m-b'] { color: red }`,
		`.w-1\/2{width:50%}`:                                 `.m--root .m-w-1\2f 2 { width: 50% }`,
		`<!-- p{color:red} -->`:                              `.m--root p { color: red }`,
		`@import "x";@charset "y";p{color:red}`:              `.m--root p { color: red }`,
		`@font-face{src:url(x)}p{color:red}`:                 `.m--root p { color: red }`,
		`@media (max-width:9px){@media print{p{color:red}}}`: `@media (max-width:9px) {|@media print {|.m--root p { color: red }|}|}`,
		`@media screen and (x<1){p{color:red}}`:              ``,
		`tr:nth-child( 2n + 1 ) td{color:red}`:               `.m--root tr:nth-child(2n + 1) td { color: red }`,
		`p{}`:                                                ``,
		`p{color:red`:                                        `.m--root p { color: red }`,
		`*{color:red}`:                                       `.m--root * { color: red }`,
	} {
		got := fragment(t, `<style>`+in+`</style>x`)
		if want != "" {
			want = "<style>\n" + strings.ReplaceAll(want, "|", "\n") + "\n</style>"
		}
		require.Equal(t, want+`x`, got, in)
	}
}

func TestImages(t *testing.T) {
	var seen []mailhtml.Image
	s := mailhtml.Sanitizer{Image: func(im mailhtml.Image) string {
		seen = append(seen, im)
		switch {
		case im.Kind == mailhtml.ImageCID:
			return "/part/2?a=1&b=2"
		case im.Host == "good.example":
			return "https://proxy.example/?u=" + im.URL
		case im.Host == "odd.example":
			return "javascript:alert(1)"
		}
		return ""
	}}
	r := s.Sanitize([]byte(`<img src="CID:%3Ca%40b%3E"><img src=" //GOOD.example:80/x.png "><img src=http://odd.example/>` +
		`<td background=x><p style="background:url(http://good.example/y)"><img src=http://t.example/?u=1 width=1 height=1><img src=image001.png>`))
	out := string(r.HTML)
	require.Contains(t, out, `<img src="/part/2?a=1&amp;b=2">`)
	require.Contains(t, out, `<img src="https://proxy.example/?u=https://GOOD.example:80/x.png">`)
	require.Contains(t, out, `background: url('https://proxy.example/?u=http://good.example/y')`)
	require.NotContains(t, out, "javascript")
	require.Equal(t, []string{"good.example", "odd.example", "t.example"}, r.Hosts)
	require.Equal(t, []string{"a@b"}, r.ContentIDs)
	require.Equal(t, []int{4, 2, 1}, []int{r.Remote, r.Blocked, r.Pixels})
	require.Len(t, seen, 6)
	require.True(t, seen[3].Background)
	require.True(t, seen[4].Pixel)
	require.Equal(t, mailhtml.ImageRelative, seen[5].Kind)
}

func TestLinks(t *testing.T) {
	s := mailhtml.Sanitizer{Link: func(u string) string {
		if strings.HasPrefix(u, "mailto:") {
			return "/compose?to=" + strings.TrimPrefix(u, "mailto:")
		}
		if strings.Contains(u, "bad") {
			return ""
		}
		return u
	}}
	r := s.Sanitize([]byte(`<a href="mailto:a@b.example">a</a><a href=http://bad.example>b</a><a href="https:\\x.example\y z">c</a><a href=/rel>d</a><a href=#e>e</a>`))
	require.Equal(t, `<div class="m--root"><a href="/compose?to=a@b.example"`+rel+`>a</a><a>b</a><a href="https://x.example/y%20z"`+rel+`>c</a>`+
		`<a>d</a><a href="#m-e">e</a></div>`, strings.ReplaceAll(string(r.HTML), `href="/rel"`, ""))
	require.Equal(t, 3, r.Links)
}

func TestForms(t *testing.T) {
	require.Equal(t, `<div class="m--root"><textarea></textarea></div>`, string(full(t, &mailhtml.Sanitizer{Forms: true}, "<textarea>")))
	in := `<form action=https://f.example/ method=POST><p><input name=q value=1><input type=password><select><option>a<option selected>b</select><textarea>
</form>x</textarea><button>Go</button></form><form>y<input></form>`
	require.Equal(t, "<p>Goy</p>", fragment(t, in))
	out := string(full(t, &mailhtml.Sanitizer{Forms: true}, in))
	require.Equal(t, `<div class="m--root"><form action="https://f.example/" method="post"`+rel+`><p><input name="q" value="1">`+
		`<select><option>a</option><option selected="">b</option></select><textarea>&lt;/form&gt;x</textarea><button>Go</button></p></form>y<input></div>`, out)
}

func TestDocument(t *testing.T) {
	s := mailhtml.Sanitizer{Mode: mailhtml.Document}
	out := string(full(t, &s, `<html lang=vi dir=LTR><head><meta name="color-scheme" content="light dark"><style>body{color:red}</style></head><body text=blue class=b>x`))
	require.Contains(t, out, `<html lang="vi" dir="ltr">`)
	require.Contains(t, out, `default-src 'none'`)
	require.Contains(t, out, `<meta name="color-scheme" content="light dark">`)
	require.Contains(t, out, "<style>\nbody { color: red }\n</style></head><body class=\"m-b\" style=\"color: blue\">x</body></html>")
}

func TestPrefixAndNoStyle(t *testing.T) {
	s := mailhtml.Sanitizer{Prefix: "Mail7_", NoStyle: true}
	out := string(s.Sanitize([]byte(`<style>p{color:red}</style><p class="a mail7_b" id=c style="color:red"><a href=#c>x`)).HTML)
	require.Equal(t, `<div class="mail7_-root"><p class="mail7_a mail7_b" id="mail7_c"><a href="#mail7_c">x</a></p></div>`, out)
}

func TestResult(t *testing.T) {
	r := (&mailhtml.Sanitizer{}).Sanitize([]byte(`<script>x</script><p onclick=y><iframe></iframe><a href=javascript:z>w</a>`))
	require.Equal(t, 4, r.Removed)
	require.False(t, r.ColorScheme)
	require.True(t, (&mailhtml.Sanitizer{}).Sanitize([]byte(`<style>@media (prefers-color-scheme:dark){p{color:#fff}}</style>`)).ColorScheme)
	var b strings.Builder
	n, err := r.WriteTo(&b)
	require.NoError(t, err)
	require.EqualValues(t, len(r.HTML), n)
	broken := errors.New("broken")
	r, err = (&mailhtml.Sanitizer{}).Read(io.MultiReader(strings.NewReader("<p>x"), iotest.ErrReader(broken)))
	require.ErrorIs(t, err, broken)
	require.Equal(t, `<div class="m--root"><p>x</p></div>`, string(r.HTML))
}

// TestHostile feeds what grows in parsers: each must end soon, within the limits, and still be well-formed.
func TestHostile(t *testing.T) {
	const n = 30_000
	lines := strings.Builder{}
	for i := range 600 {
		lines.WriteString("<b class=c" + strings.Repeat("x", i%7) + ">")
	}
	for name, in := range map[string]string{
		"nested divs":       strings.Repeat("<div>", n),
		"nested tables":     strings.Repeat("<table><tr><td>", n),
		"nested formatting": strings.Repeat("<b>", n) + "x",
		"formatting bomb":   "<p>" + lines.String() + strings.Repeat("<p>x", n),
		"unclosed xml":      strings.Repeat("<xml>", n),
		"unclosed template": strings.Repeat("<template>", n),
		"svg":               strings.Repeat("<svg>", n),
		"end tags":          strings.Repeat("<div><b></p></i></table>", n),
		"attributes":        "<p " + strings.Repeat("a=1 class=x ", n) + ">x",
		"css brackets":      "<style>" + strings.Repeat("a{(", n),
		"css media":         "<style>" + strings.Repeat("@media x{", 20_000),
		"css functions":     `<p style="width:` + strings.Repeat("calc(", 3000) + `">x`,
		"css selectors":     "<style>" + strings.Repeat("a,", n) + "b{color:red}",
		"css comments":      "<style>" + strings.Repeat("/*", n),
		"css strings":       "<style>" + strings.Repeat("'\n", n),
		"select":            strings.Repeat("<select><option>", n),
		"table content":     "<table>" + strings.Repeat("x<b>", n),
		"lists":             strings.Repeat("<ul><li>", n),
		"data url":          `<img src="data:image/png;base64,` + strings.Repeat("A", 2_000_000) + `">`,
		"angle brackets":    strings.Repeat("<", n) + strings.Repeat("<!--", n),
		"quotes":            strings.Repeat("<blockquote>x", n),
		"links":             strings.Repeat("<a href=http://x.example/>x<table><td>", n),
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range []mailhtml.Sanitizer{{}, {Forms: true}} {
				begun := time.Now()
				r := s.Sanitize([]byte(in))
				require.Less(t, len(r.HTML), 20<<20)
				mailhtml.Text([]byte(in), nil)
				require.Less(t, time.Since(begun), 20*time.Second)
				if len(r.HTML) < 1<<20 {
					check(t, &s, name, r.HTML)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	in := []byte(strings.Repeat(`<p class=a>text</p>`, 100) + `<style>p{color:red}</style>`)
	for name, lim := range map[string]mailhtml.Limits{
		"input": {Input: 100}, "output": {Output: 200}, "nodes": {Nodes: 10}, "css": {CSS: 5},
	} {
		r := (&mailhtml.Sanitizer{Limits: lim}).Sanitize(in)
		require.True(t, r.Truncated, name)
		check(t, &mailhtml.Sanitizer{}, name, r.HTML)
		roundTrip(t, r.HTML)
	}
	require.False(t, (&mailhtml.Sanitizer{}).Sanitize(in).Truncated)
}
