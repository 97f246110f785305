package webmail_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/chromium"
)

// tab is a page in Chromium, and what it has asked of the network and complained about.
type tab struct {
	*fixture
	ctx context.Context

	mu       sync.Mutex
	requests []string
	problems []string
}

// chromium starts the browser.
func (f *fixture) chromium(width, height int64, scripts bool) *tab {
	f.Helper()
	ctx := chromium.Start(f.T)
	t := &tab{fixture: f, ctx: ctx}
	require.NoError(f, chromedp.Listen(ctx, t.event))
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	require.NoError(f, err)
	_, err = chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
	require.NoError(f, err)
	t.run(chromedp.EmulateViewport(width, height))
	return t
}

func (t *tab) event(e any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		t.requests = append(t.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		t.problems = append(t.problems, text)
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			t.problems = append(t.problems, "console: "+string(a.Value))
		}
	}
}

func (t *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	require.NoError(t, chromedp.Do(ctx, actions...))
}

// open goes to a page of the site.
func (t *tab) open(path string) { t.Helper(); t.run(chromedp.Navigate(t.web.URL + path)) }

// see waits until a text is on the page.
func (t *tab) see(text string) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.ctx, 40*time.Second)
	defer cancel()
	for {
		html, err := chromedp.Run(deadline, chromedp.OuterHTML(chromedp.CSS("html")))
		if strings.Contains(html, text) {
			return
		}
		if deadline.Err() != nil {
			require.Fail(t, "not on the page", "%q: %v\n%s", text, err, html)
		}
	}
}

// signIn does it by the keyboard, as a person does.
func (t *tab) signIn() {
	t.Helper()
	t.open("/login")
	t.run(chromedp.SendKeys(chromedp.CSS("#user"), "alice\t"), chromedp.SendKeys(chromedp.CSS("#password"), "secret\r"))
	t.see(`id="list"`)
}

// clean fails when the page has reached out, or something ran or was refused.
func (t *tab) clean() {
	t.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, u := range t.requests {
		if !strings.HasPrefix(u, t.web.URL) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") {
			require.Fail(t, "request to elsewhere", u)
		}
	}
	require.Empty(t, t.problems)
}

// click clicks what is visible on the page. A page that is being replaced is tried again.
func (t *tab) click(sel string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, time.Minute)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(sel)))
		if err == nil {
			return
		}
		require.NoError(t, ctx.Err(), "%s: %v", sel, err)
	}
}

// until waits for a condition of the page, written in JavaScript. It works with scripts of pages switched off, too.
func (t *tab) until(condition string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.ctx, 40*time.Second)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if err == nil && ok {
			return
		}
		if ctx.Err() != nil {
			html, _ := chromedp.Run(t.ctx, chromedp.OuterHTML(chromedp.CSS("html")))
			require.Fail(t, "it never came to be", "%s: %v\n%s", condition, err, html)
		}
	}
}

// keys presses keys, wherever the focus is.
func (t *tab) keys(k string) { t.Helper(); t.run(chromedp.KeyEvent(k)) }

func uid(n int) mail.UID { return mail.UID(n) }
