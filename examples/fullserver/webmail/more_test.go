package webmail_test

import (
	"archive/zip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

const withFiles = "From: Bob <bob@example.test>\nTo: list@lists.example.test\nSubject: Files\nMessage-ID: <files@example.test>\nList-Post: <mailto:list@lists.example.test?subject=x>\nList-Unsubscribe: <mailto:list-leave@lists.example.test?subject=leave%20me>\n" +
	"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nHello\n--bb\nContent-Type: text/plain; charset=windows-1258\nContent-Disposition: attachment; filename=\"a.txt\"\nContent-Transfer-Encoding: 8bit\n\n<script>Nguy\xean</script>\n" +
	"--bb\nContent-Type: image/png\nContent-Disposition: attachment; filename=\"A.TXT\"\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--bb\nContent-Type: text/html\nContent-Disposition: attachment; filename=\"../a.txt\"\n\n<b>x</b>\n--bb--\n"

// TestZip: all attachments come as one file, under names that don't lead out of a folder and don't hide each other.
func TestZip(t *testing.T) {
	f := newFixture(t).login()
	f.add("INBOX", withFiles)
	f.add("INBOX", message(1))
	f.get("/mail/INBOX/1")
	require.Contains(t, f.page, `href="/mail/INBOX/1/zip"`)
	f.get("/mail/INBOX/1/zip")
	require.Contains(t, f.head.Get("Content-Disposition"), `attachment; filename="Files.zip"`)
	require.Contains(t, f.head.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	z, err := zip.NewReader(strings.NewReader(f.page), int64(len(f.page)))
	require.NoError(t, err)
	got := map[string]string{}
	for _, e := range z.File {
		r, err := e.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		got[e.Name] = string(b)
	}
	require.Equal(t, map[string]string{"a.txt": "<script>Nguy\xean</script>", "A (2).TXT": "\x89PNG\r\n\x1a\n", "a (3).txt": "<b>x</b>"}, got)
	f.get("/mail/INBOX/2/zip")
	require.Equal(t, http.StatusNotFound, f.code)
}

// TestTextPreview: a text is shown as text in its charset, whatever it has in it; HTML is not.
func TestTextPreview(t *testing.T) {
	f := newFixture(t).login()
	f.add("INBOX", withFiles)
	f.get("/mail/INBOX/1")
	require.Contains(t, f.page, `href="/mail/INBOX/1/part/2?show=text"`)
	require.NotContains(t, f.page, `/part/4?show`)
	f.get("/mail/INBOX/1/part/2?show=text")
	require.Equal(t, "<script>Nguyên</script>", f.page)
	require.Equal(t, "text/plain; charset=utf-8", f.head.Get("Content-Type"))
	require.Contains(t, f.head.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	f.get("/mail/INBOX/1/part/4?show=text")
	require.Equal(t, "application/octet-stream", f.head.Get("Content-Type"))
}

// TestForwardAsAttachment: the message goes on as it came, octet for octet, also when it was a draft in between.
func TestForwardAsAttachment(t *testing.T) {
	f := newFixture(t).login()
	f.add("INBOX", withFiles)
	for _, draft := range []bool{false, true} {
		f.get("/compose?mode=attach&folder=INBOX&uid=1")
		require.Contains(t, f.page, "Files.eml")
		require.Contains(t, f.page, `value="Fwd: Files"`)
		if draft {
			f.submit("/compose", "do", "save")
		}
		f.submit("/compose", "do", "send", "to", "carol@example.test", "body", "See below")
		require.Contains(t, f.page, "Message sent", f.page)
		all := f.smtp.Messages()
		m := parse(t, string(all[len(all)-1].Data))
		require.Len(t, m.Attachments, 1)
		require.Equal(t, "message/rfc822", m.Attachments[0].Type)
		require.Contains(t, string(all[len(all)-1].Data), "Message-ID: <files@example.test>")
		require.Contains(t, f.flags("INBOX")[1], "$Forwarded")
		require.NotContains(t, m.Text, "Hello")
	}
}

// TestLists: who answers to a list writes to the list alone; who leaves it by mail does so here.
func TestLists(t *testing.T) {
	f := newFixture(t).login()
	f.add("INBOX", withFiles)
	f.add("INBOX", message(1))
	f.get("/mail/INBOX/1")
	require.Contains(t, f.page, "/compose?mode=list&amp;folder=INBOX&amp;uid=1")
	require.Contains(t, f.page, "/compose?mailto=mailto%3Alist-leave%40lists.example.test%3Fsubject%3Dleave%2520me")
	f.get("/compose?mode=list&folder=INBOX&uid=1")
	require.Contains(t, f.page, `name="to" value="list@lists.example.test"`)
	require.NotContains(t, f.page, `value="Bob`)
	f.get("/compose?mailto=mailto%3Alist-leave%40lists.example.test%3Fsubject%3Dleave%2520me")
	require.Contains(t, f.page, `value="leave me"`)
	f.get("/mail/INBOX/2")
	require.NotContains(t, f.page, "mode=list")
	f.get("/compose?mode=list&folder=INBOX&uid=2")
	require.Equal(t, http.StatusNotFound, f.code)
}

// TestReceipt: who wants to know asks the servers (RFC 3461); the wish survives as a draft, and is no part of the message.
func TestReceipt(t *testing.T) {
	f := newFixture(t).login()
	f.get("/compose?to=bob@example.test")
	f.submit("/compose", "do", "save", "receipt", "yes")
	require.Contains(t, f.page, `name="receipt" value="yes" checked`)
	f.submit("/compose", "do", "send")
	m := f.smtp.Messages()[0]
	require.Equal(t, mail.NotifySuccess|mail.NotifyFailure|mail.NotifyDelay, m.Recipients[0].Options.Notify)
	require.NotContains(t, string(m.Data), "X-Buuta")
	f.get("/compose?to=bob@example.test")
	f.submit("/compose", "do", "send")
	require.Zero(t, f.smtp.Messages()[1].Recipients[0].Options.Notify)
}

// TestOperators: the search box understands what Gmail's does.
func TestOperators(t *testing.T) {
	f := newFixture(t).login()
	f.add("INBOX", withFiles)
	for i := range 3 {
		f.add("INBOX", message(i+1))
	}
	for q, want := range map[string]string{
		"from:bob": "4 messages found", "subject:files": "1 message found", "has:attachment": "1 message found", "-has:attachment hello": "3 messages found", "is:unread from:bob -subject:files": "3 messages found",
		`"number 2"`: "1 message found", `subject:"Hello 3"`: "1 message found", "before:2026-03-03 hello": "", "after:2020/01/01 number": "3 messages found", "is:starred": "Nothing was found.", "https://example.org/x": "3 messages found",
		"to:list@lists": "1 message found", `-"`: "Nothing", "is:read": "Nothing was found.",
	} {
		f.get("/search?" + "q=" + strings.NewReplacer(" ", "+", `"`, "%22", ":", "%3A", "/", "%2F").Replace(q))
		require.Equal(t, http.StatusOK, f.code, q)
		if want != "Nothing" {
			require.Contains(t, f.page, want, q)
		}
	}
	f.get("/search?attached=1")
	require.Contains(t, f.page, "1 message found")
}

// TestBudget: what a browser that has nothing yet fetches for the inbox is at most 60 KB, 15 KB of it scripts.
func TestBudget(t *testing.T) {
	f := newFixture(t).login()
	for i := range 60 {
		f.add("INBOX", message(i+1))
	}
	size := func(path string) (n int) {
		req, err := http.NewRequest("GET", f.web.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("Accept-Encoding", "gzip") // said by hand it is not undone on the way
		n = len(f.do(req))
		require.Equal(t, http.StatusOK, f.code)
		require.Equal(t, "gzip", f.head.Get("Content-Encoding"), path)
		return n
	}
	f.get("/mail/INBOX")
	page := f.page
	all, scripts := size("/mail/INBOX"), 0
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		n := size(m[1])
		if all += n; strings.HasSuffix(m[1], ".js") {
			scripts += n
		}
	}
	t.Logf("%d octets in all, %d of scripts, %d requests", all, scripts, len(seen)+1)
	require.LessOrEqual(t, all, 60<<10)
	require.LessOrEqual(t, scripts, 15<<10)
	require.Greater(t, scripts, 5<<10)
}
