package webadmin_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/chromium"
)

var pictures = flag.String("screenshots", "", "folder that pictures of every page are put into")

// TestChromium does in a browser what an administrator does first, and then visits every page with all that strangers could put there: nothing runs, nothing is asked of
// others, and what is typed is found by its label.
func TestChromium(t *testing.T) {
	s := newFixture(t)
	ctx := chromium.Start(t)
	problems := make(chan string, 1000)
	tell := func(text string) {
		select {
		case problems <- text:
		default:
		}
	}
	require.NoError(t, chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(e.Request.URL, s.base) && !strings.HasPrefix(e.Request.URL, "about:") {
				tell("request: " + e.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			tell("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			tell("console")
		}
	}))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	run := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		c, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		require.NoError(t, chromedp.Do(c, actions...))
	}
	see := func(text string) {
		t.Helper()
		c, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		for {
			page, err := chromedp.Run(c, chromedp.OuterHTML(chromedp.CSS("html")))
			if strings.Contains(page, text) {
				return
			}
			require.NoError(t, c.Err(), "%q is not on the page: %v\n%s", text, err, page)
		}
	}
	type key = chromedp.Action[chromedp.Void]
	typed := func(id, text string) key { return chromedp.SendKeys(chromedp.CSS("#"+id), text) }
	run(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(s.base+"/admin/"))
	run(typed("user", "root@an.example\t"), typed("password", "rootsecret\r"))
	see(`aria-current="page">Overview`)
	run(chromedp.Navigate(s.base + "/admin/users?domain=binh.example"))
	run(typed("name", "new"), typed("password", "longenough"), typed("again", "longenough\r"))
	see("The user is there.")
	require.Contains(t, s.read("users"), "new@binh.example:{")
	run(chromedp.Click(chromedp.CSS("button.danger")))
	see("new@binh.example will be gone")
	run(chromedp.Click(chromedp.CSS("button.main")))
	see("The user is gone.")

	id := s.poison()
	shot := func(name, path string, w, h int64, dark bool) {
		t.Helper()
		if *pictures == "" {
			return
		}
		scheme := map[bool]string{false: "light", true: "dark"}[dark]
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		require.NoError(t, err)
		run(chromedp.EmulateViewport(w, h), chromedp.Navigate(s.base+path))
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(*pictures, "admin-"+name+".png"), png, 0o644))
	}
	for _, path := range screens(id) {
		run(chromedp.Navigate(s.base + path))
		see("</main>")
		for what, condition := range map[string]string{
			"nothing ran":        `!document.querySelector("script, img, svg, style, iframe")`,
			"fields have labels": `[...document.querySelectorAll("input:not([type=hidden]), select, textarea")].every((e) => e.labels?.length || e.ariaLabel)`,
			"buttons have names": `[...document.querySelectorAll("button, a")].every((e) => e.textContent.trim() || e.ariaLabel)`,
			"ids are one each":   `new Set([...document.querySelectorAll("[id]")].map((e) => e.id)).size === document.querySelectorAll("[id]").length`,
			"one h1":             `document.querySelectorAll("h1").length === 1`,
			"a language":         `document.documentElement.lang === "en"`,
		} {
			ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
			require.NoError(t, err)
			require.True(t, ok, "%s: %s", path, what)
		}
	}
	run(chromedp.EmulateViewport(375, 740))
	for _, path := range []string{"/admin/", "/admin/users?domain=an.example", "/admin/queue", "/admin/queue/" + id, "/admin/dns?domain=an.example", "/admin/logins", "/admin/tls"} {
		run(chromedp.Navigate(s.base + path))
		see("</main>")
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= 376`))
		require.NoError(t, err)
		require.True(t, ok, "%s is wider than a telephone", path)
	}
	select {
	case p := <-problems:
		t.Fatal(p)
	default:
	}
	for _, p := range [][2]string{{"overview", "/admin/"}, {"users", "/admin/users?domain=an.example"}, {"user", "/admin/user?name=lan@an.example"}, {"queue", "/admin/queue"}, {"queued", "/admin/queue/" + id}, {"dns", "/admin/dns?domain=an.example"},
		{"logins", "/admin/logins"}, {"tls", "/admin/tls"}, {"trace", "/admin/trace?q=x@far.example"}, {"domain", "/admin/domain?name=an.example"}, {"import", "/admin/import"}} {
		shot(p[0], p[1], 1280, 900, false)
		shot(p[0]+"-dark", p[1], 1280, 900, true)
		shot(p[0]+"-phone", p[1], 375, 740, false)
	}
	if *pictures != "" {
		run(chromedp.Click(chromedp.CSS("button[name=lang]")))
		for _, p := range [][2]string{{"overview", "/admin/"}, {"users", "/admin/users?domain=an.example"}, {"queue", "/admin/queue"}, {"logins", "/admin/logins"}} {
			shot(p[0]+"-vi", p[1], 1280, 900, false)
		}
	}
}
