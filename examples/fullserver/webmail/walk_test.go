package webmail_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// TestChromium walks the main flows as a person does, without scripts and with them: signing in, reading, a star, archiving and taking that
// back, answering, searching, and a message that tries everything. Nothing runs that isn't ours, nothing is asked of other servers.
func TestChromium(t *testing.T) {
	for name, scripts := range map[string]bool{"without scripts": false, "with scripts": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.fill()
			f.add("INBOX", poisoned(1))
			b := f.chromium(1280, 800, scripts)
			b.signIn()
			b.click(`.row[data-uid="55"] a`)
			b.see(`<article data-uid="55"`)
			b.click(`.row[data-uid="55"] button.star`)
			b.see(`value="unstar:55"`)
			require.Contains(t, f.flags("INBOX")[55], `\Flagged`)
			b.click(`#act button[value=archive]`)
			b.see("1 message archived")
			require.NotContains(t, f.flags("INBOX"), uid(55))
			b.click(`#live button`)
			b.see("Undone")
			require.Len(t, f.flags("Archive"), 1)

			b.open("/mail/INBOX/54")
			b.click(`a[data-key="r"]`)
			b.see("Re: Hợp đồng")
			b.run(chromedp.SendKeys(chromedp.CSS("#text"), "Cảm ơn em."))
			b.click(`button[value=send]`)
			b.see("Message sent")
			m := parse(t, string(f.smtp.Messages()[0].Data))
			require.True(t, strings.HasPrefix(m.Text, "Cảm ơn em."), m.Text)
			require.Contains(t, m.Text, "> Em gửi hợp đồng")

			b.run(chromedp.SendKeys(chromedp.CSS("#q"), "river\r"))
			b.see("message found")
			for _, path := range []string{"/mail/INBOX/56", "/mail/INBOX/56?view=text", "/mail/INBOX/56/body", "/mail/INBOX/56/print", "/compose?mode=forward&folder=INBOX&uid=56",
				"/mail/INBOX/53", "/mail/INBOX", "/folders", "/settings"} {
				b.open(path)
			}
			b.see(`value="alice@example.test"`)
			b.clean()
		})
	}
}

// TestScripts walks what only the scripts do: keys, the draft that saves itself, mail that appears, reading that marks. All of it under
// the policy of the pages, with not one complaint of the browser.
func TestScripts(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.Limits.Autosave = 300 * time.Millisecond })
	f.fill()
	b := f.chromium(1280, 800, true)
	b.signIn()
	marker := "window.stays = (window.stays || 0) + 1"
	b.run(chromedp.Evaluate[chromedp.Void](marker))

	b.keys("j") // to the first message
	b.until(`document.activeElement.closest(".row")?.dataset.uid === "55"`)
	b.keys("j")
	b.until(`document.activeElement.closest(".row")?.dataset.uid === "54"`)
	b.keys("\r")
	b.until(`document.querySelector("article")?.dataset.uid === "54" && location.pathname === "/mail/INBOX/54"`)
	b.until(`!document.querySelector('.row[data-uid="54"]').classList.contains("new")`)
	require.Contains(t, f.flags("INBOX")[54], `\Seen`)
	b.keys("e")
	b.see("1 message archived")
	require.NotContains(t, f.flags("INBOX"), uid(54))
	b.keys("z")
	b.see("Undone")
	b.run(chromedp.Evaluate[chromedp.Void]("window.before = location.href"), chromedp.NavigateBack())
	b.until(`location.href !== window.before && !document.body.hasAttribute("aria-busy")`)
	b.until("window.stays === 1") // never was a page loaded anew

	// A frame is as high as its mail.
	b.click(`.row[data-uid="53"] a`)
	b.until(`document.querySelector("iframe.mail")?.contentDocument?.documentElement.scrollHeight > 200 && Math.abs(document.querySelector("iframe.mail").clientHeight - document.querySelector("iframe.mail").contentDocument.documentElement.scrollHeight) < 20`)

	// New mail appears, and what is ticked stays so.
	b.keys("u")
	b.until(`document.querySelector("#reader .empty") !== null`)
	b.click(`.row[data-uid="52"] input`)
	f.add("INBOX", "From: Zoe <zoe@example.test>\nSubject: Just now\n\nx\n")
	b.see("Just now")
	b.until(`document.querySelector('.row[data-uid="52"] input').checked && document.querySelectorAll("input[name=uid]:checked").length === 1`)

	// The draft saves itself. Keys are letters in fields.
	b.open("/compose")
	b.run(chromedp.SendKeys(chromedp.CSS("#to"), "bob@example.test"), chromedp.SendKeys(chromedp.CSS("#subject"), "Dec d!#e"), chromedp.SendKeys(chromedp.CSS("#text"), "Xin chào"))
	b.until(`document.getElementById("state").textContent === "Draft saved" && document.activeElement.id === "text"`)
	require.Len(t, f.flags("Drafts"), 2)
	b.run(chromedp.SendKeys(chromedp.CSS("#text"), ", more"))
	b.until(`document.getElementById("state").textContent === "Draft saved" && localStorage.length === 0`)
	require.Len(t, f.flags("Drafts"), 2, "it takes the place of the one before")
	b.run(chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.see("Message sent")
	require.Equal(t, "Xin chào, more", strings.TrimSpace(parse(t, string(f.smtp.Messages()[0].Data)).Text))
	require.Len(t, f.flags("Drafts"), 1)

	b.writeRich()

	// With the session gone the text stays in the browser, and comes back after signing in.
	b.open("/compose")
	f.login()
	f.get("/sessions")
	f.submit("/sessions", "do", "others", "id", "")
	b.run(chromedp.SendKeys(chromedp.CSS("#text"), "not lost"))
	b.see("Your text is kept in this browser")
	b.open("/login")
	b.signIn()
	b.open("/compose")
	b.until(`document.getElementById("text").value.includes("not lost")`)

	// Switched off, keys do nothing.
	b.open("/settings")
	b.click("input[name=keys]")
	b.click(".sheet button.main")
	b.see("Settings saved")
	b.open("/mail/INBOX/53")
	b.keys("#")
	b.keys("?")
	b.until(`location.pathname === "/mail/INBOX/53"`)
	require.Contains(t, f.flags("INBOX"), uid(53))
	b.clean()
}

// A link of this site's own to a mail's document, as a mail could have one, is not put into the page.
func TestForeignDocument(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "Subject: x\nContent-Type: text/html\n\n<h1 id=mine>mine</h1>\n")
	b := f.chromium(1000, 700, true)
	b.signIn()
	b.run(chromedp.Evaluate[chromedp.Void](`{ const a = document.createElement("a"); a.href = "/mail/INBOX/1/body"; a.id = "forged"; a.textContent = "x"; document.getElementById("main").append(a); }`))
	b.click("#forged")
	b.until(`location.pathname === "/mail/INBOX/1/body"`)
	b.until(`document.getElementById("list") === null && document.querySelector("header.top") === null`)
}
