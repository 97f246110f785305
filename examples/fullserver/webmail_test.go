package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/config"
	"github.com/buuta/mail/examples/fullserver/demo"
	"github.com/buuta/mail/examples/fullserver/server"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/smtp/smtptest"
)

// browser signs in at a webmail as a person does, and sends a message.
type browser struct {
	*testing.T
	http.Client
	base string
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{t, http.Client{Jar: jar}, base}
}

func (b *browser) page(resp *http.Response, err error) string {
	b.Helper()
	require.NoError(b, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, resp.StatusCode, "%s", text)
	return string(text)
}

func (b *browser) get(path string) string {
	b.Helper()
	return b.page(b.Get(b.base + path))
}

func (b *browser) send(page, path string, fields ...string) string {
	b.Helper()
	v := url.Values{"token": {regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page)[1]}}
	for i := 0; i < len(fields); i += 2 {
		v.Set(fields[i], fields[i+1])
	}
	return b.page(b.PostForm(b.base+path, v))
}

// TestWebmailOfDemo: alice and bob of the demo write to each other in the browser.
func TestWebmailOfDemo(t *testing.T) {
	d, err := demo.Setup(t.TempDir())
	require.NoError(t, err)
	c, err := config.Load(config.Options{File: d.MainCF, Overrides: []string{"smtp_listen=", "submission_listen=", "imap_listen=", "pop3_listen=", "lmtp_listen=",
		"webmail_listen=127.0.0.1:0", "auth_failure_delay=0"}})
	require.NoError(t, err)
	s, err := server.Open(c, server.Options{Stderr: io.Discard})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, nil) }()
	base := "http://" + s.Addrs("webmail_listen")[0].String()
	alice, bob := newBrowser(t, base), newBrowser(t, base)
	for user, b := range map[string]*browser{"alice@example.test": alice, "bob@example.test": bob} {
		require.Contains(t, b.send(b.get("/login"), "/login", "user", user, "password", d.Passwords[user]), user)
	}
	alice.send(alice.get("/settings"), "/settings", "lang", "en", "undosend", "0")
	require.Contains(t, alice.send(alice.get("/compose"), "/compose", "do", "send", "to", "bob@example.test", "subject", "Chào bạn", "body", "Xin chào!"), "Message sent")
	require.Contains(t, alice.get("/mail/Sent"), "Chào bạn")
	require.Contains(t, bob.get("/mail/INBOX"), "Chào bạn", "delivered before the server said that it had taken it")
	require.Contains(t, bob.get("/mail/INBOX/1"), "Xin chào!")
	page := bob.get("/settings")
	require.Contains(t, bob.send(page, "/settings", "lang", "vi", "zone", "Asia/Ho_Chi_Minh"), "Đã lưu cài đặt")
	cancel()
	require.NoError(t, <-done)
}

// TestWebmailCommand serves another server's mail.
func TestWebmailCommand(t *testing.T) {
	imap, smtp := imaptest.NewServer(t), smtptest.NewServer(t)
	smtp.Config.Authenticator = imaptest.Users{imaptest.Username: imaptest.Password}
	imap.Add("INBOX", "Subject: From elsewhere\n\nx\n")
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- runWebmail(ctx, []string{"-imap", imap.Addr(), "-smtp", smtp.Addr(), "-listen", "127.0.0.1:0", "-data", t.TempDir()}, w, io.Discard)
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	b := newBrowser(t, strings.TrimSuffix(line[strings.Index(line, "http://"):], "/\n"))
	require.Contains(t, b.send(b.get("/login"), "/login", "user", imaptest.Username, "password", imaptest.Password), "From elsewhere")
	require.Contains(t, b.send(b.get("/compose"), "/compose", "do", "send", "to", "bob@example.test"), "Message goes out in")
	require.Empty(t, smtp.Messages())
	cancel()
	require.NoError(t, <-done)
	require.Len(t, smtp.Messages(), 1, "what can still be taken back goes out when the webmail ends")

	status, out, _ := command(t, "", "webmail", "-h")
	require.Zero(t, status)
	require.Contains(t, out, "-imap host")
	for _, args := range [][]string{{"webmail"}, {"webmail", "-x"}, {"webmail", "-imap", "a", "b"}} {
		status, _, errs := command(t, "", args...)
		require.Equal(t, 1, status)
		require.Contains(t, errs, "-h tells more")
	}
}
