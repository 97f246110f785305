package webmail_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/smtp/smtptest"
)

// fixture is a webmail on servers in memory, and a browser without scripts.
type fixture struct {
	*testing.T
	imap  *imaptest.Server
	smtp  *smtptest.Server
	site  *webmail.Site
	web   *httptest.Server
	http  *http.Client
	page  string // the last page
	url   string // its address
	code  int
	head  http.Header
	trace trace
}

// trace collects the commands that the IMAP server was sent.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (tr *trace) add(sent bool, line string) {
	if sent {
		tr.mu.Lock()
		tr.lines = append(tr.lines, line)
		tr.mu.Unlock()
	}
}

func (tr *trace) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	out := tr.lines
	tr.lines = nil
	return out
}

func newFixture(t *testing.T, change ...func(*webmail.Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, imap: imaptest.NewServer(t), smtp: smtptest.NewServer(t)}
	f.smtp.Config.Authenticator = imaptest.Users{imaptest.Username: imaptest.Password}
	cfg := webmail.Config{IMAP: "imap.example.test:143", SMTP: "smtp.example.test:587", Domain: "example.test"}
	cfg.IMAPOptions.Dial, cfg.SMTPOptions.Dial = f.imap.Dial, f.smtp.Dial
	cfg.IMAPOptions.Trace = f.trace.add
	cfg.Limits.UndoSend = -1
	cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	for _, c := range change {
		c(&cfg)
	}
	var err error
	f.site, err = webmail.New(cfg)
	require.NoError(t, err)
	f.web = httptest.NewServer(f.site)
	t.Cleanup(func() { f.site.Close(); f.web.Close() })
	f.http = f.newBrowser()
	return f
}

func (f *fixture) newBrowser() *http.Client {
	jar, err := cookiejar.New(nil)
	require.NoError(f, err)
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
}

// do sends a request and keeps the page that it ends at.
func (f *fixture) do(req *http.Request) string {
	f.Helper()
	resp, err := f.http.Do(req)
	require.NoError(f, err)
	defer resp.Body.Close()
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Type") == "text/event-stream" { // it has no end
		body = io.LimitReader(body, 8)
	}
	b, err := io.ReadAll(body)
	require.NoError(f, err)
	f.page, f.url, f.code, f.head = string(b), resp.Request.URL.RequestURI(), resp.StatusCode, resp.Header
	return f.page
}

func (f *fixture) get(path string) string {
	f.Helper()
	req, err := http.NewRequest("GET", f.web.URL+path, nil)
	require.NoError(f, err)
	return f.do(req)
}

// form is a form of the page as a browser has it.
type form struct {
	action, method string
	values         url.Values
}

// forms reads the forms of the last page: hidden fields, texts, what is ticked or chosen.
func (f *fixture) forms() []form {
	f.Helper()
	doc, err := html.Parse(strings.NewReader(f.page))
	require.NoError(f, err)
	var out []form
	var walk func(n *html.Node, in int)
	walk = func(n *html.Node, in int) {
		if n.Type == html.ElementNode && n.Data == "form" {
			out = append(out, form{attr(n, "action"), attr(n, "method"), url.Values{}})
			in = len(out) - 1
		}
		if in >= 0 && n.Type == html.ElementNode && attr(n, "name") != "" {
			v := out[in].values
			switch {
			case n.Data == "input" && attr(n, "type") == "checkbox" && !hasAttr(n, "checked"):
			case n.Data == "input" && attr(n, "type") != "file":
				v.Add(attr(n, "name"), attr(n, "value"))
			case n.Data == "textarea":
				text := ""
				if n.FirstChild != nil {
					text = n.FirstChild.Data
				}
				v.Add(attr(n, "name"), strings.ReplaceAll(text, "\n", "\r\n"))
			case n.Data == "select":
				v.Add(attr(n, "name"), selected(n))
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in)
		}
	}
	walk(doc, -1)
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func selected(n *html.Node) string {
	value, first := "", true
	for o := range n.Descendants() {
		if o.Type == html.ElementNode && o.Data == "option" {
			v := attr(o, "value")
			if !hasAttr(o, "value") && o.FirstChild != nil {
				v = o.FirstChild.Data
			}
			if first || hasAttr(o, "selected") {
				value, first = v, false
			}
		}
	}
	return value
}

// submit fills in the first form with an action that has all of the fields to set, and sends it. Fields are name, value, name, value.
func (f *fixture) submit(action string, fields ...string) string {
	f.Helper()
	for _, form := range f.forms() {
		if form.action != action {
			continue
		}
		for i := 0; i < len(fields); i += 2 {
			form.values.Set(fields[i], fields[i+1])
		}
		return f.post(action, form.values)
	}
	require.Fail(f, "no such form", "%s in %s", action, f.page)
	return ""
}

func (f *fixture) post(path string, v url.Values) string {
	f.Helper()
	req, err := http.NewRequest("POST", f.web.URL+path, strings.NewReader(v.Encode()))
	require.NoError(f, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(req)
}

// login signs in.
func (f *fixture) login() *fixture {
	f.Helper()
	f.get("/login")
	f.submit("/login", "user", imaptest.Username, "password", imaptest.Password)
	require.Equal(f, http.StatusOK, f.code, f.page)
	require.Equal(f, "/mail/INBOX", f.url)
	return f
}

// add puts a message into a mailbox.
func (f *fixture) add(box, text string) mail.UID {
	f.Helper()
	return f.imap.Add(box, text)[0]
}

// flags returns the flags of all messages of a mailbox, by UID.
func (f *fixture) flags(box string) map[mail.UID][]string {
	f.Helper()
	out := map[mail.UID][]string{}
	for m, err := range f.imap.Mailbox(box).Messages(f.Context(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(f, err)
		out[m.UID] = m.Flags.Names()
	}
	return out
}

// raw returns a message of a mailbox as it is stored.
func (f *fixture) raw(box string, uid mail.UID) string {
	f.Helper()
	b, err := f.imap.Mailbox(box).OpenBody(context.Background(), uid)
	require.NoError(f, err)
	defer b.Close()
	text, err := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	require.NoError(f, err)
	return string(text)
}

// only returns the one message of a mailbox.
func (f *fixture) only(box string) mail.UID {
	f.Helper()
	all := f.flags(box)
	require.Len(f, all, 1, box)
	for u := range all {
		return u
	}
	return 0
}

// first returns the first message of a mailbox.
func (f *fixture) first(box string) mail.UID {
	f.Helper()
	least := mail.MaxUID
	for u := range f.flags(box) {
		least = min(least, u)
	}
	return least
}

const hello = "From: Bob <bob@example.test>\nTo: alice@example.test\nSubject: Hello %d\nDate: Mon, 02 Mar 2026 10:00:00 +0700\nMessage-ID: <m%d@example.test>\n\nHi number %d, see https://example.org/x?a=1&b=2 now.\n"

func message(n int) string { return fmt.Sprintf(hello, n, n, n) }
