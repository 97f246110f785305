package webmail_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// vectors are what a hostile sender writes where a text is expected. N is replaced by the field's name, so that a failure says where it
// came from. Each has the marker "pwn".
var vectors = []string{
	`<img src=x onerror=pwn('N')>`,
	`"><script>pwn('N')</script>`,
	`'><svg onload=pwn('N')>`,
	`javascript:pwn('N')`,
	`</textarea></title></style><script>pwn('N')</script>`,
	`{{.}}pwn<b class="pwn">N</b>`,
	`pwn" autofocus onfocus="pwn('N')`,
}

func vector(i int, field string) string { return strings.ReplaceAll(vectors[i], "N", field) }

// poisoned is a message with a vector in every field that a page could show.
func poisoned(i int) string {
	v := func(field string) string { return vector(i, field) }
	q := func(field string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v(field)) }
	e := func(field string) string { return mimeWord(v(field)) }
	return "From: " + e("fromname") + " <bob@example.test>\nReply-To: " + e("replyname") + ` <"` + q("replylocal") + `"@example.net>` + "\nTo: " + e("toname") + " <alice@example.test>\n" +
		"Cc: \"" + q("ccname") + "\" <c@example.test>\nSubject: " + v("subject") + "\nDate: Mon, 02 Mar 2026 10:00:00 +0700\nMessage-ID: <" + q("msgid") + "@x>\n" +
		"References: <" + q("ref") + "@x>\nList-Unsubscribe: <https://example.net/" + q("unsub") + ">, <javascript:pwn('unsub')>\nList-Id: " + v("listid") + " <a.b>\nX-Odd: " + v("xodd") +
		"\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bb\n\n" +
		"--bb\nContent-Type: multipart/alternative; boundary=cc\n\n--cc\nContent-Type: text/plain; charset=utf-8\n\nText " + v("text") + "\nhttps://example.net/" + v("link") + "\n> " + v("quoted") + "\n-- \n" + v("signature") +
		"\n--cc\nContent-Type: text/html; charset=utf-8\n\n<html><body onload=\"pwn('onload')\"><p>HTML " + v("html") + "</p><a href=\"javascript:pwn('href')\">x</a><a title=\"" + v("title") +
		"\" href=https://example.net/>y</a><style>@import 'https://tracker.example.net/pwn';</style><img src=\"https://tracker.example.net/pwn.png\"><img src=cid:pic><form action=https://example.net/pwn><input></form>" +
		"<iframe src=\"javascript:pwn('frame')\"></iframe><base href=https://example.net/><meta http-equiv=refresh content=\"0;url=https://example.net/pwn\"></body></html>\n--cc--\n" +
		"--bb\nContent-Type: image/png; name=\"" + q("pngname") + "\"\nContent-ID: <pic>\nContent-Disposition: inline; filename=\"" + q("png") + "\"\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoAAAAN\n" +
		"--bb\nContent-Type: text/html; name=\"" + q("file") + ".html\"\nContent-Disposition: attachment; filename=\"" + q("file") + ".html\"\n\n<script>pwn('attachment')</script>\n" +
		"--bb\nContent-Type: image/svg+xml\nContent-Disposition: attachment; filename=\"x.svg\"\n\n<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"pwn('svg')\"/>\n" +
		"--bb\nContent-Type: message/rfc822\n\nSubject: " + v("inner") + "\n\ninner " + v("innertext") + "\n--bb--\n"
}

func mimeWord(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 40 {
		b.WriteString("=?utf-8?q?")
		for j := i; j < min(i+40, len(s)); j++ {
			fmt.Fprintf(&b, "=%02X", s[j])
		}
		b.WriteString("?= ")
	}
	return strings.TrimSpace(b.String())
}

// checkPage fails when a marker has become more than text on a page: an element, an attribute that runs or loads something, a style.
func checkPage(t *testing.T, where, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "style", "svg", "base", "object", "embed", "math":
			if n.FirstChild != nil {
				require.NotContains(t, n.FirstChild.Data, "pwn", where)
			}
			if n.Data != "script" && n.Data != "style" {
				require.Fail(t, "element", "%s: <%s>", where, n.Data)
			}
		}
		for _, a := range n.Attr {
			name, value := strings.ToLower(a.Key), strings.ToLower(strings.TrimSpace(a.Val))
			require.False(t, strings.HasPrefix(name, "on"), "%s: <%s %s>", where, n.Data, a.Key)
			require.NotContains(t, name, "pwn", where)
			switch name {
			case "href", "src", "action", "formaction", "data", "srcset":
				require.NotRegexp(t, `^(javascript|vbscript|data:text)`, value, where)
				if n.Data != "a" {
					require.NotContains(t, value, "tracker", where)
				}
			case "style":
				require.NotContains(t, value, "url(", where)
			case "class", "id", "name":
				require.NotEqual(t, "pwn", value, where)
			case "http-equiv":
				require.NotEqual(t, "refresh", value, where)
			}
		}
	}
}

// TestPoisonedMessage visits every page that shows something of a message (D4): nothing of it is ever more than text.
func TestPoisonedMessage(t *testing.T) {
	for i := range vectors {
		f := newFixture(t, func(c *webmail.Config) {
			c.Directory = company{{vector(i, "colleague"), "x@example.test"}, {"x", vector(i, "address")}}
		})
		f.add("INBOX", poisoned(i))
		box := "F " + strings.ReplaceAll(vector(i, "folder"), "/", "-")
		f.add(box, poisoned(i))
		f.login()
		folder := "/mail/" + url.PathEscape(webmail.EscapeFolder(box))
		visited := 0
		visit := func(path string) {
			t.Helper()
			f.get(path)
			require.Less(t, f.code, 500, path)
			checkPage(t, path+" "+vectors[i], f.page)
			if strings.Contains(f.page, "pwn") {
				visited++
			}
		}
		for _, base := range []string{"/mail/INBOX", folder} {
			for _, p := range []string{"", "/1", "/1?view=text", "/1/body", "/1/print"} {
				visit(base + p)
				require.Equal(t, http.StatusOK, f.code, base+p)
			}
			for _, mode := range []string{"reply", "all", "forward", "attach"} {
				visit("/compose?mode=" + mode + "&uid=1&folder=" + url.QueryEscape(map[bool]string{true: "INBOX", false: box}[base == "/mail/INBOX"]))
				require.Equal(t, http.StatusOK, f.code)
				if mode != "attach" {
					f.submit("/compose", "do", "textquote")
					checkPage(t, "edited quote", f.page)
				}
				f.submit("/compose", "do", "save", "to", vector(i, "to"), "cc", vector(i, "cc"), "subject", vector(i, "s"), "body", vector(i, "b"))
				checkPage(t, "draft", f.page)
				require.Contains(t, f.page, "Draft saved")
			}
		}
		visit("/mail/Drafts")
		visit("/search?q=text")
		visit("/search?q=" + url.QueryEscape(vectors[i]) + "&in=" + url.QueryEscape(box))
		visit("/search?from=" + url.QueryEscape(vectors[i]))
		visit("/folders")
		f.get("/contacts")
		f.upload("/contacts/import", "x.vcf", "text/vcard", "BEGIN:VCARD\nFN:"+vector(i, "fn")+"\nORG:"+vector(i, "org")+"\nTEL:"+vector(i, "tel")+"\nNOTE:"+vector(i, "note")+"\nCATEGORIES:"+vector(i, "group")+
			"\nUID:"+vector(i, "uid")+"\nEMAIL:"+vector(i, "bad")+"\nEMAIL:\""+vector(i, "local")+"\"@example.test\nEMAIL:v@example.test\nEND:VCARD\n")
		checkPage(t, "imported", f.page)
		require.Contains(t, f.page, "1 contact added")
		contact := "/contacts/" + f.lastUID()
		visit(contact)
		f.submit(contact, "do", "save", "emails", vector(i, "typed"))
		checkPage(t, "contact that is refused", f.page)
		for _, p := range []string{"/contacts", "/contacts?q=" + url.QueryEscape(vectors[i]), "/contacts?book=company", "/contacts?draft=" + url.QueryEscape(vectors[i]) + "&folder=" + url.QueryEscape(vectors[i]), "/contacts?group=" + url.QueryEscape(vectors[i])} {
			visit(p)
		}
		f.get("/contacts/suggest?q=v@")
		require.Equal(t, "application/json", f.head.Get("Content-Type"))
		f.get("/mail/INBOX/1")
		f.submit("/contacts/add")
		checkPage(t, "sender added", f.page)
		visit("/compose?to=" + url.QueryEscape(vectors[i]) + "&subject=" + url.QueryEscape(vectors[i]) + "&body=" + url.QueryEscape(vectors[i]))
		visit("/mail/INBOX?done=" + url.QueryEscape(vectors[i]))
		visit("/login?next=" + url.QueryEscape(vectors[i]))
		f.get("/folders")
		f.submit("/folders", "do", "create", "to", vector(i, "new"))
		checkPage(t, "folders", f.page)
		f.get("/settings")
		f.submit("/settings", "name", vector(i, "name"), "signature", vector(i, "sig"), "email", "a@example.test")
		checkPage(t, "settings", f.page)
		f.get("/mail/INBOX")
		f.submit("/mail/INBOX/act", "do", "move", "to", box, "uid", "1")
		checkPage(t, "moved", f.page)
		require.Contains(t, f.page, "moved to")
		f.get(folder + "/1")
		f.submit("/trust")
		checkPage(t, "trusted", f.page)
		require.Greater(t, visited, 15, "pages that had the marker")
	}
}

// TestAttachments serves every kind of part under every name and type (D5): only a picture that is one by its octets is ever shown in place.
func TestAttachments(t *testing.T) {
	f := newFixture(t)
	png, script := "\x89PNG\r\n\x1a\nxxxxxxxx", "<html><script>pwn()</script>"
	type part struct{ kind, name, data, shown string }
	var all []part
	for _, kind := range []string{"image/png", "image/jpeg", "text/html", "image/svg+xml", "application/pdf", "text/xml", "application/xhtml+xml", "text/javascript", "bogus"} {
		for _, name := range []string{"a.png", "a.html", "../../etc/passwd", "Hợp đồng \"x\".pdf"} {
			all = append(all, part{kind, name, png, "image/png"}, part{kind, name, script, ""})
		}
	}
	all = append(all, part{"image/gif", "a", "GIF89a<script>", "image/gif"}, part{"image/webp", "a", "RIFF____WEBP", "image/webp"}, part{"image/jpeg", "a", "\xff\xd8\xffx", "image/jpeg"},
		part{"image/svg+xml", "a", "<svg onload=pwn()>", ""}, part{"application/pdf", "a", "%PDF-1.7", ""}, part{"image/png", "a", "", ""})
	var b strings.Builder
	b.WriteString("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bb\n\n")
	for _, p := range all {
		fmt.Fprintf(&b, "--bb\nContent-Type: %s\nContent-Disposition: attachment; filename*=utf-8''%s\nContent-Transfer-Encoding: quoted-printable\n\n%s\n", p.kind, url.PathEscape(p.name), quotedPrintable(p.data))
	}
	f.add("INBOX", b.String()+"--bb--\n")
	f.login()
	for i, p := range all {
		for _, show := range []string{"", "?show=1"} {
			f.get(fmt.Sprintf("/mail/INBOX/1/part/%d%s", i+1, show))
			require.Equal(t, http.StatusOK, f.code)
			require.Equal(t, p.data, f.page)
			disposition := f.head.Get("Content-Disposition")
			if show != "" && p.shown != "" {
				require.Equal(t, p.shown, f.head.Get("Content-Type"))
				require.True(t, strings.HasPrefix(disposition, "inline; "), disposition)
			} else {
				require.Equal(t, "application/octet-stream", f.head.Get("Content-Type"), p)
				require.True(t, strings.HasPrefix(disposition, "attachment; "), disposition)
			}
			require.NotContains(t, disposition, "..")
			require.NotContains(t, disposition, "/")
			require.Contains(t, f.head.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
			require.Equal(t, "nosniff", f.head.Get("X-Content-Type-Options"))
			require.Equal(t, "same-origin", f.head.Get("Cross-Origin-Resource-Policy"))
		}
	}
	f.get("/mail/INBOX/1/part/9999")
	require.Equal(t, http.StatusNotFound, f.code)
	f.get("/mail/INBOX/1/part/1.1")
	require.Equal(t, http.StatusNotFound, f.code)
}

func quotedPrintable(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "=%02X", s[i])
	}
	return b.String()
}

// TestRemoteImages are blocked, shown once where the page's own link says so, and always for senders that the user trusts.
func TestRemoteImages(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.DirectImages = true })
	text := "From: shop@example.net\nSubject: News\nContent-Type: text/html\n\n<p>Hi</p><img src=\"https://cdn.example.net/a.png\">\n"
	f.add("INBOX", text)
	f.add("INBOX", text)
	f.login()
	remote := func() bool {
		t.Helper()
		doc, err := html.Parse(strings.NewReader(f.page))
		require.NoError(t, err)
		for n := range doc.Descendants() {
			if n.Data == "iframe" {
				f.get(attr(n, "src"))
				csp := f.head.Get("Content-Security-Policy")
				require.Equal(t, strings.Contains(f.page, "cdn.example.net"), strings.Contains(csp, "https: http:"), csp)
				return strings.Contains(f.page, "cdn.example.net")
			}
		}
		require.Fail(t, "no frame", f.page)
		return false
	}
	f.get("/mail/INBOX/1")
	require.Contains(t, f.page, "Images from other servers are not shown")
	link := f.page[strings.Index(f.page, "/mail/INBOX/1?images="):]
	link = link[:strings.IndexByte(link, '"')]
	require.False(t, remote())
	f.get(link)
	require.True(t, remote())
	f.get(strings.Replace(link, "/1?", "/2?", 1))
	require.False(t, remote(), "the link is for one message")
	f.get("/mail/INBOX/1?images=1")
	require.False(t, remote(), "a mail can't have made the link")
	f.get("/mail/INBOX/1")
	require.False(t, remote(), "once")
	f.get("/mail/INBOX/1")
	f.submit("/trust")
	require.Equal(t, "/mail/INBOX/1", f.url)
	require.True(t, remote())
	f.get("/mail/INBOX/2")
	require.True(t, remote(), "always for the sender")
}
