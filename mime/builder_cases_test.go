package mime_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/buuta/mail/mime"
)

// composed is a message as the Builder wrote it, with what was meant.
type composed struct {
	name  string
	b     *mime.Builder
	files [][]byte // contents of the attachments
	msg   string
}

func mailbox(name, addr string) mime.Address {
	local, host, _ := strings.Cut(addr, "@")
	return mime.Address{Name: name, Mailbox: local, Host: host}
}

// cases writes a message of every kind that people send.
func cases(t *testing.T) []*composed {
	list := func(a ...mime.Address) []mime.Address { return a }
	var many []mime.Address
	for i := range 60 {
		many = append(many, mailbox(fmt.Sprintf("Người nhận số %d", i), fmt.Sprintf("r%d@example.test", i)))
	}
	file := func(name string) mime.File { return mime.File{Filename: name, Type: "application/x-test"} }
	text := "Xin chào Bob,\n\nFrom here\n.\n..\n-- \n" + strings.Repeat("một dòng rất dài ", 100) + "\nend\n"
	all := map[string]*mime.Builder{
		"plain":                 {Subject: "Hello", Text: "Hi Bob,\nbye\n"},
		"empty":                 {},
		"blank text":            {Subject: "x", Text: "\n"},
		"text in Vietnamese":    {Subject: "Thư ngỏ", Text: text},
		"text in Japanese":      {Subject: "手紙", Text: strings.Repeat("日本語の文章です。", 30) + "\n"},
		"long line":             {Text: strings.Repeat("word ", 1000) + "\n"},
		"controls":              {Text: "a\x01b\x7f\tc\x00d\n"},
		"long subject":          {Subject: strings.Repeat("một hai ba bốn năm ", 20) + "hết", Text: "x\n"},
		"long ASCII subject":    {Subject: strings.Repeat("one two three ", 20) + "end", Text: "x\n"},
		"subject unbroken":      {Subject: strings.Repeat("x", 500), Text: "x\n"},
		"subject emoji":         {Subject: "👩‍👩‍👧‍👦 🎉 ok 🎉", Text: "x\n"},
		"subject looks encoded": {Subject: "=?utf-8?q?no?= =?x", Text: "x\n"},
		"subject mixed":         {Subject: "Re: [list] thư số 1: a, b; c", Text: "x\n"},
		"names": {
			To: list(mailbox("O'Hara, \"Bob\" \\ (x)", "bob@example.test"), mailbox("Nguyễn, Văn \"A\"", "a@example.test"), mailbox("a.b <x@y>", "c@example.test"),
				mailbox("=?utf-8?q?no?=", "d@example.test"), mailbox("日本語", "e@example.test"), mailbox("", "f@example.test")),
			Cc: many, ReplyTo: list(mailbox("Trả lời", "reply@example.test")), Text: "x\n",
		},
		"odd local-parts": {To: list(mime.Address{Mailbox: "a b", Host: "example.test"}, mime.Address{Mailbox: `q"u\o`, Host: "example.test"}, mime.Address{Mailbox: "x..y", Host: "example.test"}), Text: "x\n"},
		"literal domain":  {To: list(mime.Address{Name: "Bob", Mailbox: "bob", Host: "[192.0.2.1]"}), Text: "x\n"},
		"IDNA":            {To: list(mailbox("Bưu điện", "bob@bưuđiện.example")), ToASCII: idna.Lookup.ToASCII, Text: "x\n"},
		"two authors":     {From: list(mailbox("Alice", "alice@example.test"), mailbox("Bốp", "bob@example.test")), Text: "x\n"},
		"HTML":            {Subject: "x", HTML: "<p>Xin <b>chào</b>\n"},
		"alternative":     {Subject: "x", Text: "Xin chào\n", HTML: "<p>Xin chào\n"},
		"image":           {Text: "see\n", HTML: "<img src=\"cid:logo@x\">\n", Attachments: []mime.File{{Filename: "logo.png", Inline: true, ContentID: "logo@x"}}},
		"image and files": {Text: "see\n", HTML: "<img src=\"cid:logo@x\">\n", Attachments: []mime.File{{Filename: "logo.png", Inline: true, ContentID: "logo@x"}, file("a.bin"), file("b.bin")}},
		"file names": {Text: "see\n", Attachments: []mime.File{file("plain.bin"), file("two words.bin"), file("Bảng lương tháng mười một năm hai nghìn không trăm hai mươi sáu.bin"),
			file(`q"uo\te.bin`), file("a;b=c,d%20'e.bin"), file(strings.Repeat("long-name-", 20) + ".bin"), file("🎉.bin"), file("日本語.bin")}},
		"file alone": {Attachments: []mime.File{file("alone.bin")}},
		"vCard":      {Text: "see\n", Attachments: []mime.File{{Filename: "card.vcf"}}},
		"calendar":   {Text: "Meet?\n", HTML: "<p>Meet?\n", Calendar: &mime.Calendar{Content: invitation}, Attachments: []mime.File{{Filename: "invite.ics"}}},
		"thread":     {Subject: "Re: x", InReplyTo: []string{"9@x.example"}, References: strings.Fields(strings.Repeat("0123456789.abcdef@host.example ", 40)), Text: "x\n"},
	}
	var out []*composed
	for name, b := range all {
		w := &composed{name: name, b: b}
		if b.From == nil {
			b.From = list(mailbox("Alice Nguyễn", "alice@example.test"))
		}
		if b.To == nil {
			b.To = list(mailbox("Bob", "bob@example.test"))
		}
		b.Date, b.MessageID = sent, strings.ReplaceAll(name, " ", "-")+"@cases.example"
		for i := range b.Attachments {
			data := bytes.Repeat([]byte(fmt.Sprintf("\x00\xff%d\r\n\n", i)), 50*i+1)
			if strings.HasSuffix(b.Attachments[i].Filename, ".vcf") {
				data = []byte("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Nguyễn\r\nEND:VCARD\r\n")
			}
			w.files = append(w.files, data)
			b.Attachments[i].Content = bytes.NewReader(data)
		}
		w.msg = build(t, b)
		for _, f := range b.Attachments {
			f.Content.(io.Seeker).Seek(0, io.SeekStart)
		}
		out = append(out, w)
	}
	return out
}

// addresses lists who is meant, domains as they go over the wire.
func (w *composed) addresses(t *testing.T, list []mime.Address) [][2]string {
	out := [][2]string{}
	for a := range mime.Mailboxes(list) {
		if w.b.ToASCII != nil {
			host, err := w.b.ToASCII(a.Host)
			require.NoError(t, err)
			a.Host = host
		}
		out = append(out, [2]string{a.Name, a.Mailbox + "@" + a.Host})
	}
	return out
}
