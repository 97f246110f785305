package mime_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

func read(t *testing.T, msg string) *mime.Message {
	t.Helper()
	m, err := mime.Read(strings.NewReader(crlf(msg)))
	require.NoError(t, err)
	return m
}

func TestReply(t *testing.T) {
	m := read(t, letter)
	me := []mime.Address{{Name: "Bob", Mailbox: "BOB", Host: "example.test"}}
	b := m.Reply(mime.ReplyOptions{From: me})
	require.Equal(t, "Re: Thư ngỏ", b.Subject)
	require.Equal(t, []mime.Address{{Mailbox: "list", Host: "example.test"}}, b.To, "Reply-To")
	require.Empty(t, b.Cc)
	require.Equal(t, []string{"1@example.test"}, b.InReplyTo)
	require.Equal(t, []string{"00@example.test", "0@example.test", "1@example.test"}, b.References)
	require.Empty(t, b.Text)

	b = m.Reply(mime.ReplyOptions{From: me, All: true, Quote: true})
	require.Equal(t, []mime.Address{{Mailbox: "carol", Host: "example.test"}, {Mailbox: "dave", Host: "example.test"}}, b.Cc, "everybody but me")
	require.Equal(t, "On Sun, 22 Nov 2026 09:00 +0700, Nguyễn <nguyen@example.test> wrote:\n> Xin chào\n", b.Text)
	b.Text += "\nChào!\n"
	again := read(t, build(t, b))
	require.Equal(t, b.References, again.References)
	require.Equal(t, "Re: Thư ngỏ", again.Reply(mime.ReplyOptions{}).Subject, "one Re: is enough")
}

// "If the parent message does not contain a "References:" field but does have an "In-Reply-To:" field containing a single message
// identifier, then the "References:" field will contain the contents of the parent's "In-Reply-To:" field" (RFC 5322 section 3.6.4)
func TestReplyReferences(t *testing.T) {
	b := read(t, "From: a@b\nMessage-ID: <2@x>\nIn-Reply-To: <1@x>\n\n").Reply(mime.ReplyOptions{})
	require.Equal(t, []string{"1@x", "2@x"}, b.References)
	require.Equal(t, []mime.Address{{Mailbox: "a", Host: "b"}}, b.To)
	b = read(t, "From: a@b\nMessage-ID: <2@x>\nIn-Reply-To: <1@x> <0@x>\n\n").Reply(mime.ReplyOptions{})
	require.Equal(t, []string{"2@x"}, b.References)
	b = read(t, "From: a@b\n\n").Reply(mime.ReplyOptions{})
	require.Empty(t, b.References)
	require.Empty(t, b.InReplyTo)

	var refs strings.Builder
	for i := range 100 {
		fmt.Fprintf(&refs, " <%d@x>", i)
	}
	b = read(t, "Message-ID: <100@x>\nReferences:"+refs.String()+"\n\n").Reply(mime.ReplyOptions{})
	require.Len(t, b.References, 31)
	require.Equal(t, "0@x", b.References[0])
	require.Equal(t, "100@x", b.References[30])
}

func TestQuote(t *testing.T) {
	m := read(t, "From: A <a@b>\n\none\n\n> two\n-- \nsignature\n")
	b := m.Reply(mime.ReplyOptions{Quote: true})
	require.Equal(t, "A <a@b> wrote:\n> one\n>\n>> two\n", b.Text)
}

func TestForward(t *testing.T) {
	m := read(t, letter)
	b := m.Forward([]mime.Address{alice})
	require.Equal(t, "Fwd: Thư ngỏ", b.Subject)
	require.Equal(t, []string{"00@example.test", "0@example.test", "1@example.test"}, b.References)
	b.Text = "See below.\n"
	b.Attachments[0].Content = strings.NewReader(crlf(letter))
	msg := build(t, b)
	ix := index(t, msg)
	require.Equal(t, crlf(letter), cut(msg, ix.Part(2).Body))
	require.Equal(t, "8bit", ix.Root.Encoding)
	require.Equal(t, "Thư ngỏ.eml", ix.Part(2).Filename())

	for subject, name := range map[string]string{"": "message.eml", `../a\b:"c"`: "_a_b__c_.eml", strings.Repeat("ư", 100): strings.Repeat("ư", 60) + ".eml"} {
		m := &mime.Message{Subject: subject}
		require.Equal(t, name, m.Forward(nil).Attachments[0].Filename)
	}
}
