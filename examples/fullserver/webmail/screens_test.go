package webmail_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

var screens = flag.String("screenshots", "", "folder that pictures of every page are put into")

// TestScreenshots makes the pictures that people look at: make screenshots. It proves nothing by itself.
func TestScreenshots(t *testing.T) {
	if *screens == "" {
		t.Skip("pictures are made by make screenshots")
	}
	require.NoError(t, os.MkdirAll(*screens, 0o755))
	ways := new(someWays)
	f := newFixture(t, func(c *webmail.Config) { c.Security, c.Fetching = ways, fullElsewhere() })
	f.fill()
	f.fillTalk("Talk")
	f.add("Inbox2", poisoned(1))
	b := f.chromium(1360, 850, true)
	shot := func(name string, w, h int64, dark bool, path string, more ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		scheme := "light"
		if dark {
			scheme = "dark"
		}
		_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		require.NoError(t, err)
		b.run(chromedp.EmulateViewport(w, h))
		b.open(path)
		b.run(more...)
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(*screens, name+".png"), png, 0o644))
	}
	shot("login", 1360, 850, false, "/login")
	shot("login-phone-dark", 375, 740, true, "/login")
	b.signIn()
	f.login()
	f.get("/contacts")
	shot("contacts-none", 1360, 850, false, "/contacts")
	f.upload("/contacts/import", "people.vcf", "text/vcard", card)
	contact := "/contacts/" + f.lastUID()
	last := "/mail/INBOX/55"
	brings, otherKey, keptKey, owner := f.fillKeys()
	for _, dark := range []bool{false, true} {
		d := map[bool]string{false: "", true: "-dark"}[dark]
		shot("list"+d, 1360, 850, dark, "/mail/INBOX")
		shot("read"+d, 1360, 850, dark, "/mail/INBOX/54")
		shot("newsletter"+d, 1360, 850, dark, "/mail/INBOX/53")
		shot("compose"+d, 1360, 850, dark, "/compose?mode=reply&folder=INBOX&uid=54")
		shot("contacts"+d, 1360, 850, dark, "/contacts")
		shot("contact"+d, 1360, 850, dark, contact)
		shot("phone-contacts"+d, 375, 740, dark, "/contacts")
		shot("settings"+d, 1360, 850, dark, "/settings")
		shot("fetch"+d, 1360, 1100, dark, "/fetch")
		shot("fetch-account"+d, 1360, 1000, dark, "/fetch/good")
		shot("phone-fetch"+d, 375, 1300, dark, "/fetch")
		shot("phone-fetch-account"+d, 375, 1100, dark, "/fetch/new")
		shot("key-brought"+d, 1360, 850, dark, brings)
		shot("key-other"+d, 1360, 850, dark, otherKey)
		shot("key-kept"+d, 1360, 850, dark, keptKey)
		shot("key-contact"+d, 1360, 1300, dark, owner)
		shot("phone-key-brought"+d, 375, 900, dark, brings)
		shot("phone-key-contact"+d, 375, 1500, dark, owner)
		shot("phone-list"+d, 375, 740, dark, "/mail/INBOX")
		shot("phone-read"+d, 375, 740, dark, "/mail/INBOX/54")
	}
	shot("menu", 1360, 850, false, last, chromedp.Click(chromedp.CSS(".reader summary")))
	shot("list-menu", 1360, 850, false, "/mail/INBOX", chromedp.Click(chromedp.CSS(".lists summary")))
	shot("phone-menu", 375, 740, false, last, chromedp.Click(chromedp.CSS(".reader summary")))
	shot("done", 1360, 850, false, last, chromedp.Click(chromedp.CSS("#act button[value=archive]")), chromedp.WaitVisible(chromedp.CSS("#live button")))
	shot("empty", 1360, 850, false, "/mail/D%E1%BB%B1~20%C3%A1n~2F2026")
	shot("poisoned", 1360, 850, false, "/mail/Inbox2/1")
	shot("poisoned-text", 1360, 850, false, "/mail/Inbox2/1?view=text")
	shot("compose", 1360, 850, false, "/compose?mode=reply&folder=INBOX&uid=54")
	shot("compose-html", 1360, 1100, false, "/compose?mode=forward&folder=INBOX&uid=53")
	shot("compose-rich", 1360, 850, false, "/compose?mode=reply&folder=INBOX&uid=54&format=rich")
	shot("compose-rich-dark", 1360, 850, true, "/compose?format=rich")
	shot("phone-compose-rich", 375, 900, false, "/compose?format=rich")
	shot("phone-compose", 375, 740, false, "/compose")
	shot("folders", 1360, 850, false, "/folders")
	shot("phone-folders", 375, 740, false, "/folders")
	shot("code", 1360, 1000, false, "/security/code")
	shot("phone-code-dark", 375, 900, true, "/security/code")
	ways.has = true
	shot("security", 1360, 1000, false, "/sessions")
	shot("phone-security", 375, 1200, false, "/sessions")
	shot("security-dark", 1360, 1000, true, "/sessions", chromedp.Click(chromedp.CSS(`.sheet details:last-of-type summary`)))
	shot("thread", 1360, 850, false, "/mail/Talk/5", chromedp.Click(chromedp.CSS(".talk details:nth-of-type(3) summary")))
	shot("thread-dark", 1360, 850, true, "/mail/Talk/5")
	shot("phone-thread", 375, 740, false, "/mail/Talk")
	shot("search", 1360, 850, false, "/search?q=Carol")
	shot("search-none", 1360, 850, false, "/search?q=nonesuch&in=INBOX")
	shot("phone-search", 375, 740, false, "/search?q=Carol")
	shot("tablet-list", 900, 800, false, "/mail/INBOX")
	shot("tablet-read", 900, 800, false, "/mail/INBOX/54")
	shot("contacts-choose", 1360, 850, false, "/contacts?draft=1&folder=Drafts")
	shot("phone-choose", 375, 740, false, "/contacts?draft=1&folder=Drafts")
	shot("phone-contact", 375, 900, false, contact)
	shot("print", 1000, 800, false, "/mail/INBOX/54/print")
	shot("error", 1360, 850, false, "/mail/INBOX/9999")
	shot("offers", 1360, 850, false, "/compose", chromedp.SendKeys(chromedp.CSS("#to"), "tran"), chromedp.WaitVisible(chromedp.CSS("#offers")), chromedp.KeyEvent(kb.ArrowDown)) // last: what was typed is kept for the next new message
	f.get("/settings")
	f.submit("/settings", "lang", "vi")
	shot("vi-read", 1360, 850, false, "/mail/INBOX/54")
	shot("vi-contacts", 1360, 850, false, "/contacts")
	shot("vi-contact", 1360, 850, false, contact)
	shot("vi-settings", 1360, 850, false, "/settings")
	shot("vi-fetch", 1360, 1100, false, "/fetch")
	shot("vi-fetch-account", 1360, 1000, false, "/fetch/good")
	shot("vi-key-brought", 1360, 850, false, brings)
	shot("vi-key-contact", 1360, 1300, false, owner)
	shot("vi-security", 1360, 1100, false, "/sessions")
	shot("vi-thread", 1360, 850, false, "/mail/Talk/5")
	shot("vi-compose-rich", 1360, 850, false, "/compose?format=rich")
	shot("vi-folders", 1360, 850, false, "/folders")
	b.clean()
}
