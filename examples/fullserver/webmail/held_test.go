package webmail_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

func holding(d time.Duration) func(*webmail.Config) {
	return func(c *webmail.Config) { c.Limits.UndoSend = d }
}

// TestUndoSend takes a message back: it has not gone out, and is open as it was, with its file.
func TestUndoSend(t *testing.T) {
	f := newFixture(t, holding(time.Hour)).login()
	f.get("/compose")
	f.upload("/compose", "a.txt", "text/plain", "file", "do", "send", "to", "bob@example.test", "subject", "Soon", "body", "Xin chào")
	require.Contains(t, f.page, "Message goes out in 3600 seconds")
	require.Empty(t, f.smtp.Messages())
	require.Len(t, f.flags("Drafts"), 1, "a crash loses nothing")
	shown := f.page
	f.submit("/undo")
	require.Contains(t, f.page, "Xin chào")
	require.Contains(t, f.page, "a.txt")
	require.Contains(t, f.page, `value="bob@example.test"`)
	draft := f.page
	f.page = shown
	f.submit("/undo")
	require.Equal(t, http.StatusGone, f.code, "once")
	f.page = draft
	f.submit("/compose", "do", "send")
	require.Contains(t, f.page, "Message goes out in")
	require.NoError(t, f.site.Close(), "what is held goes out when the site ends")
	require.Len(t, f.smtp.Messages(), 1)
	require.Contains(t, string(f.smtp.Messages()[0].Data), "a.txt")
	require.Empty(t, f.flags("Drafts"))
	require.Len(t, f.flags("Sent"), 1)
	f.submit("/undo")
	require.NotEqual(t, http.StatusOK, f.code, "it is too late")
}

// TestHeldIsSent: without anybody's doing the message goes out once; one that is refused is told, and stays a draft.
func TestHeldIsSent(t *testing.T) {
	f := newFixture(t, holding(time.Millisecond)).login()
	send := func(to string) {
		f.get("/compose?to=" + to + "&subject=S")
		f.submit("/compose", "do", "send", "body", "text that must stay")
		require.Contains(t, f.page, "Message goes out in")
	}
	send("bob@example.test")
	require.Eventually(t, func() bool { return len(f.flags("Sent")) == 1 && len(f.flags("Drafts")) == 0 }, time.Minute, 5*time.Millisecond)
	require.Len(t, f.smtp.Messages(), 1)
	f.smtp.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "nobody@example.test", Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "No such user <img src=x>")})
	send("nobody@example.test")
	require.Eventually(t, func() bool { f.get("/mail/INBOX"); return strings.Contains(f.page, "No such user &lt;img") }, time.Minute, 5*time.Millisecond)
	require.Contains(t, f.page, "Not sent")
	link := f.page[strings.Index(f.page, "/compose?draft="):]
	page := f.page
	f.get(html.UnescapeString(link[:strings.IndexByte(link, '"')]))
	require.Contains(t, f.page, "text that must stay")
	f.page = page
	f.submit("/failures")
	require.NotContains(t, f.page, "Not sent")
	f.only("Drafts")
	require.Len(t, f.smtp.Messages(), 1)
}

// TestUndoSendIsChosen: who wants none of it sends at once.
func TestUndoSendIsChosen(t *testing.T) {
	f := newFixture(t, holding(time.Hour)).login()
	f.get("/settings")
	f.submit("/settings", "undosend", "0")
	f.get("/compose?to=bob@example.test")
	f.submit("/compose", "do", "send", "body", "x")
	require.Contains(t, f.page, "Message sent")
	require.Len(t, f.smtp.Messages(), 1)
}
