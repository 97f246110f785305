package webmail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/webmail"
	"github.com/buuta/mail/imap"
)

// talk is a message of a conversation; the first has answers 0.
func talk(n, answers int, from, text string) string {
	refs := ""
	if answers > 0 {
		refs = fmt.Sprintf("In-Reply-To: <t%d@example.test>\nReferences: <t1@example.test> <t%d@example.test>\n", answers, answers)
	}
	return fmt.Sprintf("From: %s\nTo: alice@example.test\nSubject: Plan\nDate: Mon, 02 Mar 2026 1%d:00:00 +0700\nMessage-ID: <t%d@example.test>\n%s\n%s\n", from, n, n, refs, text)
}

// fillTalk puts a conversation of five messages into a folder and two others, and something else between them.
func (f *fixture) fillTalk(box string) {
	f.add(box, talk(1, 0, "Bob <bob@example.test>", "one"))
	f.add(box, message(1))
	f.add("Sent", talk(2, 1, "alice@example.test", "my own answer"))
	f.add(box, talk(3, 2, "Bob <bob@example.test>", "three"))
	f.add("Archive", talk(4, 3, "Eve <eve@example.test>", "four"))
	f.add("Archive", talk(3, 2, "Bob <bob@example.test>", "three")) // a copy
	f.add("Trash", talk(6, 1, "Mallory <mallory@example.test>", "thrown away"))
	f.add(box, message(2))
	f.add(box, talk(5, 4, "Carol <carol@example.test>", "five"))
}

// TestThreads: a conversation is one line of the list and is read with one's own answers and what lies elsewhere, at servers that know threads and at those
// that don't. What moves it moves it whole; undoing brings it back whole.
func TestThreads(t *testing.T) {
	for _, without := range [][]imap.Capability{nil, {imap.CapObjectID}, {imap.CapObjectID, imap.CapMultiSearch}} {
		f := newFixture(t)
		f.imap.Config.Without = without
		f.fillTalk("INBOX")
		f.login()
		f.trace.take()
		f.get("/mail/INBOX")
		commands := 0
		for _, line := range f.trace.take() {
			if line != "" && strings.Contains(line, " ") && !strings.Contains(line, "DONE") {
				commands++
			}
		}
		require.LessOrEqual(t, commands, 4, without)
		require.Equal(t, 3, strings.Count(f.page, `<li class="row`), f.page)
		require.Contains(t, f.page, `<span class="from" dir="auto" title="carol@example.test">Carol, Bob</span>`)
		require.Contains(t, f.page, `value="5,3,1"`)
		require.Contains(t, f.page, `<span aria-hidden="true">3</span>`)
		require.Contains(t, f.page, "1–5 of 5")
		f.get("/mail/INBOX/5")
		require.Contains(t, f.page, "4 more messages in this conversation", without)
		at := 0
		for _, want := range []string{"four", "three", "my own answer", "one"} {
			i := strings.Index(f.page[at:], ">"+want+"<")
			require.Positive(t, i, "%s in %s", want, f.page)
			at += i
		}
		require.NotContains(t, f.page, "thrown away")
		require.Contains(t, f.page, `data-body="/mail/Sent/1/body"`)
		f.get("/mail/Sent/1/body")
		require.Contains(t, f.page, "my own answer")
		f.get("/mail/INBOX/2")
		require.NotContains(t, f.page, "in this conversation")

		f.get("/mail/INBOX/3") // an older one: the row is marked as the one that is open
		require.Contains(t, f.page, `<li class="row new current"`)
		f.submit("/mail/INBOX/act", "do", "read", "uid", "3")
		require.Contains(t, f.flags("INBOX")[3], `\Seen`)
		require.NotContains(t, f.flags("INBOX")[5], `\Seen`, "reading is of one message")
		f.get("/mail/INBOX/3")
		for _, form := range f.forms() {
			if form.values.Get("also") != "" {
				form.values.Set("do", "archive")
				f.post(form.action, form.values)
				break
			}
		}
		require.Contains(t, f.page, "3 messages archived")
		require.Equal(t, []mail.UID{2, 4}, f.uids("INBOX"))
		f.submit("/undo")
		require.Len(t, f.uids("INBOX"), 5)

		f.get("/settings")
		form := f.forms()[2]
		for _, x := range f.forms() {
			if x.action == "/settings" {
				form = x
			}
		}
		form.values.Del("threads")
		f.post("/settings", form.values)
		f.get("/mail/INBOX")
		require.Equal(t, 5, strings.Count(f.page, `<li class="row`))
	}
}

// uids returns the messages of a mailbox.
func (f *fixture) uids(box string) []mail.UID {
	f.Helper()
	var out []mail.UID
	for m, err := range f.imap.Mailbox(box).Messages(f.Context(), mail.AllUIDs(), mail.FieldFlags) {
		require.NoError(f, err)
		out = append(out, m.UID)
	}
	return out
}

// conversationInBrowser: what is closed is not loaded; opened, it is there.
func (t *tab) conversationInBrowser() {
	t.Helper()
	before := len(t.asked("/body"))
	t.open("/mail/Talk/5")
	t.until(`document.querySelectorAll(".talk details").length === 4`)
	t.click(".talk details:nth-of-type(3) summary")
	t.until(`document.querySelector(".talk details[open] iframe").contentDocument?.body?.textContent.includes("my own answer")`)
	require.Len(t, t.asked("/body"), before+1, "what is closed is not asked for")
}

// asked returns the requests whose address has an ending.
func (t *tab) asked(end string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, u := range t.requests {
		if strings.HasSuffix(u, end) {
			out = append(out, u)
		}
	}
	return out
}

// TestConversationLater: where there is much to look through a message is shown first. Its conversation is a link away, and scripts put it in; what is done with the message is done with the
// messages of the conversation that are known.
func TestConversationLater(t *testing.T) {
	f := newFixture(t, func(c *webmail.Config) { c.Limits.Conversation = 3 })
	f.fillTalk("INBOX")
	f.login()
	f.get("/mail/INBOX/2")
	require.NotContains(t, f.page, "talk=yes", "it answers nothing")
	f.trace.take()
	f.get("/mail/INBOX/5")
	for _, line := range f.trace.take() {
		require.NotContains(t, line, "SEARCH")
	}
	require.Contains(t, f.page, `<a href="/mail/INBOX/5?talk=yes">Show the other messages of this conversation</a>`)
	require.NotContains(t, f.page, "my own answer")
	require.Contains(t, f.page, `name="also" value="3,1"`, "as the list has them")
	f.get("/mail/INBOX/5?talk=yes")
	require.Contains(t, f.page, "4 more messages in this conversation")
	require.Contains(t, f.page, ">my own answer<")
	require.NotContains(t, f.page, "data-later")
	require.Contains(t, f.page, `name="also" value="3,1"`)

	b := f.chromium(1360, 850, true)
	b.signIn()
	b.open("/mail/INBOX/5")
	b.until(`document.querySelectorAll(".talk details").length === 4 && !document.querySelector("[data-later]")`)
	b.until(`document.querySelectorAll("#act input[name=also]").length === 1 && document.querySelectorAll("#act button[value='delete:5']").length === 1`)
	b.click(".talk details:nth-of-type(3) summary")
	b.until(`document.querySelector(".talk details[open] iframe").contentDocument?.body?.textContent.includes("my own answer")`)
	b.clean()
}
