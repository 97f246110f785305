package webmail_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
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
			b.see("Shall we try the new place")
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
