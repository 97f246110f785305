//go:build linux

package e2e

import (
	"bufio"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/proctree"
)

var (
	signedIn     = flag.Int("webmail", 0, "users who sign in to the webmail, for TestWebmailMemory; 0: it is left out")
	signedInTime = flag.Duration("webmailtime", 7*time.Minute, "how long they wait for mail then")
	signedInTLS  = flag.Bool("webmailtls", false, "they come over HTTPS and HTTP/2, as browsers do where no proxy stands before the server")
	signedInOld  = flag.Bool("webmailhttp1", false, "they speak HTTP/1.1 whatever the server offers, as many at work do whose HTTPS is opened on the way")
)

// TestWebmailMemory tells what the server holds in memory for people who have signed in to the webmail and have a page open that waits for new mail. It proves nothing by itself.
func TestWebmailMemory(t *testing.T) {
	if *signedIn == 0 {
		t.Skip("for people: -webmail 400")
	}
	addr := freePorts(t, 1)[0]
	param, base := "webmail_listen", "http://"+addr
	if *signedInTLS {
		param, base = "webmails_listen", "https://"+addr
	}
	s := start(t, *signedIn, param, addr)
	told := func(when string) {
		m, err := proctree.Smaps(s.cmd.Process.Pid)
		require.NoError(t, err)
		t.Logf("%s: %.1f MiB of its own and %.1f MiB of files; load of the machine: %s", when, float64(m["Pss_Anon"])/(1<<20), float64(m["Pss_File"])/(1<<20), loadAverage())
	}
	told("before")
	for u := range *signedIn {
		defer waitForMail(t, base, u)()
	}
	told("all signed in")
	for left := *signedInTime; left > 0; left -= time.Minute {
		time.Sleep(min(left, time.Minute))
		told(fmt.Sprint("later by ", *signedInTime-left+min(left, time.Minute)))
	}
}

// waitForMail signs in as a browser does and opens the stream of news. done ends it.
func waitForMail(t *testing.T, base string, u int) (done func()) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	tr := &http.Transport{MaxConnsPerHost: 6, ForceAttemptHTTP2: !*signedInOld, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // its own certificate
	c := &http.Client{Jar: jar, Transport: tr}
	page := func(resp *http.Response, err error) string {
		t.Helper()
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, "%s", b)
		return string(b)
	}
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page(c.Get(base + "/login")))
	require.NotNil(t, token)
	inbox := page(c.PostForm(base+"/login", url.Values{"token": {token[1]}, "user": {fmt.Sprintf("u%d@example.test", u)}, "password": {fmt.Sprintf("secret%d", u)}}))
	require.Contains(t, inbox, `id="list"`)
	news, err := c.Get(base + "/events")
	require.NoError(t, err)
	line, err := bufio.NewReader(news.Body).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, ": hello\n", line)
	return func() {
		_ = news.Body.Close()
		tr.CloseIdleConnections()
	}
}
