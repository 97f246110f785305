package webmail_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap"
)

// company is an organisation's address book.
type company []webmail.Colleague

func (c company) Colleagues(context.Context, string) ([]webmail.Colleague, error) { return c, nil }

const card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nguyễn Thị Bình\r\nEMAIL:binh@example.vn\r\nTEL:+84 90 123\r\nCATEGORIES:Đội A\r\nBDAY:2000-01-02\r\nEND:VCARD\r\n" +
	"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Trần An\r\nEMAIL:an@example.vn\r\nCATEGORIES:Đội A\r\nEND:VCARD\r\n"

// TestContacts: people are added, changed, found, chosen for a message, taken away; with annotations at the mail server and without.
func TestContacts(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {"METADATA"}} {
		f := newFixture(t, func(c *webmail.Config) { c.Settings = t.TempDir() })
		f.imap.Config.Without = without
		f.add("INBOX", message(1))
		f.login()
		f.get("/contacts")
		require.Contains(t, f.page, "Nobody is here yet.")
		f.upload("/contacts/import", "people.vcf", "text/vcard", card)
		require.Contains(t, f.page, "2 contacts added, 0 completed, 0 were there already", f.page)
		f.upload("/contacts/import", "people.csv", "text/csv", "Name,Email,Company\nAn,AN@example.vn,ACME\nLê Cường,cuong@example.vn,\n")
		require.Contains(t, f.page, "1 contact added, 1 completed, 0 were there already")
		require.Contains(t, f.page, "ACME")
		f.upload("/contacts/import", "x.txt", "text/plain", "nothing of the kind")
		require.Equal(t, http.StatusUnprocessableEntity, f.code)
		require.Contains(t, f.page, "This file has no contacts")

		f.get("/mail/INBOX/1")
		f.submit("/contacts/add")
		require.Contains(t, f.page, "Contact saved")
		require.NotContains(t, f.page, "/contacts/add", "it is there now")

		f.http = f.newBrowser() // and a webmail that has forgotten everything
		f.login()
		f.get("/contacts?q=binh")
		require.Contains(t, f.page, "Nguyễn Thị Bình")
		require.NotContains(t, f.page, "Cường")
		f.get("/contacts?group=" + url.QueryEscape("Đội A"))
		require.Contains(t, f.page, "2 contacts")
		f.get("/contacts?q=binh")
		path := f.page[strings.Index(f.page, `href="/contacts/`+f.uidOf("Nguyễn Thị Bình")):]
		path = strings.Split(path, `"`)[1]
		f.get(path)
		f.submit(path, "do", "save", "name", "Bình", "emails", "binh@example.vn\r\nnot an address")
		require.Equal(t, http.StatusUnprocessableEntity, f.code)
		require.Contains(t, f.page, "This is not an address: not an address")
		require.Contains(t, f.page, "not an address</textarea>", "what was typed is not lost")
		f.submit(path, "do", "save", "emails", "binh@example.vn\r\nb2@example.vn")
		require.Contains(t, f.page, "Contact saved")
		f.get("/contacts/export?as=vcf")
		require.Contains(t, f.page, "FN:Bình\r\n")
		require.Contains(t, f.page, "BDAY:2000-01-02\r\n", "what isn't shown is kept")
		require.Equal(t, `attachment; filename="contacts.vcf"; filename*=UTF-8''contacts.vcf`, f.head.Get("Content-Disposition"))
		f.get("/contacts/export?as=csv")
		require.Contains(t, f.page, "Bình,binh@example.vn,b2@example.vn,+84 90 123,")
		f.get("/contacts/new")
		f.submit("/contacts/new", "do", "save")
		require.Equal(t, http.StatusUnprocessableEntity, f.code)

		// Without scripts people are chosen on a page of their own; what was written is a draft meanwhile.
		f.get("/compose")
		f.submit("/compose", "do", "people", "to", "x@example.test", "body", "Xin chào")
		require.True(t, strings.HasPrefix(f.url, "/contacts?draft="), f.url)
		require.Contains(t, f.page, "2 people", "a group")
		q := f.url[strings.Index(f.url, "?"):]
		f.get("/compose" + q + "&to=" + url.QueryEscape("Bình <binh@example.vn>") + "&cc=" + url.QueryEscape("a@example.test, b@example.test"))
		require.Contains(t, f.page, `value="x@example.test, Bình &lt;binh@example.vn&gt;"`)
		require.Contains(t, f.page, `value="a@example.test, b@example.test"`)
		require.Contains(t, f.page, "Xin chào")

		f.get(path)
		f.submit(path, "do", "delete")
		require.Contains(t, f.page, "Contact deleted")
		f.get(path)
		require.Equal(t, http.StatusNotFound, f.code)
	}
}

// uidOf returns the UID of a contact, which the link to it has.
func (f *fixture) uidOf(name string) string {
	before, _, ok := strings.Cut(f.page, `">`+name)
	require.True(f, ok, f.page)
	return before[strings.LastIndexByte(before, '/')+1:]
}

// lastUID returns the UID of the last contact of the page.
func (f *fixture) lastUID() string {
	all := regexp.MustCompile(`/contacts/([0-9a-f]{32})"`).FindAllStringSubmatch(f.page, -1)
	require.NotEmpty(f, all, f.page)
	return all[len(all)-1][1]
}

// TestSuggestions: whom one writes to comes first, then contacts and colleagues; accents need not be typed.
func TestSuggestions(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) {
		c.Directory = company{{"Bình Colleague", "colleague@example.test"}, {"", "zoe@example.test"}}
	})
	for range 3 {
		f.add("Sent", "From: alice@example.test\nTo: Often <bich.often@example.test>, once@example.test\nSubject: x\n\nx\n")
	}
	f.login()
	f.get("/contacts")
	f.upload("/contacts/import", "people.vcf", "text/vcard", card)
	suggest := func(q string) string { t.Helper(); return f.get("/contacts/suggest?q=" + url.QueryEscape(q)) }
	require.Equal(t, `[{"Label":"Often \u003cbich.often@example.test\u003e","Value":"Often \u003cbich.often@example.test\u003e"},`+
		`{"Label":"Nguyễn Thị Bình \u003cbinh@example.vn\u003e","Value":"Nguyễn Thị Bình \u003cbinh@example.vn\u003e"},{"Label":"Bình Colleague \u003ccolleague@example.test\u003e","Value":"Bình Colleague \u003ccolleague@example.test\u003e"}]`, suggest("bi"))
	require.Contains(t, suggest("doi"), `"Label":"2 people: Đội A","Value":"Nguyễn Thị Bình \u003cbinh@example.vn\u003e, Trần An \u003can@example.vn\u003e"`)
	require.Equal(t, "null", suggest("nobody"))
	f.get("/contacts?book=company&q=binh")
	require.Contains(t, f.page, "colleague@example.test")
	require.NotContains(t, f.page, "binh@example.vn")
	f.get("/compose?to=new.friend@example.test")
	f.submit("/compose", "do", "send", "body", "x")
	require.Contains(t, f.page, "Message sent")
	require.Contains(t, suggest("frie"), "new.friend@example.test", "at once")
}

// TestContactsFull: an address book that is full says so, and loses nothing.
func TestContactsFull(t *testing.T) {
	f := newFixture(t).login()
	f.get("/contacts")
	var b strings.Builder
	b.WriteString("Name,Email,Notes\n")
	for i := range 4999 {
		fmt.Fprintf(&b, "N%d,n%d@example.test,\n", i, i)
	}
	f.upload("/contacts/import", "x.csv", "text/csv", b.String())
	require.Contains(t, f.page, "4999 contacts", f.page)
	f.upload("/contacts/import", "x.csv", "text/csv", "Name,Email\nA,a@example.test\nB,b@example.test\n")
	require.Equal(t, http.StatusInsufficientStorage, f.code)
	require.Contains(t, f.page, "The address book is full.")
	f.get("/contacts?q=a@example")
	require.NotContains(t, f.page, "a@example.test")
	f.get("/contacts")
	require.Contains(t, f.page, "4999 contacts")
}

// TestChoosingPeople does it as a person does: types, takes with the keyboard and the mouse, with an input method, and by ticking.
func TestChoosingPeople(t *testing.T) {
	f := newFixture(t)
	f.login()
	f.get("/contacts")
	f.upload("/contacts/import", "people.vcf", "text/vcard", card)
	b := f.chromium(1280, 800, true)
	b.signIn()
	b.open("/compose")
	b.run(chromedp.SendKeys(chromedp.CSS("#to"), "binh"))
	b.until(`document.querySelectorAll("#offers [role=option]").length === 1 && document.getElementById("to").getAttribute("aria-expanded") === "true"`)
	b.keys(kb.ArrowDown)
	b.until(`document.getElementById("to").getAttribute("aria-activedescendant") === "offer0"`)
	b.keys("\r")
	b.until(`document.getElementById("to").value === "Nguyễn Thị Bình <binh@example.vn>, " && !document.getElementById("offers") && document.activeElement.id === "to"`)
	b.keys("tran")
	b.until(`document.querySelectorAll("#offers [role=option]").length === 1`)
	b.click("#offer0")
	b.until(`document.getElementById("to").value === "Nguyễn Thị Bình <binh@example.vn>, Trần An <an@example.vn>, "`)
	b.run(chromedp.SendKeys(chromedp.CSS("#subject"), "x\r")) // Enter keeps a draft, and does not send
	b.see("value=\"x\"")
	b.click(`button[value=people]`)
	b.see("Choose whom the message goes to")
	b.click(`input[name=bcc]`)
	b.click(`#choose button.main`)
	b.until(`document.getElementById("bcc")?.value.includes("binh@example.vn") && document.getElementById("to").value.includes("an@example.vn")`)
	b.click(`button[value=send]`)
	b.see("Message sent")
	require.Len(t, f.smtp.Messages()[0].Recipients, 2, "each once")
	b.clean()
}
