package webmail_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imaptest"
)

func TestLogin(t *testing.T) {
	f := newFixture(t)
	f.get("/mail/INBOX")
	require.Equal(t, "/login?next=%2Fmail%2FINBOX", f.url)
	f.submit("/login", "user", "alice", "password", "wrong")
	require.Equal(t, http.StatusUnauthorized, f.code)
	require.Contains(t, f.page, "Address or password is wrong.")
	f.submit("/login", "user", "alice", "password", imaptest.Password)
	require.Equal(t, "/mail/INBOX", f.url)
	require.Contains(t, f.page, "No messages here.")
	f.get("/sessions")
	require.Contains(t, f.page, "This one")
	first := f.http
	f.http = f.newBrowser()
	f.login()
	f.get("/sessions")
	f.submit("/sessions", "do", "others", "id", "")
	f.http, first = first, f.http
	f.get("/mail/INBOX")
	require.Equal(t, "/login?next=%2Fmail%2FINBOX", f.url, "ended by the other")
	f.http = first
	f.get("/mail/INBOX")
	jar := f.http.Jar
	f.submit("/logout")
	require.Equal(t, "/login", f.url)
	f.http.Jar = jar
	f.get("/mail/INBOX")
	require.Equal(t, "/login?next=%2Fmail%2FINBOX", f.url)
}

func TestListAndRead(t *testing.T) {
	f := newFixture(t)
	for i := range 120 {
		f.add("INBOX", message(i+1))
	}
	f.login()
	require.Contains(t, f.page, "71")
	require.Contains(t, f.page, "1–50 of 120")
	require.Contains(t, f.page, "Hello 120")
	require.NotContains(t, f.page, "Hello 70<")
	require.Contains(t, f.page, "Hi number 120", "the preview")
	f.trace.take()
	f.get("/mail/INBOX?p=3")
	require.LessOrEqual(t, len(f.trace.take()), 4, "IMAP commands for a page of the list")
	require.Contains(t, f.page, "101–120 of 120")
	require.Contains(t, f.page, "Hello 1<")
	f.get("/mail/INBOX/120")
	require.Contains(t, f.page, `<a href="https://example.org/x?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">`)
	require.NotContains(t, f.flags("INBOX")[120], `\Seen`, "GET changes nothing")
	f.submit("/mail/INBOX/act", "do", "read", "uid", "120")
	require.Contains(t, f.flags("INBOX")[120], `\Seen`)
	require.Contains(t, f.page, "1 message marked as read")
	f.submit("/undo")
	require.NotContains(t, f.flags("INBOX")[120], `\Seen`)
	for _, path := range []string{"source", "headers", "eml"} {
		f.get("/mail/INBOX/120/" + path)
		require.Contains(t, f.page, "Message-ID: <m120@example.test>")
		require.Equal(t, path != "headers", strings.Contains(f.page, "Hi number 120"))
		require.Contains(t, f.head.Get("Content-Security-Policy"), "sandbox;")
	}
	require.Equal(t, `attachment; filename="Hello 120.eml"; filename*=UTF-8''Hello%20120.eml`, f.head.Get("Content-Disposition"))
	f.get("/mail/INBOX/120/print")
	require.Contains(t, f.page, "Hi number 120")
	f.get("/mail/INBOX/999")
	require.Equal(t, http.StatusNotFound, f.code)
	f.get("/mail/Nothing")
	require.Equal(t, http.StatusNotFound, f.code)
}

func TestActions(t *testing.T) {
	f := newFixture(t)
	for i := range 3 {
		f.add("INBOX", message(i+1))
	}
	f.login()
	for _, c := range []struct{ do, box, text string }{{"archive", "Archive", "archived"}, {"delete", "Trash", "moved to Trash"}, {"spam", "Junk", "marked as spam"}} {
		f.get("/mail/INBOX")
		uid := f.first("INBOX")
		f.submit("/mail/INBOX/act", "do", c.do, "uid", fmt.Sprint(uid))
		require.Contains(t, f.page, c.text)
		require.Len(t, f.flags("INBOX"), 2)
		moved := f.only(c.box)
		if c.do == "spam" {
			require.Contains(t, f.flags(c.box)[moved], "$Junk")
		}
		f.submit("/undo")
		require.Len(t, f.flags("INBOX"), 3)
		require.Contains(t, f.page, "Undone")
		require.Empty(t, f.flags(c.box))
	}
	f.get("/mail/INBOX")
	uid := f.first("INBOX")
	f.submit("/mail/INBOX/act", "do", fmt.Sprint("star:", uid))
	require.Contains(t, f.flags("INBOX")[uid], `\Flagged`)
	f.submit("/mail/INBOX/act", "do", "move", "to", "Archive", "uid", fmt.Sprint(uid))
	require.Contains(t, f.page, "1 message moved to Archive")
	f.get("/mail/INBOX")
	f.submit("/mail/INBOX/act", "do", "delete")
	require.Contains(t, f.page, "No message was chosen.")
	f.submit("/mail/INBOX/act", "do", "purge", "uid", fmt.Sprint(f.first("INBOX")))
	require.Equal(t, http.StatusBadRequest, f.code, "for good only in Trash")
	f.get("/mail/INBOX")
	f.submit("/mail/INBOX/act", "do", "delete", "uid", fmt.Sprint(f.first("INBOX")))
	f.get("/mail/Trash")
	f.submit("/mail/Trash/act", "do", "empty")
	require.Equal(t, http.StatusBadRequest, f.code)
	f.get("/mail/Trash")
	f.submit("/mail/Trash/act", "do", "empty", "sure", "yes")
	require.Contains(t, f.page, "1 message deleted for good")
	require.Empty(t, f.flags("Trash"))
	f.get("/mail/INBOX")
	v := f.forms()
	for _, form := range v {
		if form.action == "/mail/INBOX/act" {
			form.values.Set("v", "1")
			form.values.Set("uid", "1")
			form.values.Set("do", "delete")
			f.post(form.action, form.values)
		}
	}
	require.Equal(t, http.StatusConflict, f.code, "another UIDVALIDITY: the numbers mean other messages")
}

func TestFolders(t *testing.T) {
	f := newFixture(t).login()
	f.get("/folders")
	f.submit("/folders", "do", "create", "to", "Dự án/2026 ~x.y")
	require.Equal(t, http.StatusOK, f.code, f.page)
	require.Contains(t, f.page, "2026 ~x.y")
	f.imap.Add("Dự án/2026 ~x.y", message(1))
	f.get("/mail/D%E1%BB%B1~20%C3%A1n~2F2026~20~7Ex~2Ey")
	require.Equal(t, http.StatusOK, f.code)
	require.Contains(t, f.page, "Hello 1")
	f.get("/folders")
	sel := func(do, name string, more ...string) {
		t.Helper()
		for _, form := range f.forms() {
			if form.action == "/folders" && form.values.Get("folder") == name {
				form.values.Set("do", do)
				for i := 0; i < len(more); i += 2 {
					form.values.Set(more[i], more[i+1])
				}
				f.post("/folders", form.values)
				return
			}
		}
		require.Fail(t, "no form", name)
	}
	sel("unsubscribe", "Dự án/2026 ~x.y")
	sel("rename", "Dự án/2026 ~x.y", "to", "2027")
	require.Contains(t, f.page, ">2027<")
	sel("delete", "Dự án/2027")
	require.Equal(t, http.StatusBadRequest, f.code)
	f.get("/folders")
	sel("delete", "Dự án/2027", "sure", "yes")
	require.NotContains(t, f.page, ">2027<")
	f.post("/folders", map[string][]string{"do": {"delete"}, "folder": {"INBOX"}, "sure": {"yes"}, "token": {f.forms()[1].values.Get("token")}})
	require.Equal(t, http.StatusBadRequest, f.code)
}

func TestSearch(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {imap.CapMultiSearch}} {
		f := newFixture(t)
		f.imap.Config.Without = without
		for i := range 60 {
			f.add("INBOX", message(i+1))
		}
		f.add("Old", "From: carol@example.test\nSubject: Hóa đơn\n\nHello from the past\n")
		f.login()
		f.get("/search?q=hello")
		require.Contains(t, f.page, "61 messages found")
		require.Contains(t, f.page, "Hóa đơn")
		f.get("/search?q=hello+past")
		require.Contains(t, f.page, "1 message found")
		f.get("/search?from=bob&in=INBOX&p=2")
		require.Contains(t, f.page, "51–60 of 60")
		f.get("/search?subject=h%C3%B3a")
		require.Contains(t, f.page, "Hóa đơn")
		f.get("/search?q=nothing-like-this")
		require.Contains(t, f.page, "Nothing was found.")
		f.get("/search?since=2020-01-01&before=2020-02-02")
		require.Contains(t, f.page, "Nothing was found.")
		f.get("/search?starred=1")
		require.Contains(t, f.page, "Nothing was found.")
		f.get("/search?q=%0d%0aA1+LOGOUT")
		require.Equal(t, http.StatusBadRequest, f.code)
	}
}

func TestSettings(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {"METADATA"}} {
		f := newFixture(t)
		f.imap.Config.Without = without
		f.login()
		f.get("/settings")
		f.submit("/settings", "lang", "vi", "name", "Trần Thị A", "email", "a@example.test", "signature", "Thân\nA", "zone", "Asia/Tokyo")
		require.Contains(t, f.page, "Đã lưu cài đặt")
		require.Contains(t, f.page, `lang="vi"`)
		f.http = f.newBrowser()
		f.login()
		require.Contains(t, f.page, "Hộp thư đến")
		f.get("/compose?mailto=" + "mailto:b@example.test%3Fsubject%3DHi%2520you")
		require.Contains(t, f.page, "Trần Thị A &lt;a@example.test&gt;")
		require.Contains(t, f.page, "-- \nThân")
		require.Contains(t, f.page, `value="Hi you"`)
		f.get("/settings")
		f.submit("/settings", "email", "not an address")
		require.Equal(t, http.StatusBadRequest, f.code)
	}
}
