package webmail_test

import (
	"flag"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var paint = flag.Bool("paint", false, "measure how long browsers take to show pages")

// TestPaint measures how long it takes from the click to the first content, on a processor that is four times as slow as this one, with nothing kept by the browser; and how long from a
// key to the next page. It proves nothing by itself.
func TestPaint(t *testing.T) {
	if !*paint {
		t.Skip("for people: -paint")
	}
	f := newFixture(t)
	f.fill()
	b := f.chromium(1360, 850, true)
	b.signIn()
	_, err := chromedp.Call(b.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	require.NoError(t, err)
	for _, rate := range []float64{1, 4} {
		_, err := chromedp.Call(b.ctx, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: rate})
		require.NoError(t, err)
		for range 5 {
			b.open("/mail/INBOX")
			b.until(`performance.getEntriesByName("first-contentful-paint").length === 1 && document.readyState === "complete"`)
			at, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64](`performance.getEntriesByName("first-contentful-paint")[0].startTime`))
			require.NoError(t, err)
			nodes, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](`document.querySelectorAll("*").length`))
			require.NoError(t, err)
			b.run(chromedp.Evaluate[chromedp.Void](`{ const began = performance.now(); window.took = 0; const seen = new MutationObserver(() => { if (!document.querySelector("article")) return; seen.disconnect();
				requestAnimationFrame(() => setTimeout(() => { window.took = performance.now() - began; })); }); seen.observe(document.documentElement, {childList: true, subtree: true}); document.querySelector(".row a").click(); }`))
			b.until("window.took > 0")
			took, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("window.took"))
			require.NoError(t, err)
			t.Logf("CPU 1/%.0f: first content %.0f ms, %d nodes; a message opened %.0f ms", rate, at, nodes, took)
		}
	}
}

// TestTransfer: what goes over the wire to somebody who opens the inbox for the first time, and what more where a message is written with formatting.
func TestTransfer(t *testing.T) {
	f := newFixture(t)
	f.fill()
	f.login()
	fetch := func(path string) (size int, text string) {
		t.Helper()
		f.get(path)
		text = f.page
		req, err := http.NewRequest("GET", f.web.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := f.http.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return len(b), text
	}
	all := func(page string) (total, own, requests int) {
		total, text := fetch(page)
		requests = 1
		for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`).FindAllStringSubmatch(text, -1) {
			n, _ := fetch(m[1])
			total += n
			requests++
			if name := path.Base(m[1]); strings.HasSuffix(name, ".js") && name != "squire.js" && name != "purify.min.js" {
				own += n
			}
		}
		return total, own, requests
	}
	total, own, requests := all("/mail/INBOX")
	t.Logf("inbox: %d octets in %d requests, %d of them own scripts", total, requests, own)
	require.LessOrEqual(t, requests, 6)
	require.LessOrEqual(t, total, 60<<10)
	require.LessOrEqual(t, own, 15<<10)
	rich, ownRich, _ := all("/compose?format=rich")
	plain, _, _ := all("/compose")
	t.Logf("writing: %d octets, with formatting %d, %d of them own scripts", plain, rich, ownRich)
	require.LessOrEqual(t, rich-plain, 40<<10)
	require.LessOrEqual(t, ownRich, 15<<10)
}
