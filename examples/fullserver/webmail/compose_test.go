package webmail_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// upload sends a form with a file.
func (f *fixture) upload(action, filename, kind, content string, fields ...string) {
	f.Helper()
	for _, form := range f.forms() {
		if form.action != action {
			continue
		}
		for i := 0; i < len(fields); i += 2 {
			form.values.Set(fields[i], fields[i+1])
		}
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for k, vs := range form.values {
			for _, v := range vs {
				require.NoError(f, w.WriteField(k, v))
			}
		}
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + filename + `"`}, "Content-Type": {kind}})
		require.NoError(f, err)
		_, _ = io.WriteString(p, content)
		require.NoError(f, w.Close())
		req, err := http.NewRequest("POST", f.web.URL+action, &b)
		require.NoError(f, err)
		req.Header.Set("Content-Type", w.FormDataContentType())
		f.do(req)
		return
	}
	require.Fail(f, "no such form", action)
}

func parse(t *testing.T, raw string) *mime.Message {
	t.Helper()
	m, err := mime.Read(strings.NewReader(raw))
	require.NoError(t, err)
	return m
}

func TestReplyIsSent(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", message(7))
	f.login()
	f.get("/compose?mode=reply&folder=INBOX&uid=1")
	require.Contains(t, f.page, `value="Bob &lt;bob@example.test&gt;"`)
	require.Contains(t, f.page, "On 02/03/2026 03:00, Bob wrote:")
	f.submit("/compose", "do", "send", "body", "Cảm ơn\r\nbạn", "bcc", "carol@example.test", "cc", "Đỗ Văn D <d@example.test>")
	require.Equal(t, "/mail/INBOX?done", strings.Split(f.url, "=")[0], f.page)
	require.Contains(t, f.page, "Message sent")
	require.Len(t, f.smtp.Messages(), 1)
	got := f.smtp.Messages()[0]
	require.Equal(t, "alice@example.test", got.From)
	require.Equal(t, "alice", got.User)
	require.Len(t, got.Recipients, 3)
	m := parse(t, string(got.Data))
	require.Equal(t, "Cảm ơn\nbạn\n\nOn 02/03/2026 03:00, Bob wrote:\n> Hi number 7, see https://example.org/x?a=1&b=2 now.\n", strings.ReplaceAll(m.Text, "\r\n", "\n"))
	require.Equal(t, []string{"m7@example.test"}, m.InReplyTo)
	require.Equal(t, "Re: Hello 7", m.Subject)
	require.NotContains(t, string(got.Data), "carol", "Bcc does not go out")
	require.NotContains(t, string(got.Data), "X-Buuta")
	sent := f.raw("Sent", f.only("Sent"))
	require.Contains(t, sent, "Bcc: carol@example.test", "the sender's copy says whom else it went to")
	require.Contains(t, f.flags("INBOX")[1], `\Answered`)
	require.Contains(t, f.flags("Sent")[1], `\Seen`)
}

// A draft has everything that the form had; it lies at the server, where a new session finds it.
func TestDraftSurvives(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {imap.CapReplace}, {imap.CapReplace, imap.CapUIDPlus}} {
		f := newFixture(t)
		f.imap.Config.Without = without
		f.add("INBOX", message(7))
		f.login()
		f.get("/compose?mode=reply&folder=INBOX&uid=1")
		f.upload("/compose", "Hợp đồng.txt", "text/plain", "contract", "do", "attach", "body", "half a wo", "cc", "jo", "bcc", "carol@example.test", "subject", "Về việc")
		require.Contains(t, f.page, "Draft saved", f.page)
		require.Contains(t, f.page, "Hợp đồng.txt")
		f.http = f.newBrowser() // the session is lost
		f.login()
		f.get("/mail/Drafts")
		require.Contains(t, f.page, "Về việc")
		uid := f.first("Drafts")
		f.get(fmt.Sprintf("/compose?draft=%d&folder=Drafts", uid))
		for _, want := range []string{`value="jo"`, `value="carol@example.test"`, `value="Về việc"`, "half a wo", "Hợp đồng.txt", "On 02/03/2026"} {
			require.Contains(t, f.page, want)
		}
		require.NotContains(t, f.page, "half a wo\n\n")
		f.submit("/compose", "do", "send")
		require.Equal(t, http.StatusUnprocessableEntity, f.code)
		require.Contains(t, f.page, "This is not an address: jo")
		require.Contains(t, f.page, "Hợp đồng.txt", "the form has it all again")
		f.submit("/compose", "do", "save", "cc", "jo@example.test")
		if without == nil || without[len(without)-1] == imap.CapReplace {
			f.only("Drafts")
		}
		f.submit("/compose", "do", "send")
		require.Contains(t, f.page, "Message sent", f.page)
		m := parse(t, string(f.smtp.Messages()[0].Data))
		require.Equal(t, "contract", strings.TrimSpace(string(m.Attachments[0].Data)))
		require.Equal(t, "Hợp đồng.txt", m.Attachments[0].Filename)
		require.Equal(t, []string{"m7@example.test"}, m.InReplyTo)
		require.Len(t, f.smtp.Messages()[0].Recipients, 3)
		if without == nil {
			require.Empty(t, f.flags("Drafts"))
		}
	}
}

func TestForwardKeepsAttachments(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "From: bob@example.test\nSubject: Files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n--b\nContent-Type: application/pdf; name=a.pdf\n"+
		"Content-Disposition: attachment; filename=a.pdf\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n--b\nContent-Type: text/x-other; charset=utf-8; name=b.txt\nContent-Disposition: attachment; filename=b.txt\n\nB\n--b--\n")
	f.login()
	f.get("/compose?mode=forward&folder=INBOX&uid=1")
	require.Contains(t, f.page, "a.pdf")
	f.submit("/compose", "do", "save", "to", "carol@example.test", "keep", "2", "body", "fyi")
	require.NotContains(t, f.page, "b.txt", "it was taken out")
	f.submit("/compose", "do", "send")
	require.Contains(t, f.page, "Message sent")
	m := parse(t, string(f.smtp.Messages()[0].Data))
	require.Len(t, m.Attachments, 1)
	require.Equal(t, "Hello", string(m.Attachments[0].Data))
	require.Contains(t, m.Text, "fyi")
	require.Contains(t, m.Text, "See below.")
	require.Contains(t, m.Text, "Forwarded message")
	require.Contains(t, f.flags("INBOX")[1], "$Forwarded")
}

// What the server refuses stays a draft, and nobody gets it: who corrects an address must not send twice to the others.
func TestRefusedRecipient(t *testing.T) {
	f := newFixture(t).login()
	f.smtp.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "nobody@example.test", Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user")})
	f.get("/compose?to=bob@example.test&subject=S")
	f.submit("/compose", "do", "send", "cc", "nobody@example.test", "body", "text that must stay")
	require.Equal(t, http.StatusBadGateway, f.code)
	require.Contains(t, f.page, "No such user")
	require.Contains(t, f.page, "text that must stay")
	require.Contains(t, f.page, "Your message is kept in Drafts.")
	require.Empty(t, f.smtp.Messages())
	f.only("Drafts")
	f.submit("/compose", "do", "send", "cc", "")
	require.Contains(t, f.page, "Message sent", f.page)
	require.Len(t, f.smtp.Messages(), 1)
	require.Empty(t, f.flags("Drafts"))
	f.only("Sent")
}

// A form that is sent twice, by an impatient click or by going back, sends one message.
func TestSentOnce(t *testing.T) {
	f := newFixture(t).login()
	f.get("/compose?to=bob@example.test")
	var v url.Values
	for _, form := range f.forms() {
		if form.action == "/compose" {
			v = form.values
		}
	}
	v.Set("do", "send")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			resp, err := f.http.PostForm(f.web.URL+"/compose", v)
			if err == nil {
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	require.Len(t, f.smtp.Messages(), 1)
	f.only("Sent")
	f.post("/compose", v)
	require.Contains(t, f.page, "Message sent")
	require.Len(t, f.smtp.Messages(), 1)
}

func TestLostSessionShowsText(t *testing.T) {
	f := newFixture(t).login()
	f.get("/compose?to=bob@example.test")
	f.http, _ = f.newBrowser(), f.http
	f.submit("/compose", "do", "send", "body", "all that <I> wrote")
	require.Equal(t, http.StatusUnauthorized, f.code)
	require.Contains(t, f.page, "all that &lt;I&gt; wrote")
	require.Empty(t, f.smtp.Messages())
}

func TestUploadLimit(t *testing.T) {
	f := newFixture(t)
	f.login()
	f.get("/compose?to=bob@example.test")
	f.upload("/compose", "big.bin", "application/octet-stream", strings.Repeat("x", 30<<20), "do", "attach")
	require.Equal(t, http.StatusRequestEntityTooLarge, f.code)
	require.Empty(t, f.flags("Drafts"))
}

// HTML that is answered never comes near the form: it stands in its frame, and as text below the answer.
func TestHTMLQuote(t *testing.T) {
	f := newFixture(t)
	f.add("INBOX", "From: bob@example.test\nSubject: H\nContent-Type: text/html; charset=utf-8\n\n<p>Dear <b>Alice</b></p><script>alert(1)</script><ul><li>one</ul>\n")
	f.login()
	f.get("/compose?mode=all&folder=INBOX&uid=1")
	require.Contains(t, f.page, `src="/mail/INBOX/1/body"`)
	require.NotContains(t, f.page, "Dear")
	f.submit("/compose", "do", "textquote", "body", "mine")
	require.Contains(t, f.page, "&gt; Dear Alice")
	require.NotContains(t, f.page, "iframe")
	f.submit("/compose", "do", "send")
	m := parse(t, string(f.smtp.Messages()[0].Data))
	require.Contains(t, m.Text, "> Dear Alice")
	require.NotContains(t, m.Text, "alert")
	require.Equal(t, 1, strings.Count(m.Text, "Dear"))
}
