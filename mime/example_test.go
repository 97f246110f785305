package mime_test

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/buuta/mail/mime"
)

const incoming = "From: =?utf-8?q?Nguy=E1=BB=85n?= <nguyen@example.test>\r\n" +
	"Subject: =?utf-8?b?VGjGsCBuZ+G7jw==?=\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nXin chào\r\n" +
	"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nUERG\r\n" +
	"--b--\r\n"

func ExampleRead() {
	msg, err := mime.Read(strings.NewReader(incoming))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(msg.From[0].Name, msg.From[0].Addr())
	fmt.Println(msg.Subject)
	fmt.Println(msg.Text)
	for _, a := range msg.Attachments {
		fmt.Println(a.Filename, a.Type, len(a.Data))
	}
	// Output:
	// Nguyễn nguyen@example.test
	// Thư ngỏ
	// Xin chào
	// plan.pdf application/pdf 3
}

// A message of any size, without holding it in memory.
func ExampleReader_Parts() {
	m, err := mime.NewReader(strings.NewReader(incoming))
	if err != nil {
		log.Fatal(err)
	}
	for p, err := range m.Parts() {
		if err != nil {
			log.Fatal(err)
		}
		if p.IsAttachment() {
			n, _ := io.Copy(io.Discard, p)
			fmt.Println("attachment", p.Filename(), n)
		} else {
			text, _ := io.ReadAll(p.Text())
			fmt.Printf("text %q\n", text)
		}
	}
	// Output:
	// text "Xin chào"
	// attachment plan.pdf 3
}

func ExampleBuilder() {
	b := mime.Builder{
		From:        []mime.Address{{Name: "Alice", Mailbox: "alice", Host: "example.test"}},
		To:          []mime.Address{{Name: "Bob", Mailbox: "bob", Host: "example.test"}},
		Subject:     "Thư ngỏ",
		Text:        "Hello Bob,\nsee the attachment.\n",
		Attachments: []mime.File{{Filename: "plan.txt", Content: strings.NewReader("1. Write\n2. Rest\n")}},
	}
	if _, err := b.WriteTo(io.Discard); err != nil { // or an SMTP client's Body
		log.Fatal(err)
	}
	fmt.Println(b.Recipients())
	// Output: [bob@example.test]
}

// A store builds the index once and keeps it; a part is served later without parsing anything.
func ExampleBuildIndex() {
	msg := strings.NewReader(incoming)
	ix, err := mime.BuildIndex(msg, msg.Size(), nil)
	if err != nil {
		log.Fatal(err)
	}
	kept, _ := ix.AppendBinary(nil)

	ix, err = mime.DecodeIndex(kept)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ix.Root.Envelope.Subject.Value)
	fmt.Println(ix.Preview)
	if span, ok := ix.Locate([]uint32{2}, mime.SectionAll); ok {
		io.Copy(os.Stdout, mime.DecodeTransfer(ix.Part(2).Encoding, io.NewSectionReader(msg, span.Offset, span.Size)))
	}
	// Output:
	// =?utf-8?b?VGjGsCBuZ+G7jw==?=
	// Xin chào
	// PDF
}

func ExampleParseAddressList() {
	list, err := mime.ParseAddressList(`Team: "Doe, John" <john@example.test>, =?utf-8?q?Th=C6=B0?= <thu@example.test>;, root`)
	for a := range mime.Mailboxes(list) {
		fmt.Printf("%q %s\n", a.Name, a.Addr())
	}
	fmt.Println(err)
	// Output:
	// "Doe, John" john@example.test
	// "Thư" thu@example.test
	// "" root
	// mime: address list: address without domain at octet 85
}
