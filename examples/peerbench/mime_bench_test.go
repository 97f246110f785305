package peerbench

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"math/rand"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"

	gomessage "github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"
	"github.com/jhillyerd/enmime/v2"

	"github.com/buuta/mail/mime"
)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// elevenFields is the header that the benchmarks read.
var elevenFields = crlf(`Received: from mx.example.test (mx.example.test [192.0.2.1])
	by mail.example.net (Postfix) with ESMTPS id 913E010089F
	for <bob@example.net>; Sun, 22 Nov 2026 09:00:00 +0700 (ICT)
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.test; s=key;
	h=from:to:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
	b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
Date: Sun, 22 Nov 2026 09:00:00 +0700
From: Alice <alice@example.test>
To: Bob <bob@example.net>, carol@example.net
Cc: "Dave, the third" <dave@example.net>
Subject: =?utf-8?q?Th=C6=B0?= of the week
Message-ID: <20261122.090000.1@example.test>
References: <20261121.090000.1@example.test>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

`)

// measure runs f as a benchmark beside others of the same work; f returns 0 when it failed.
func measure(b *testing.B, name string, size int, f func() int) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(size))
		for b.Loop() {
			if f() == 0 {
				b.Fatal("nothing was read")
			}
		}
	})
}

// ignored takes enmime's remarks on damage.
type ignored struct{}

func (ignored) AddError(string, string, ...any)   {}
func (ignored) AddWarning(string, string, ...any) {}

// BenchmarkMIMEHeader finds the fields of a header and gets five of them.
func BenchmarkMIMEHeader(b *testing.B) {
	raw := []byte(elevenFields)
	get := func(get func(string) string) (n int) {
		for _, f := range []string{"From", "To", "Subject", "Date", "Message-ID"} {
			n += len(get(f))
		}
		return n
	}
	measure(b, "ours", len(raw), func() int { return get(mime.ParseHeader(raw, nil).Get) })
	measure(b, "go-message", len(raw), func() int {
		h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return 0
		}
		return get(h.Get)
	})
	measure(b, "enmime", len(raw), func() int {
		h, err := enmime.ReadHeader(bufio.NewReader(bytes.NewReader(raw)), ignored{})
		if err != nil {
			return 0
		}
		return get(h.Get)
	})
	measure(b, "net_mail", len(raw), func() int {
		m, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			return 0
		}
		return get(m.Header.Get)
	})
}

// BenchmarkMIMEAddressList reads a list of four addresses.
func BenchmarkMIMEAddressList(b *testing.B) {
	list := "Alice <alice@example.test>, bob@example.net, \"Dave, the third\" <dave@example.net>, =?utf-8?q?Th=C6=B0?= <thu@example.test>"
	measure(b, "ours", len(list), func() int { l, _ := mime.ParseAddressList(list); return len(l) })
	measure(b, "go-message", len(list), func() int { l, _ := gomail.ParseAddressList(list); return len(l) })
	measure(b, "enmime", len(list), func() int { l, _ := enmime.ParseAddressList(list); return len(l) })
	measure(b, "net_mail", len(list), func() int { l, _ := netmail.ParseAddressList(list); return len(l) })
}

// largeMessage is 1 MiB of text and attachments.
func largeMessage(b *testing.B) string {
	data := make([]byte, 370<<10)
	rand.New(rand.NewSource(1)).Read(data)
	var out bytes.Buffer
	_, err := (&mime.Builder{
		From: []mime.Address{{Mailbox: "alice", Host: "example.test"}}, To: []mime.Address{{Mailbox: "bob", Host: "example.net"}}, Subject: "report",
		Text: strings.Repeat("Lines of text, like any other - or so.\n", 100),
		HTML: strings.Repeat("<p>Lines of <b>text</b>, like any other -- or so.</p>\n", 200),
		Attachments: []mime.File{
			{Filename: "a.pdf", Content: bytes.NewReader(data)}, {Filename: "b.pdf", Content: bytes.NewReader(data)},
		},
	}).WriteTo(&out)
	if err != nil {
		b.Fatal(err)
	}
	return out.String()
}

// BenchmarkMIMEStructure finds the parts of a 1 MiB message. enmime decodes them too: it knows no other way.
func BenchmarkMIMEStructure(b *testing.B) {
	msg := largeMessage(b)
	measure(b, "ours", len(msg), func() int {
		ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
		if err != nil {
			return 0
		}
		return len(ix.Root.Parts)
	})
	measure(b, "go-message", len(msg), func() (n int) {
		e, err := gomessage.Read(strings.NewReader(msg))
		if err != nil {
			return 0
		}
		err = e.Walk(func([]int, *gomessage.Entity, error) error { n++; return nil })
		if err != nil {
			return 0
		}
		return n
	})
	measure(b, "enmime", len(msg), func() int {
		if p, err := enmime.ReadParts(strings.NewReader(msg)); err == nil && p.FirstChild != nil {
			return 1
		}
		return 0
	})
}

// BenchmarkMIMERead reads a 1 MiB message with all its contents decoded.
func BenchmarkMIMERead(b *testing.B) {
	msg := largeMessage(b)
	measure(b, "ours", len(msg), func() int {
		m, err := mime.Read(strings.NewReader(msg))
		if err != nil {
			return 0
		}
		return len(m.Attachments)
	})
	measure(b, "go-message", len(msg), func() (n int) {
		e, err := gomessage.Read(strings.NewReader(msg))
		if err != nil {
			return 0
		}
		err = e.Walk(func(_ []int, e *gomessage.Entity, _ error) error {
			if e.MultipartReader() == nil {
				content, err := io.ReadAll(e.Body)
				n += len(content)
				return err
			}
			return nil
		})
		if err != nil {
			return 0
		}
		return n
	})
	measure(b, "enmime", len(msg), func() int {
		if p, err := enmime.ReadParts(strings.NewReader(msg)); err == nil && p.FirstChild != nil {
			return 1
		}
		return 0
	})
}

// BenchmarkMIMETransfer decodes 1 MB of each encoding.
func BenchmarkMIMETransfer(b *testing.B) {
	data := make([]byte, 3<<18)
	rand.New(rand.NewSource(1)).Read(data)
	var b64, qp bytes.Buffer
	w := mime.NewBase64Writer(&b64)
	w.Write(data)
	w.Close()
	w = mime.NewQuotedPrintableWriter(&qp)
	io.WriteString(w, strings.Repeat("Một bức thư ngỏ: lines of text, mostly ASCII, as newsletters have them = <p style=\"x\">\r\n", 10_000))
	w.Close()
	run := func(name string, in []byte, decode func(io.Reader) io.Reader) {
		measure(b, name, len(in), func() int {
			n, err := io.Copy(io.Discard, decode(bytes.NewReader(in)))
			if err != nil {
				return 0
			}
			return int(n)
		})
	}
	run("base64/ours", b64.Bytes(), mime.NewBase64Reader)
	run("base64/std", b64.Bytes(), func(r io.Reader) io.Reader { return base64.NewDecoder(base64.StdEncoding, r) })
	run("qp/ours", qp.Bytes(), mime.NewQuotedPrintableReader)
	run("qp/std", qp.Bytes(), func(r io.Reader) io.Reader { return quotedprintable.NewReader(r) })
}
