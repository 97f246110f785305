package webmail_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/buuta/mail/examples/fullserver/webmail"
)

// hand is a person without scripts, whose clicks are counted: a link, a button, a tick, and a menu that has to be opened before.
type hand struct {
	*fixture
	clicks int
	fields url.Values // what was typed, chosen or ticked since the last page
}

// label is what a link or button is called.
func label(n *html.Node) string {
	if l := attr(n, "aria-label"); l != "" {
		return l
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// click clicks the first link or button within an element (by its class or id; "": anywhere) that is called so.
func (h *hand) click(in, name string) *hand {
	h.Helper()
	doc, err := html.Parse(strings.NewReader(h.page))
	require.NoError(h, err)
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" && n.Data != "button" || !strings.HasPrefix(label(n), name) {
			continue
		}
		inside, form, menus := in == "", (*html.Node)(nil), 0
		for p := range n.Ancestors() {
			inside = inside || attr(p, "id") == in || strings.Contains(" "+attr(p, "class")+" ", " "+in+" ")
			if p.Data == "form" && form == nil {
				form = p
			}
			if p.Data == "details" && !hasAttr(p, "open") {
				menus++
			}
		}
		if !inside {
			continue
		}
		h.clicks += 1 + menus
		if n.Data == "a" {
			h.get(attr(n, "href"))
		} else {
			require.NotNil(h, form, name)
			h.press(doc, form, n)
		}
		h.fields = url.Values{}
		require.Less(h, h.code, 400, h.page)
		return h
	}
	require.Fail(h, "nothing is called so", "%q in %q: %s", name, in, h.page)
	return nil
}

// press sends the form that a button is in.
func (h *hand) press(doc, form, button *html.Node) {
	h.Helper()
	i := 0
	for n := range doc.Descendants() {
		if n == form {
			break
		}
		if n.Type == html.ElementNode && n.Data == "form" {
			i++
		}
	}
	f := h.forms()[i]
	for k, v := range h.fields {
		f.values[k] = v
	}
	if name := attr(button, "name"); name != "" {
		f.values.Set(name, attr(button, "value"))
	}
	if f.method == "post" {
		h.post(f.action, f.values)
	} else {
		h.get(f.action + "?" + f.values.Encode())
	}
}

func (h *hand) with(fields ...string) *hand {
	for i := 0; i < len(fields); i += 2 {
		h.fields.Set(fields[i], fields[i+1])
	}
	return h
}

// TestClicks: the flows that people know from elsewhere take as many clicks as they do there, or fewer; from the list of messages, without scripts. Typing isn't counted, Enter in
// the field of the search is one.
func TestClicks(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.Security = new(someWays) })
	f.fill()
	f.login()
	for _, flow := range []struct {
		name string
		most int
		do   func(h *hand)
	}{
		{"read the newest", 1, func(h *hand) { h.click("rows", "Carol Smith") }},
		{"reply and send", 2, func(h *hand) {
			h.get("/mail/INBOX/55")
			h.click("reader", "Reply").with("body", "Yes!").click("compose", "Send")
			require.Len(h, h.smtp.Messages(), 1)
		}},
		{"archive", 1, func(h *hand) {
			h.get("/mail/INBOX/52")
			h.click("reader", "Archive")
			require.Contains(h, h.page, "archived")
		}},
		{"undo", 1, func(h *hand) { h.click("live", "Undo"); require.Contains(h, h.page, "Undone") }},
		{"delete", 1, func(h *hand) {
			h.get("/mail/INBOX/51")
			h.click("reader", "Delete")
			require.Contains(h, h.page, "moved to Trash")
		}},
		{"move", 2, func(h *hand) {
			h.get("/mail/INBOX/50")
			h.click("reader", "Gia đình")
			require.Contains(h, h.page, "1 message moved to Gia đình")
		}},
		{"new message with a file", 3, func(h *hand) {
			h.click("", "New message")
			h.clicks++ // the file is chosen; it goes up with the message
			h.upload("/compose", "a.txt", "text/plain", "x", "do", "send", "to", "bob@example.test")
			h.clicks++
			require.Contains(h, h.page, "Message sent")
		}},
		{"show images", 1, func(h *hand) {
			h.get("/mail/INBOX/53")
			h.click("reader", "Show images")
			require.Contains(h, h.url, "images")
		}},
		{"always", 1, func(h *hand) { h.get("/mail/INBOX/53"); h.click("reader", "Always show") }},
		{"spam", 1, func(h *hand) {
			h.get("/mail/INBOX/49")
			h.click("reader", "Spam")
			require.Contains(h, h.page, "marked as spam")
		}},
		{"search in all folders", 1, func(h *hand) {
			h.with("q", "river").click("find", "Search")
			require.Contains(h, h.page, "messages found")
		}},
		{"source", 2, func(h *hand) {
			h.get("/mail/INBOX/48")
			h.click("reader", "Show source")
			require.Contains(h, h.page, "Message-ID:")
		}},
		{"signature", 4, func(h *hand) {
			h.click("me", "Settings").with("email", "alice@example.test", "signature", "Alice").click("sheet", "Save")
			require.Contains(h, h.page, "Settings saved")
		}},
		{"set up an authenticator app", 5, func(h *hand) {
			h.click("me", "Security").click("sheet", "Set up").with("code", "123456", "password", "secret").click("sheet", "Turn on")
			require.Contains(h, h.page, "recovery codes")
		}},
		{"sign out elsewhere", 3, func(h *hand) { h.click("me", "Security").click("sheet", "Sign out everywhere else") }},
	} {
		h := &hand{fixture: f, fields: url.Values{}}
		if flow.name != "undo" {
			h.get("/mail/INBOX")
		}
		flow.do(h)
		require.Equal(t, http.StatusOK, f.code, flow.name)
		require.LessOrEqual(t, h.clicks, flow.most, flow.name)
		require.Positive(t, h.clicks, flow.name)
	}
}
