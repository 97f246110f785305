package web

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/recording"
	"github.com/buuta/mail/internal/chromium"
)

const attack = `220 x"'><script>document.title='owned'</script><img src=x onerror=alert(1)>{{.}}`

func notesOf(t *testing.T, name string) (explain.Protocol, []explain.Note) {
	t.Helper()
	r, err := recording.Open(name)
	require.NoError(t, err)
	return r.Protocol, r.Notes()
}

func get(t *testing.T, url string) (string, *http.Response) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b), resp
}

// The page is whole without scripts, in both languages, step by step, and nothing from the wire is more than text.
func TestPage(t *testing.T) {
	b := New(explain.English)
	srv := httptest.NewServer(b.Handler())
	defer srv.Close()
	page, _ := get(t, srv.URL)
	require.Contains(t, page, "Nothing has been said yet.")
	p, notes := notesOf(t, "textbook")
	talk := b.Begin(p, `title <b>`)
	talk.Add(notes...)
	talk.Add(explain.New(explain.SMTP).Feed(explain.Server, []byte(attack+"\r\n"))...)
	talk.End()
	page, resp := get(t, srv.URL)
	for _, want := range []string{"title &lt;b&gt;", "MAIL FROM:trunghq@ubuntu.localdomain", "the queue id", "<svg", "220 x&#34;&#39;&gt;&lt;script&gt;", `class="state here"`, "RFC 5321 section 4.1.1.4"} {
		require.Contains(t, page, want)
	}
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<img")
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "default-src 'none'")
	page, _ = get(t, srv.URL+"/talk/1?l=vi&step=4")
	require.Contains(t, page, "Dòng 4 trong 17")
	require.Contains(t, page, "step=5")
	require.NotContains(t, page, "MAIL FROM:trunghq@ubuntu.localdomain</code></p>\n<p>Máy chủ")
	_, resp = get(t, srv.URL+"/talk/99")
	require.Equal(t, http.StatusNotFound, resp.StatusCode)
	req, err := http.NewRequest("GET", srv.URL, nil)
	require.NoError(t, err)
	req.Host = "evil.example"
	resp, err = http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusMisdirectedRequest, resp.StatusCode)
}

// Lines come as events while they are said, from the one that is asked for on.
func TestEvents(t *testing.T) {
	b := New(explain.English)
	srv := httptest.NewServer(b.Handler())
	defer srv.Close()
	p, notes := notesOf(t, "pop3")
	talk := b.Begin(p, "x")
	talk.Add(notes[:3]...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/talk/1/events?from=2", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	next := func() string {
		var out strings.Builder
		for {
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			if out.WriteString(line); line == "\n" {
				return out.String()
			}
		}
	}
	require.True(t, strings.HasPrefix(next(), "id: 3\n"))
	talk.Add(notes[3:5]...)
	require.True(t, strings.HasPrefix(next(), "id: 5\n"))
	talk.End()
	require.True(t, strings.HasPrefix(next(), "event: over\n"))
}

// In Chromium lines appear while they are said; an attacker's greeting runs nothing. DIALOGUE_SCREENSHOT names a file for a picture.
func TestChromium(t *testing.T) {
	b := New(explain.English)
	srv := httptest.NewServer(b.Handler())
	t.Cleanup(srv.Close)
	p, notes := notesOf(t, "textbook")
	talk := b.Begin(p, "A message typed by hand, by telnet to port 25")
	talk.Add(notes[:4]...)
	ctx, cancel := context.WithTimeout(chromium.Start(t), 2*time.Minute)
	defer cancel()
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: false})
	require.NoError(t, err)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(srv.URL+"/talk/1")))
	until := func(condition string) {
		t.Helper()
		for {
			ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
			if err == nil && ok {
				return
			}
			require.NoError(t, ctx.Err(), condition)
		}
	}
	until(`document.querySelectorAll("#notes > li").length === 4`)
	talk.Add(explain.New(explain.SMTP).Feed(explain.Server, []byte(attack+"\r\n"))...)
	until(`document.querySelectorAll("#notes > li").length === 5`)
	until(`document.title.startsWith("A message") && !document.querySelector("#notes img, #notes script")`)
	talk.Add(notes[4:10]...)
	until(`document.querySelectorAll("#notes > li").length === 11 && document.querySelector("#now .name.here").textContent === "message"`)
	if file := os.Getenv("DIALOGUE_SCREENSHOT"); file != "" {
		picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, picture, 0o644))
	}
	talk.End()
	until(`!document.getElementById("live")`)
}
