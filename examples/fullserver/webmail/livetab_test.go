package webmail_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// New mail appears by itself, but not while the pointer is down: a list that is replaced then loses the click.
func TestLivePressed(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", message(1))
	tab := f.chromium(1200, 800, true)
	tab.signIn()
	// The clock stands still, so that no machine is too slow; news are heard as other tabs hear them.
	tab.run(chromedp.Evaluate[chromedp.Void](`(() => {
		const now = Date.now();
		Date.now = () => now;
		document.getElementById("list").dataset.old = "1";
		window.heard = 0;
		new BroadcastChannel("wm-live").onmessage = () => { window.heard++; };
		document.getElementById("list").dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
	})()`))
	began := time.Now()
	for i := 0; ; i++ { // the server's connection may not wait yet
		f.imap.Add("INBOX", message(10+i))
		heard, err := chromedp.Run(tab.ctx, chromedp.Evaluate[bool](`window.heard > 0`))
		if err == nil && heard {
			break
		}
		require.Less(t, time.Since(began), time.Minute, "no news: %v", err)
		time.Sleep(50 * time.Millisecond)
	}
	tab.run(chromedp.Evaluate[chromedp.Void](`setTimeout(() => { window.later = true; }, 1000)`)) // it would have been replaced by then
	tab.until("window.later === true")
	tab.until(`document.getElementById("list").dataset.old === "1"`)
	tab.run(chromedp.Evaluate[chromedp.Void](`document.getElementById("list").dispatchEvent(new PointerEvent("pointerup", { bubbles: true }))`))
	tab.until(`document.getElementById("list").dataset.old !== "1" && document.querySelectorAll("#list [data-uid]").length > 1`)
	tab.clean()
}
