package webmail_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/examples/fullserver/webmail"
)

// tabTo presses Tab until the focus is on what a selector describes, where it must be seen.
func (t *tab) tabTo(sel string) *tab {
	t.Helper()
	t.until(`document.querySelector('` + sel + `') !== null && !document.body.hasAttribute("aria-busy")`)
	for range 500 { // a list of fifty messages is on the way
		t.keys("\t")
		at, err := chromedp.Run(t.ctx, chromedp.Evaluate[string](`(() => {
			const e = document.activeElement, r = e.getBoundingClientRect();
			if (!e.matches('`+sel+`')) return "";
			return r.bottom > 0 && r.top < innerHeight && e.matches(":focus-visible") ? "there" : e.outerHTML;
		})()`))
		require.NoError(t, err)
		if at != "" {
			require.Equal(t, "there", at, "it isn't seen")
			return t
		}
	}
	require.Fail(t, "the keyboard never gets there", sel)
	return t
}

// TestKeyboard does without a mouse what can be done with contacts' keys, accounts elsewhere, second factors and app passwords; with scripts and without.
func TestKeyboard(t *testing.T) {
	for name, scripts := range map[string]bool{"without scripts": false, "with scripts": true} {
		t.Run(name, func(t *testing.T) {
			ways, away := new(someWays), fullElsewhere()
			f := newFixture(t, func(c *webmail.Config) { c.Security, c.Fetching = ways, away })
			f.fill()
			f.login()
			brings, other, kept, owner := f.fillKeys()
			b := f.chromium(1280, 800, scripts)
			b.signIn()

			// A key that a message brings is kept, one that is kept is confirmed, and taken out.
			b.open(brings)
			b.tabTo(`form[action$="/key"] button`).keys("\r")
			b.see("Key kept for minh@example.test")
			b.open(owner)
			b.tabTo("input[name=confirm]").keys(" ")
			b.tabTo("button[value=save]").keys("\r")
			b.see("Contact saved")
			b.open(kept)
			b.see("The message is as it was signed.")
			b.open(owner)
			b.until("document.querySelector('input[name=confirm]') === null")
			b.tabTo("#key").keys("no key\t")
			b.tabTo("button[value=save]").keys("\r")
			b.see("There is no OpenPGP public key in this.")
			b.open(owner)
			b.tabTo("input[name=remove]").keys(" ")
			b.tabTo("button[value=save]").keys("\r")
			b.see("Contact saved")
			b.open(other)
			b.see("Your contacts do not have the key")

			// An account elsewhere.
			b.open("/settings")
			b.tabTo(`a[href="/fetch"]`).keys("\r")
			b.tabTo(`a[href="/fetch/new"]`).keys("\r")
			b.tabTo("#host").keys("pop.example.net")
			b.tabTo("#tls").keys(kb.ArrowDown)
			b.tabTo("#port").keys(kb.ArrowDown)
			b.tabTo("#user").keys("an")
			b.tabTo("#password").keys("hunter2")
			b.tabTo("#days").keys(kb.ArrowDown)
			b.tabTo("input[name=paused]").keys(" ")
			b.tabTo("button[value=save]").keys("\r")
			b.see("an at pop.example.net")
			made := away.views[len(away.views)-1].Account
			require.Equal(t, collect.Account{ID: "nan", Host: "pop.example.net", Port: 110, TLS: collect.TLSStart, User: "an", Folder: "INBOX", Days: made.Days, Paused: true}, made)
			require.NotEqual(t, -1, made.Days)
			require.Equal(t, "hunter2", away.password)
			b.tabTo(`form[action="/fetch/nan"] button[value=fetch]`).keys("\r")
			b.until(`location.pathname === "/fetch" && location.search === ""`)
			require.Equal(t, "nan", away.asked)
			b.tabTo(`a[href="/fetch/nan"]`).keys("\r")
			b.tabTo("main details summary").keys("\r")
			b.tabTo("button[value=remove]").keys("\r")
			b.until(`location.pathname === "/fetch" && document.querySelector('a[href="/fetch/nan"]') === null`)
			require.Len(t, away.views, 4)

			// A second factor, an app password, and the other sessions.
			b.tabTo(`nav.me a[href="/sessions"]`).keys("\r")
			b.tabTo(`a[href="/security/code"]`).keys("\r")
			b.tabTo("#code").keys("123456")
			b.tabTo("#password").keys("secret\r")
			b.see("abcd-efgh-ijkm-nopq")
			b.tabTo(`details:has(form[action="/security/app"]) summary`).keys("\r")
			b.tabTo("#label").keys("phone")
			b.tabTo(`input[name=scope][value=pop3]`).keys(" ")
			b.tabTo("#app-password").keys("secret")
			b.tabTo("#app-code").keys("123456")
			b.tabTo("button[value=add]").keys("\r")
			b.see("abcdef-ghijkm-nopqrs-tuvwxy")
			b.tabTo(`form[action="/security/app"] button[value=remove]`).keys("\r")
			b.until(`document.getElementById("made") === null`)
			b.tabTo("button[value=others]").keys("\r")
			b.until(`document.querySelectorAll('form[action="/sessions"]').length === 1`)
			b.clean()
		})
	}
}
