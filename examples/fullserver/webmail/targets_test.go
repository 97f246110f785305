package webmail_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// TestZoom: at 200 %, and on the narrowest screen that there is (WCAG 2.2, 1.4.4 and 1.4.10), no page has to be pushed to and fro to be read.
func TestZoom(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.Security, c.Fetching = &someWays{has: true}, fullElsewhere() })
	f.fill()
	f.login()
	brings, _, _, owner := f.fillKeys()
	b := f.chromium(1280, 800, true)
	b.signIn()
	var all []string
	for _, width := range []int64{640, 320} { // 1280 at 200 % and at 400 %
		b.run(chromedp.EmulateViewport(width, 400))
		for _, p := range []string{"/mail/INBOX", "/mail/INBOX/54", brings, "/compose?mode=reply&folder=INBOX&uid=54", "/compose?format=rich", "/search?q=Carol", "/contacts", owner, "/folders", "/settings", "/sessions", "/fetch",
			"/fetch/good", "/fetch/new", "/keys", "/mail/INBOX/9999"} {
			b.open(p)
			wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {
				const d = document.documentElement;
				if (d.scrollWidth <= d.clientWidth) return "";
				return d.scrollWidth + ": " + [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > d.clientWidth + 1).slice(-3).map((e) => e.outerHTML.slice(0, 150)).join("\n");
			})()`))
			require.NoError(t, err)
			if wide != "" {
				all = append(all, fmt.Sprintf("%s at %d: %s", p, width, wide))
			}
		}
	}
	require.Empty(t, all)
}

// TestSteady: what has been painted stays where it is, and a page isn't large.
func TestSteady(t *testing.T) {
	f := newFixture(t)
	f.fill()
	b := f.chromium(1360, 850, true)
	b.signIn()
	for _, p := range []string{"/mail/INBOX", "/mail/INBOX/53", "/mail/INBOX/54", "/compose?mode=reply&folder=INBOX&uid=54"} {
		b.open(p)
		b.until(`document.readyState === "complete"`)
		b.run(chromedp.Evaluate[chromedp.Void](`window.moved = -1; new PerformanceObserver((l) => { window.moved = Math.max(window.moved, 0) + l.getEntries().reduce((n, e) => n + e.value, 0); }).observe({type: "layout-shift", buffered: true});
			setTimeout(() => { window.moved = Math.max(window.moved, 0); }, 300); undefined`))
		b.until("window.moved >= 0")
		moved, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("window.moved"))
		require.NoError(t, err)
		require.LessOrEqual(t, moved, 0.05, p)
		nodes, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("*").length`))
		require.NoError(t, err)
		require.LessOrEqual(t, nodes, 1500, p)
	}
}

// TestLargeReply: answering a mail of 5 MB of HTML doesn't keep anybody waiting: none of it gets into the page (D6).
func TestLargeReply(t *testing.T) {
	f := newFixture(t)
	row := "<tr><td style=\"color:#333;font-family:Arial\"><a href=\"https://example.net/x\">Bình</a></td></tr>\n"
	uid := f.add("INBOX", "From: bob@example.test\nSubject: large\nContent-Type: text/html; charset=utf-8\n\n<table>"+strings.Repeat(row, 5<<20/len(row))+"</table>\n")
	f.login()
	began := time.Now()
	f.get(fmt.Sprintf("/compose?mode=reply&folder=INBOX&uid=%d", uid))
	took := time.Since(began)
	require.Contains(t, f.page, `id="compose"`)
	require.Less(t, len(f.page), 100_000)
	t.Logf("%v", took)
	require.Less(t, took, 10*time.Second, "a second, and what a busy machine adds")
}
