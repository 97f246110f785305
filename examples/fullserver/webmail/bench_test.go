package webmail_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/maildir"
)

// benchMessages is how many messages the INBOX of the benchmark has.
const benchMessages = 100_000

// answer makes one message in a thousand a part of one conversation.
func answer(n int) string {
	if n%1000 != 0 {
		return ""
	}
	return "In-Reply-To: <b1@example.test>\r\nReferences: <b1@example.test>\r\n"
}

func fillMaildir(b *testing.B, dir string) {
	b.Helper()
	a, err := (&maildir.Store{Path: dir + "/%u", NoSync: true}).Account(b.Context(), imaptest.Username)
	require.NoError(b, err)
	box, err := a.Open(b.Context(), "INBOX")
	require.NoError(b, err)
	for done := 0; done < benchMessages; {
		ap, err := box.Append(b.Context())
		require.NoError(b, err)
		for range 1000 {
			done++
			text := fmt.Sprintf("From: =?utf-8?q?S=E1=BB=91_%d?= <s%d@example.test>\r\nTo: alice@example.test\r\nSubject: Message number %d\r\nDate: Mon, 02 Mar 2026 10:00:00 +0700\r\nMessage-ID: <b%d@example.test>\r\n"+
				"%sMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello, this is number %d.\r\n%s--bb\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello, this is <b>number %d</b>.\r\n--bb--\r\n",
				done, done%500, done, done, answer(done), done, strings.Repeat("A line of text as people write it.\r\n", 10), done)
			require.NoError(b, ap.Add(b.Context(), strings.NewReader(text), nil))
		}
		_, err = ap.Commit(b.Context())
		require.NoError(b, err)
	}
	require.NoError(b, box.Close())
	require.NoError(b, a.Close())
}

// BenchmarkHundredThousand is the time from a request to the last octet of the page, with an INBOX of 100,000 messages in a Maildir behind our own IMAP
// server: as they are asked for again and again, and (first) by somebody who signs in at a server that has just started.
func BenchmarkHundredThousand(b *testing.B) {
	dir := b.TempDir()
	fillMaildir(b, dir)
	start := func() *fixtureB {
		srv := &imapserver.Server{Store: &maildir.Store{Path: dir + "/%u", NoSync: true}, Authenticator: imaptest.Users{imaptest.Username: imaptest.Password},
			AllowPlaintext: (*imapserver.Conn).FromThisMachine}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		go srv.Serve(l)
		var commands atomic.Int64
		trace := func(sent bool, _ string) {
			if sent {
				commands.Add(1)
			}
		}
		site, err := webmail.New(webmail.Config{IMAP: l.Addr().String(), IMAPOptions: imapclient.Options{TLS: imapclient.TLSNone, Trace: trace}})
		require.NoError(b, err)
		web := httptest.NewServer(site)
		jar, err := cookiejar.New(nil)
		require.NoError(b, err)
		return &fixtureB{b, &http.Client{Jar: jar}, web.URL, &commands, func() { site.Close(); web.Close(); srv.Close() }}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			f := start()
			f.B = b
			b.StartTimer()
			require.Contains(b, f.login(), "1–50 of 100000")
			b.StopTimer()
			f.stop()
			b.StartTimer()
		}
	})
	f := start()
	defer f.stop()
	f.login()
	for _, c := range []struct{ name, path, want string }{
		{"list", "/mail/INBOX", "1–50 of 100000"},
		{"page 1000", "/mail/INBOX?p=1000", "49951–50000 of 100000"},
		{"read", "/mail/INBOX/99990", "Message number 99990"},
		{"first_of_conversation", "/mail/INBOX/100000", "Show the other messages of this conversation"},
		{"conversation", "/mail/INBOX/100000?talk=yes", "100 more messages in this conversation"},
		{"body", "/mail/INBOX/99990/body", "number 99990"},
		{"search header", "/search?subject=12345&in=INBOX", "1 message found"},
		{"search text", "/search?q=number+99991&in=INBOX", "1 message found"},
		{"search conversation", "/search?thread=b1@example.test", "101 messages found"},
		{"search everywhere", "/search?subject=12345", "1 message found"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f.B = b
			f.get(c.path)
			b.ReportAllocs()
			before := f.commands.Load()
			for b.Loop() {
				require.Contains(b, f.get(c.path), c.want)
			}
			b.ReportMetric(float64(f.commands.Load()-before)/float64(b.N), "commands/op")
		})
	}
	page := f.get("/mail/INBOX/99990")
	form := url.Values{"token": {regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page)[1]}, "v": {regexp.MustCompile(`name="v" value="(\d+)"`).FindStringSubmatch(page)[1]},
		"uid": {"99990"}, "next": {"/mail/INBOX"}}
	b.Run("star and list", func(b *testing.B) {
		f.B = b
		for i := 0; b.Loop(); i++ {
			form.Set("do", []string{"star", "unstar"}[i%2])
			require.Contains(b, f.post("/mail/INBOX/act", form), "1–50 of 100000")
		}
	})
}

// fixtureB is a browser for a benchmark.
type fixtureB struct {
	*testing.B
	http     *http.Client
	base     string
	commands *atomic.Int64 // that the IMAP server was sent, a line each
	stop     func()
}

func (f *fixtureB) page(resp *http.Response, err error) string {
	f.Helper()
	require.NoError(f, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(f, err)
	require.Equal(f, http.StatusOK, resp.StatusCode, "%s", b)
	return string(b)
}

func (f *fixtureB) get(path string) string { f.Helper(); return f.page(f.http.Get(f.base + path)) }
func (f *fixtureB) post(path string, v url.Values) string {
	f.Helper()
	return f.page(f.http.PostForm(f.base+path, v))
}

func (f *fixtureB) login() string {
	f.Helper()
	page := f.get("/login")
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(page)[1]
	return f.post("/login", url.Values{"token": {token}, "user": {imaptest.Username}, "password": {imaptest.Password}})
}
