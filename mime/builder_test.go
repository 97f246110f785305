package mime_test

import (
	"bytes"
	"io"
	stdmail "net/mail"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-message"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func build(t require.TestingT, b *mime.Builder) string {
	var out bytes.Buffer
	n, err := b.WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, int64(out.Len()), n)
	for line := range strings.Lines(out.String()) {
		require.True(t, strings.HasSuffix(line, "\r\n"), "%q", line)
		require.LessOrEqual(t, len(line), 1000)
	}
	return out.String()
}

var (
	alice = mime.Address{Name: "Alice", Mailbox: "alice", Host: "example.test"}
	bob   = mime.Address{Name: "Bốp", Mailbox: "bob", Host: "example.test"}
	sent  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("", 7*3600))
)

func TestBuilderPlain(t *testing.T) {
	msg := build(t, &mime.Builder{From: []mime.Address{alice}, To: []mime.Address{bob}, Subject: "Hello", Date: sent, MessageID: "1@example.test", Text: "Hi Bob,\nbye\n"})
	require.Equal(t, crlf(`Date: Sun, 22 Nov 2026 09:00:00 +0700
From: Alice <alice@example.test>
To: =?utf-8?b?QuG7kXA=?= <bob@example.test>
Subject: Hello
Message-ID: <1@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Hi Bob,
bye
`), msg)
}

func TestBuilderStructures(t *testing.T) {
	file := func(name string) mime.File { return mime.File{Filename: name, Content: strings.NewReader("data")} }
	image := mime.File{Filename: "logo.png", Inline: true, ContentID: "logo", Content: strings.NewReader("png")}
	for _, c := range []struct {
		text, html string
		files      []mime.File
		want       string
	}{
		{"", "", nil, "text/plain"},
		{"a", "", nil, "text/plain"},
		{"", "<p>", nil, "text/html"},
		{"a", "<p>", nil, "multipart/alternative(text/plain text/html)"},
		{"a", "", []mime.File{file("x.pdf")}, "multipart/mixed(text/plain application/pdf)"},
		{"", "", []mime.File{file("x")}, "multipart/mixed(application/octet-stream)"},
		{"a", "<p>", []mime.File{image, file("x.zip")}, "multipart/mixed(multipart/alternative(text/plain multipart/related(text/html image/png)) application/zip)"},
		{"a", "", []mime.File{image}, "multipart/mixed(text/plain image/png)"},
		{"a", "", []mime.File{{Filename: "x.eml", Content: strings.NewReader("Subject: in\r\n\r\nx\r\n")}}, "multipart/mixed(text/plain message/rfc822{text/plain})"},
	} {
		msg := build(t, &mime.Builder{From: []mime.Address{alice}, Text: c.text, HTML: c.html, Attachments: c.files})
		ix := index(t, msg)
		require.Empty(t, ix.Problems)
		require.Equal(t, c.want, shape(ix.Root))
		require.Empty(t, ix.Root.Envelope.To)
	}
}

// What is written is read back, by go-message too.
func TestBuilderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.RuneFrom([]rune("ab .=\n\tthưđ😀From --")))
		b := &mime.Builder{
			From:    []mime.Address{alice, bob},
			To:      []mime.Address{{Kind: mime.GroupStart, Name: "All"}, bob, {Kind: mime.GroupEnd}},
			Cc:      []mime.Address{alice},
			Subject: strings.ReplaceAll(strings.TrimSpace(text.Draw(t, "subject")), "\n", " "),
			Date:    sent, InReplyTo: []string{"0@x"}, References: []string{"00@x", "0@x"},
			Text: strings.Repeat(text.Draw(t, "text"), rapid.IntRange(1, 30).Draw(t, "times")) + "\n",
			HTML: "<p>" + text.Draw(t, "html") + "\n",
		}
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		name := "x" + strings.ReplaceAll(text.Draw(t, "name"), "\n", "")
		b.Attachments = []mime.File{{Filename: strings.ReplaceAll(name, "\t", ""), Type: "application/x-test", Content: bytes.NewReader(data)}}
		msg := build(t, b)
		got, err := mime.Read(strings.NewReader(msg))
		require.NoError(t, err)
		require.Equal(t, b.Subject, got.Subject)
		require.Equal(t, b.From, got.From)
		require.Equal(t, []mime.Address{bob}, got.To)
		require.Equal(t, b.References, got.References)
		require.Equal(t, strings.ReplaceAll(b.Text, "\n", "\r\n"), got.Text)
		require.Equal(t, strings.ReplaceAll(b.HTML, "\n", "\r\n"), got.HTML)
		require.Len(t, got.Attachments, 1)
		require.Equal(t, b.Attachments[0].Filename, got.Attachments[0].Filename)
		require.Equal(t, string(data), string(got.Attachments[0].Data))
		require.Equal(t, "Alice <alice@example.test>", got.Header.Get("Sender"), `several authors: "the sender field […] MUST appear" (RFC 5322 section 3.6.2)`)

		e, err := message.Read(strings.NewReader(msg))
		require.NoError(t, err)
		var bodies []string
		require.NoError(t, e.Walk(func(_ []int, e *message.Entity, err error) error {
			require.NoError(t, err)
			if e.MultipartReader() == nil {
				body, err := io.ReadAll(e.Body)
				require.NoError(t, err)
				bodies = append(bodies, string(body))
			}
			return nil
		}))
		require.Equal(t, []string{got.Text, got.HTML, string(data)}, bodies)
		std, err := stdmail.ReadMessage(strings.NewReader(msg))
		require.NoError(t, err)
		_, err = std.Header.AddressList("To")
		require.NoError(t, err)
	})
}

func TestBuilderEncodings(t *testing.T) {
	encoding := func(text string) string {
		return index(t, build(t, &mime.Builder{From: []mime.Address{alice}, Text: text})).Root.Encoding
	}
	require.Equal(t, "7bit", encoding("plain\n.\nFrom x\n"))
	require.Equal(t, "quoted-printable", encoding(strings.Repeat("long ", 300)))
	require.Equal(t, "quoted-printable", encoding("mostly ASCII with one ư"))
	require.Equal(t, "base64", encoding("日本語日本語"))
}

func TestBuilderHeader(t *testing.T) {
	b := &mime.Builder{From: []mime.Address{alice}, Sender: &bob, To: []mime.Address{bob}, Bcc: []mime.Address{{Mailbox: "eve", Host: "example.test"}, bob}, Text: "x"}
	require.NoError(t, b.Header.Add("X-Mailer", "test"))
	require.NoError(t, b.Header.Add("Content-Type", "text/evil"))
	msg := build(t, b)
	require.NotContains(t, msg, "eve", `Bcc is not written`)
	require.NotContains(t, msg, "evil")
	require.Contains(t, msg, "\r\nX-Mailer: test\r\n")
	require.Contains(t, msg, "\r\nSender: =?utf-8?b?QuG7kXA=?= <bob@example.test>\r\n")
	require.Equal(t, []string{"bob@example.test", "eve@example.test"}, b.Recipients())
	require.False(t, b.NeedsUTF8())
	b.Cc = []mime.Address{{Mailbox: "thư", Host: "example.test"}}
	require.True(t, b.NeedsUTF8())
	m, err := mime.Read(strings.NewReader(msg))
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(m.MessageID, "@example.test"))
	require.WithinDuration(t, time.Now(), m.Date, time.Minute)
}

// No value adds a field or a part.
func TestBuilderInjection(t *testing.T) {
	evil := "x\r\nBcc: evil@example.net\r\n\r\n--boundary"
	msg := build(t, &mime.Builder{
		From: []mime.Address{{Name: evil, Mailbox: evil, Host: evil}}, Subject: evil, MessageID: evil, InReplyTo: []string{evil}, References: []string{evil},
		Text: "text", Attachments: []mime.File{{Filename: evil, ContentID: evil, Content: strings.NewReader("data")}},
	})
	ix := index(t, msg)
	require.Equal(t, "multipart/mixed(text/plain application/octet-stream)", shape(ix.Root))
	require.Empty(t, ix.Root.Envelope.Bcc)
	require.Equal(t, int64(1), int64(strings.Count(msg, "MIME-Version")))
}

func TestBuilderErrors(t *testing.T) {
	for _, b := range []*mime.Builder{
		{},
		{From: []mime.Address{alice}, Attachments: []mime.File{{Filename: "x"}}},
		{From: []mime.Address{alice}, Attachments: []mime.File{{Type: "nonsense", Content: strings.NewReader("")}}},
		{From: []mime.Address{alice}, Attachments: []mime.File{{Type: "multipart/mixed; boundary=x", Content: strings.NewReader("")}}},
		{From: []mime.Address{alice}, Attachments: []mime.File{{Content: iotest.ErrReader(io.ErrClosedPipe)}}},
	} {
		_, err := b.WriteTo(io.Discard)
		require.Error(t, err)
	}
}
