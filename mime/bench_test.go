package mime_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"io"
	"math/rand"
	stdqp "mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"

	"github.com/emersion/go-message/textproto"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

var benchHeader = crlf(`Received: from mx.example.test (mx.example.test [192.0.2.1])
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

// bigMessage is 1 MiB of text and base64 attachments.
func bigMessage(t testing.TB) string {
	data := make([]byte, 370<<10)
	rand.New(rand.NewSource(1)).Read(data)
	var b bytes.Buffer
	_, err := (&mime.Builder{
		From: []mime.Address{alice}, To: []mime.Address{bob}, Subject: "report", Text: strings.Repeat("Lines of text, like any other - or so.\n", 100),
		HTML: strings.Repeat("<p>Lines of <b>text</b>, like any other -- or so.</p>\n", 200),
		Attachments: []mime.File{
			{Filename: "a.pdf", Content: bytes.NewReader(data)}, {Filename: "b.pdf", Content: bytes.NewReader(data)},
		},
	}).WriteTo(&b)
	require.NoError(t, err)
	return b.String()
}

func BenchmarkHeader(b *testing.B) {
	raw := []byte(benchHeader)
	fields := []string{"From", "To", "Subject", "Date", "Message-ID"}
	run := func(name string, f func() int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if f() == 0 {
					b.Fatal("nothing found")
				}
			}
		})
	}
	run("ours", func() (n int) {
		h := mime.ParseHeader(raw, nil)
		for _, f := range fields {
			n += len(h.Get(f))
		}
		return n
	})
	run("textproto", func() (n int) {
		h, err := textproto.ReadHeader(bufio.NewReader(bytes.NewReader(raw)))
		require.NoError(b, err)
		for _, f := range fields {
			n += len(h.Get(f))
		}
		return n
	})
	run("net_mail", func() (n int) {
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		require.NoError(b, err)
		for _, f := range fields {
			n += len(m.Header.Get(f))
		}
		return n
	})
}

func BenchmarkAddressList(b *testing.B) {
	list := "Alice <alice@example.test>, bob@example.net, \"Dave, the third\" <dave@example.net>, =?utf-8?q?Th=C6=B0?= <thu@example.test>"
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if l, err := mime.ParseAddressList(list); err != nil || len(l) != 4 {
				b.Fatal(err)
			}
		}
	})
	b.Run("net_mail", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if l, err := mail.ParseAddressList(list); err != nil || len(l) != 4 {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBuildIndex(b *testing.B) {
	plain := strings.Repeat("Received: from somewhere\r\n", 5) + benchHeader + strings.Repeat("Lines of text, like any other - or so.\r\n", 100)
	for name, msg := range map[string]string{
		"1MiB_attachments": bigMessage(b),
		"4kB_plain":        plain,
		"dashes":           "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + strings.Repeat("--------\r\n", 100_000),
		"many_parts":       "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 9_000),
	} {
		b.Run(name, func(b *testing.B) {
			r := strings.NewReader(msg)
			b.ReportAllocs()
			b.SetBytes(int64(len(msg)))
			for b.Loop() {
				if _, err := mime.BuildIndex(r, int64(len(msg)), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkIndexCodec(b *testing.B) {
	msg := bigMessage(b)
	ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
	require.NoError(b, err)
	blob, err := ix.AppendBinary(nil)
	require.NoError(b, err)
	b.Logf("index of %d parts: %d octets", 5, len(blob))
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf, _ = ix.AppendBinary(buf[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := mime.DecodeIndex(blob); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("envelope", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := mime.DecodeEnvelope(blob); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkTransfer(b *testing.B) {
	data := make([]byte, 3<<18)
	rand.New(rand.NewSource(1)).Read(data)
	var b64, qp bytes.Buffer
	w := mime.NewBase64Writer(&b64)
	w.Write(data)
	w.Close()
	text := strings.Repeat("Một bức thư ngỏ: lines of text, mostly ASCII, as newsletters have them = <p style=\"x\">\r\n", 10_000)
	w = mime.NewQuotedPrintableWriter(&qp)
	io.WriteString(w, text)
	w.Close()
	run := func(name string, in []byte, decode func(io.Reader) io.Reader) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if n, err := io.Copy(io.Discard, decode(bytes.NewReader(in))); err != nil || n == 0 {
					b.Fatal(err)
				}
			}
		})
	}
	run("base64", b64.Bytes(), mime.NewBase64Reader)
	run("base64_std", b64.Bytes(), func(r io.Reader) io.Reader { return base64.NewDecoder(base64.StdEncoding, r) })
	run("qp", qp.Bytes(), mime.NewQuotedPrintableReader)
	run("qp_std", qp.Bytes(), func(r io.Reader) io.Reader { return stdqp.NewReader(r) })
}

func BenchmarkReader(b *testing.B) {
	msg := bigMessage(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		m, err := mime.NewReader(strings.NewReader(msg))
		if err != nil {
			b.Fatal(err)
		}
		for p, err := range m.Parts() {
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, p); err != nil {
				b.Fatal(err)
			}
		}
	}
}
