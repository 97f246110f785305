package webmail_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// hostile are documents that run scripts or reach out, one of each kind that mail has been seen to try. TRACKER is where they would be heard.
var hostile = []string{
	`<script>fetch('TRACKER/ran')</script>`, `<img src=x onerror="fetch('TRACKER/ran')">`, `<svg onload="fetch('TRACKER/ran')">`, `<svg><script>fetch('TRACKER/ran')</script></svg>`,
	`<body onload="fetch('TRACKER/ran')">`, `<iframe srcdoc="<script>parent.fetch('TRACKER/ran')</script>"></iframe>`, `<iframe src="javascript:parent.fetch('TRACKER/ran')"></iframe>`,
	`<iframe src="TRACKER/frame"></iframe>`, `<object data="TRACKER/object"></object>`, `<embed src="TRACKER/embed">`, `<img src="TRACKER/img">`, `<img srcset="TRACKER/srcset 1x">`,
	`<picture><source srcset="TRACKER/source"><img></picture>`, `<video src="TRACKER/video" autoplay poster="TRACKER/poster"></video>`, `<audio src="TRACKER/audio" autoplay></audio>`,
	`<link rel=stylesheet href="TRACKER/css">`, `<link rel=preload as=image href="TRACKER/preload">`, `<link rel=icon href="TRACKER/icon">`, `<link rel=manifest href="TRACKER/manifest">`,
	`<style>@import 'TRACKER/import';</style>`, `<style>body{background:url(TRACKER/bg)}</style>`, `<p style="background:url(TRACKER/attr)">x`, `<style>@font-face{font-family:x;src:url(TRACKER/font)}p{font-family:x}</style><p>x`,
	`<style>p{list-style-image:url(TRACKER/list);border-image:url(TRACKER/border);content:url(TRACKER/content);cursor:url(TRACKER/cursor),auto}</style><p>x`, `<table background="TRACKER/table"><tr><td>x</table>`,
	`<input type=image src="TRACKER/input">`, `<svg><image href="TRACKER/svgimage"/><use href="TRACKER/use#x"/></svg>`, `<svg><filter id=f><feImage href="TRACKER/fe"/></filter><rect filter="url(#f)" width=9 height=9 /></svg>`,
	`<meta http-equiv=refresh content="0;url=TRACKER/refresh">`, `<base href="TRACKER/"><img src=based>`, `<form action="TRACKER/form"><input name=x><button autofocus>`,
	`<details open ontoggle="fetch('TRACKER/ran')">x</details>`, `<input autofocus onfocus="fetch('TRACKER/ran')">`, `<style>@keyframes x{}</style><p style="animation:x 1s" onanimationstart="fetch('TRACKER/ran')">x`,
	`<marquee onstart="fetch('TRACKER/ran')">x</marquee>`, `<math><mtext><script>fetch('TRACKER/ran')</script></mtext></math>`, `<noscript><img src="TRACKER/noscript"></noscript>`,
	`<script src="TRACKER/script"></script>`, `<script type=module>import 'TRACKER/module'</script>`, `<portal src="TRACKER/portal"></portal>`, `<applet code="TRACKER/applet"></applet>`, `<frameset><frame src="TRACKER/frameset"></frameset>`,
}

// TestSecondWall shows hostile HTML to Chromium as if the sanitiser had let all of it through (D1), in the frame and as a page of its own: nothing runs,
// nothing is asked of another server, and nobody is led away.
func TestSecondWall(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	var hits []string
	tracker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hits = append(hits, r.URL.Path)
	}))
	defer tracker.Close()
	shown := make(map[string]bool)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/all" {
			w.Header().Set("Content-Type", "text/html")
			for i := range hostile {
				fmt.Fprintf(w, "<iframe sandbox=\"allow-same-origin allow-popups allow-popups-to-escape-sandbox\" src=/raw/%d></iframe>", i)
			}
			return
		}
		var i int
		if _, err := fmt.Sscanf(r.URL.Path, "/raw/%d", &i); err != nil {
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		shown[r.URL.Path] = true
		mu.Unlock()
		f.site.RawBody("<!DOCTYPE html><html><body><p>mail</p>"+strings.ReplaceAll(hostile[i], "TRACKER", tracker.URL)).ServeHTTP(w, r)
	}))
	defer web.Close()
	b := f.chromium(1000, 700, true)
	b.run(chromedp.Navigate(web.URL + "/all"))
	b.until(fmt.Sprintf(`[...document.querySelectorAll("iframe")].filter((f) => f.contentDocument?.readyState === "complete" && f.contentDocument.URL.includes("/raw/")).length === %d`, len(hostile)))
	for _, i := range []int{0, 1, 2, 5, 6, 10, 28, 29, 33, 38} { // those that a page of its own makes more dangerous
		url := fmt.Sprintf("%s/raw/%d", web.URL, i)
		b.run(chromedp.Navigate(url))
		at, err := chromedp.Run(b.ctx, chromedp.Location())
		require.NoError(t, err)
		require.Equal(t, url, at)
	}
	b.run(chromedp.Navigate(tracker.URL + "/end")) // what was under way has been sent before
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, shown, len(hostile))
	for _, h := range hits {
		require.Contains(t, []string{"/end", "/favicon.ico"}, h)
	}
	require.Contains(t, hits, "/end", "the tracker hears")
}
