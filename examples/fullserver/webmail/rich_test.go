package webmail_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestVendored: scripts of others are what was published, each beside its licence.
func TestVendored(t *testing.T) {
	list, err := os.ReadFile("third_party/VENDORED.txt")
	require.NoError(t, err)
	files, err := filepath.Glob("third_party/*/*.js")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		sum := sha256.Sum256(b)
		require.Contains(t, string(list), filepath.Base(name)+" "+hex.EncodeToString(sum[:]))
		require.FileExists(t, filepath.Join(filepath.Dir(name), "LICENSE"))
	}
}

// poisonedHTML is what somebody could paste, or a browser that isn't ours could send.
const poisonedHTML = `<p onclick="pwn(1)">Chào <b>Bình</b></p><script>pwn(2)</script><img src="https://tracker.example/x.png" onerror="pwn(3)"><a href="javascript:pwn(4)">a</a><a href="https://example.org/">b</a>` +
	`<svg onload="pwn(5)"></svg><iframe src="https://evil.example"></iframe><style>*{background:url(https://tracker.example/y)}</style><form action="https://evil.example"><input name="pwn"></form><p style="position:fixed;color:red">c</p>`

// A message with formatting goes out as HTML made clean and as text; its draft comes back as it was; what it answers is below it in both forms.
func TestRich(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "From: Bob <bob@example.test>\nTo: alice@example.test\nSubject: Hi\nMessage-ID: <a@b>\nContent-Type: text/html; charset=utf-8\n\n"+poisonedHTML+"<i>old</i>\n")
	f.login()
	f.get("/compose?mode=reply&folder=INBOX&uid=1")
	require.NotContains(t, f.page, "squire")
	require.NotContains(t, f.head.Get("Content-Security-Policy"), "dompurify")
	f.submit("/compose", "do", "rich", "body", "Dear <Bob>\n\nx")
	require.Contains(t, f.url, "format=rich")
	require.Contains(t, f.page, "/squire.js")
	require.Contains(t, f.page, `data-html="&lt;div&gt;Dear &amp;lt;Bob&amp;gt;&lt;/div&gt;&lt;div&gt;&lt;br&gt;&lt;/div&gt;&lt;div&gt;x&lt;/div&gt;"`)
	csp := f.head.Get("Content-Security-Policy")
	require.Contains(t, csp, "trusted-types wm dompurify; style-src-attr 'unsafe-inline'")
	require.Contains(t, csp, "script-src 'self'; style-src 'self'")
	f.submit("/compose", "do", "save", "rich", "yes", "html", poisonedHTML, "body", "not what is sent")
	require.Contains(t, f.page, "/squire.js", "a draft with formatting opens with it")
	require.NotContains(t, f.page, "pwn")
	require.Contains(t, f.page, "&lt;b&gt;Bình&lt;/b&gt;")
	f.submit("/compose", "do", "send", "rich", "yes", "html", poisonedHTML)
	require.Contains(t, f.page, "Message sent")
	raw := string(f.smtp.Messages()[0].Data)
	require.NotContains(t, raw, "pwn")
	m := parse(t, raw)
	for _, s := range []string{"pwn", "tracker.example", "evil.example", "position", "<form", "<svg", "<script"} {
		require.NotContains(t, m.HTML, s)
	}
	require.Contains(t, m.HTML, `<b>Bình</b>`)
	require.Contains(t, m.HTML, `href="https://example.org/"`)
	require.Contains(t, m.HTML, "color")
	require.Greater(t, strings.Index(m.HTML, "<i>old</i>"), strings.Index(m.HTML, "<blockquote"))
	require.True(t, strings.HasPrefix(m.Text, "Chào Bình"), m.Text)
	require.Contains(t, m.Text, "> Chào Bình")
	require.NotContains(t, m.Text, "not what is sent")

	f.get("/compose")
	f.submit("/compose", "do", "save", "rich", "yes", "html", "<p><b>x</b></p>", "to", "bob@example.test")
	f.submit("/compose", "do", "plain", "rich", "yes", "html", "<p><b>x</b></p>")
	require.NotContains(t, f.page, "/squire.js")
	f.submit("/compose", "do", "send")
	m = parse(t, string(f.smtp.Messages()[1].Data))
	require.Empty(t, m.HTML)
	require.Equal(t, "x", strings.TrimSpace(m.Text))
}

// writeRich writes with formatting: what is pasted is clean already in the page, Vietnamese is left alone, nothing is complained about.
func (t *tab) writeRich() {
	t.Helper()
	t.open("/mail/INBOX") // the policy of another page must not be in the way
	t.click("a.write")
	t.until(`document.activeElement.id === "to"`)
	t.run(chromedp.SendKeys(chromedp.CSS("#to"), "bob@example.test"), chromedp.SendKeys(chromedp.CSS("#text"), "Một"))
	t.click(`button[value=rich]`)
	t.until(`document.getElementById("rich")?.dataset.on === "yes"`)
	t.until(`document.getElementById("rich").innerText.trim() === "Một"`)
	t.run(chromedp.Evaluate[chromedp.Void](`{
		const d = new DataTransfer(); d.setData("text/html", ` + "`" + poisonedHTML + "`" + `);
		const root = document.getElementById("rich"); root.focus(); getSelection().selectAllChildren(root); getSelection().collapseToEnd();
		root.dispatchEvent(new ClipboardEvent("paste", { clipboardData: d, bubbles: true, cancelable: true }));
	}`))
	t.until(`document.getElementById("rich").innerText.includes("Bình") && !document.querySelector("#rich script, #rich img, #rich svg, #rich form, #rich [onclick]")`)
	t.click(`[data-do=bold]`)
	t.until(`document.querySelector("[data-do=bold]").getAttribute("aria-pressed") === "true"`)
	t.keys("xin")
	t.until(`document.querySelector("input[name=html]").value.includes("xin") && document.querySelector("#rich b:last-of-type") !== null`)
	sent := len(t.smtp.Messages())
	t.click(`button[value=send]`)
	t.see("Message sent")
	m := parse(t.T, string(t.smtp.Messages()[sent].Data))
	require.NotContains(t, m.HTML, "pwn")
	require.Contains(t, m.HTML, "<b>Bình</b>")
	require.Contains(t, m.Text, "xin")
	require.Contains(t, m.Text, "Một")
}
