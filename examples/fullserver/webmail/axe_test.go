package webmail_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// axe reads axe-core, and holds it to the sum that is written beside it.
func axe(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/axe-core@4.14.1/axe.min.js")
	require.NoError(t, err)
	readme, err := os.ReadFile("testdata/axe-core@4.14.1/README")
	require.NoError(t, err)
	sum := sha256.Sum256(b)
	require.Contains(t, string(readme), hex.EncodeToString(sum[:]))
	return string(b)
}

// TestAccessible: axe-core finds nothing against WCAG 2.2 A and AA on any page, light and dark, nor where the other language changes a page's shape; and the keyboard alone
// reaches everything that a page has, with and without scripts.
func TestAccessible(t *testing.T) {
	script := axe(t)
	f := newFixture(t, func(c *webmail.Config) { c.Security, c.Fetching = new(someWays), fullElsewhere() })
	f.fill()
	f.fillTalk("Talk")
	f.login()
	brings, other, kept, owner := f.fillKeys()
	f.get("/contacts")
	f.upload("/contacts/import", "people.vcf", "text/vcard", card)
	contact := "/contacts/" + f.lastUID()
	b := f.chromium(1280, 900, true)
	scheme := func(name string) {
		t.Helper()
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}}) // no colour on its way to another
		require.NoError(t, err)
	}
	look := func(where, only string) {
		t.Helper()
		b.run(chromedp.Evaluate[chromedp.Void](`window.found = ""; axe.run(document, {iframes: false, resultTypes: ["violations"], runOnly: ` + only + `}).then(
			(r) => { window.found = "axe:" + r.violations.map((v) => v.id + " " + v.nodes.map((n) => n.html.slice(0, 200)).join(" ")).join("\n"); }, (e) => { window.found = "axe: " + e; }); undefined`))
		b.until(`window.found !== ""`)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("window.found"))
		require.NoError(t, err)
		require.Equal(t, "axe:", found, where)
	}
	everything := `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]`
	check := func(path string) {
		t.Helper()
		scheme("light")
		b.open(path)
		b.run(chromedp.Evaluate[chromedp.Void](script))
		look(path, everything)
		scheme("dark") // another style of the same page: its colours alone are new
		look(path+" dark", `{type: "rule", values: ["color-contrast"]}`)
	}
	check("/login")
	b.signIn()
	for _, p := range []string{"/mail/INBOX", "/mail/INBOX/54", "/mail/INBOX/53", "/compose?mode=reply&folder=INBOX&uid=54", "/search?q=Carol", "/contacts", contact, "/mail/Talk/5",
		"/contacts?draft=1&folder=Drafts", "/folders", "/settings", "/sessions", "/security/code", "/compose?format=rich", "/keys", "/mail/INBOX/9999",
		brings, other, kept, owner, "/fetch", "/fetch/new", "/fetch/good"} {
		check(p)
	}
	b.conversationInBrowser()
	b.run(chromedp.Evaluate[chromedp.Void](script))
	look("a conversation that is open", everything)
	f.get("/settings")
	f.submit("/settings", "lang", "vi")
	check("/mail/INBOX/54")
	for _, scripts := range []bool{true, false} {
		_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
		require.NoError(t, err)
		pages := map[bool][]string{true: {"/mail/INBOX/54", brings, owner, "/fetch", "/sessions"}, false: {"/compose?mode=reply&folder=INBOX&uid=54", other, owner, "/fetch/good", "/fetch/new", "/sessions", "/security/code"}}[scripts]
		for _, p := range pages {
			b.open(p)
			b.tabThrough(p)
		}
	}
	b.clean()
}

// tabThrough presses Tab until it is back at the first thing on the page, and fails when something that can be used was not reached, or could not be seen when it was.
func (t *tab) tabThrough(where string) {
	t.Helper()
	t.run(chromedp.Evaluate[chromedp.Void](`window.all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [contenteditable]")].filter(
		(e) => e.checkVisibility() && e.tabIndex >= 0 && !e.disabled && e.type !== "hidden"); window.hidden = []; window.left = new Set(window.all); document.activeElement?.blur();`))
	n, err := chromedp.Run(t.ctx, chromedp.Evaluate[int]("window.all.length"))
	require.NoError(t, err)
	require.Greater(t, n, 10, where)
	left := n
	for i := 0; left > 0 && i < 2*n+10; i++ {
		t.keys("\t")
		left, err = chromedp.Run(t.ctx, chromedp.Evaluate[int](`(() => {
			const e = document.activeElement, r = e.getBoundingClientRect();
			if (window.left.delete(e) && (r.width < 1 || r.height < 1 || r.right <= 0 || r.bottom <= 0 || r.top >= innerHeight || !e.matches(":focus-visible"))) window.hidden.push(e.outerHTML.slice(0, 200));
			return window.left.size;
		})()`))
		require.NoError(t, err)
	}
	never, err := chromedp.Run(t.ctx, chromedp.Evaluate[string](`[...window.left].map((e) => e.outerHTML.slice(0, 200)).concat(window.hidden.map((h) => "unseen: " + h)).join("\n")`))
	require.NoError(t, err)
	require.Empty(t, never, where)
}
