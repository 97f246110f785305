package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// letter is one message of the corpus: what it is and who gets it.
type letter struct {
	n    int
	kind string
	user string // local part
	data []byte // with CRLF
	file string // where data lies
}

const vietnamese = "Kính gửi anh Trung, đây là bức thư gửi từ máy chủ Bưu tá: ăâđêôơư ÀÁẢÃẠ ỳýỷỹỵ.\r\n"

// kinds are the bodies of the corpus with their header fields: what stands between the fields every letter has and its end.
var kinds = []struct {
	name  string
	write func(b *bytes.Buffer, rnd *rand.Rand)
}{
	{"plain", func(b *bytes.Buffer, _ *rand.Rand) { b.WriteString("Subject: plain\r\n\r\nHello,\r\nworld.\r\n") }},
	{"vietnamese subject, raw", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: Thư gửi từ Hà Nội\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + vietnamese)
	}},
	{"vietnamese subject, encoded", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: =?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte("Thư gửi từ Huế")) + "?=\r\n")
		b.WriteString("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		writeBase64(b, []byte(strings.Repeat(vietnamese, 5)))
	}},
	{"quoted-printable", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: qp\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
		w := quotedprintable.NewWriter(b)
		w.Write([]byte(strings.Repeat(vietnamese, 3)))
		w.Close()
	}},
	{"attachment", func(b *bytes.Buffer, rnd *rand.Rand) {
		b.WriteString("Subject: attachment\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b1\"\r\n\r\nPreamble.\r\n--=_b1\r\n")
		b.WriteString("Content-Type: text/plain\r\n\r\nSee attachment.\r\n--=_b1\r\nContent-Type: application/pdf; name*=utf-8''b%C3%A1o%20gi%C3%A1.pdf\r\n")
		b.WriteString("Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=x.pdf\r\n\r\n")
		writeBase64(b, noise(rnd, 30_000))
		b.WriteString("--=_b1--\r\nEpilogue.\r\n")
	}},
	{"dots", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: dots\r\n\r\n.\r\n..\r\n...\r\n. x\r\n.x\r\n\r\n.\r\nend.\r\n.\r\n")
	}},
	{"lines of 998", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: long\r\n\r\n")
		for range 20 {
			b.WriteString(strings.Repeat("0123456789", 99) + "12345678\r\n")
		}
	}},
	{"lines longer than allowed", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: too long\r\n\r\n" + strings.Repeat("x", 5000) + "\r\n" + strings.Repeat("y.", 50_000) + "\r\n")
	}},
	{"8-bit", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: 8bit\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + strings.Repeat(vietnamese, 40))
	}},
	{"empty body", func(b *bytes.Buffer, _ *rand.Rand) { b.WriteString("Subject: nothing\r\n\r\n") }},
	{"message in message", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n")
		b.WriteString("From: inner@example.org\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\n\r\ntext\r\n--i\r\n")
		b.WriteString("Content-Type: text/html\r\n\r\n<p>html</p>\r\n--i--\r\n--o--\r\n")
	}},
	{"folded header", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: a\r\n b\r\n\tc\r\nReferences:")
		for i := range 200 {
			fmt.Fprintf(b, "\r\n <ref%d.%d@example.org>", i, i*7)
		}
		b.WriteString("\r\n\r\nbody\r\n")
	}},
	{"white space", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: space   \r\n\r\n \r\n\t\r\ntrailing   \r\n\r\n\r\n\r\n")
	}},
	{"control characters", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: control\r\n\r\n\x01\x02\x07\x08\x0b\x0c\x1b[31m\x7f\r\nFrom the start of a line\r\n>From quoted\r\n")
	}},
	{"latin-1 bytes", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: bytes\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
		for c := 0x80; c <= 0xff; c++ {
			b.WriteByte(byte(c))
		}
		b.WriteString("\r\n")
	}},
	{"html", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: html\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>" + strings.Repeat("<p>&nbsp;x</p>\r\n", 100) + "</html>\r\n")
	}},
	{"few fields", func(b *bytes.Buffer, _ *rand.Rand) { b.WriteString("\r\nNo subject here.\r\n") }},
	{"100 KB", func(b *bytes.Buffer, rnd *rand.Rand) {
		b.WriteString("Subject: 100 KB\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		writeBase64(b, noise(rnd, 75_000))
	}},
	{"like a protocol", func(b *bytes.Buffer, _ *rand.Rand) {
		b.WriteString("Subject: QUIT\r\n\r\nQUIT\r\n* 1 EXPUNGE\r\n+OK\r\na1 OK {10}\r\n) \"quoted\" \\\r\n--\r\n")
	}},
}

const kind5M = "5 MiB"

// corpus writes n letters, spread over the users, and three of 5 MiB.
func corpus(t *testing.T, n, users int) []letter {
	t.Helper()
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	out := make([]letter, 0, n)
	for i := range n {
		l := letter{n: i, user: fmt.Sprintf("u%d", i%users), file: filepath.Join(dir, strconv.Itoa(i)+".eml")}
		var b bytes.Buffer
		from := "Người gửi"
		if k := kinds[i%len(kinds)].name; k == "plain" || k == "dots" {
			from = "Sender" // for telnet, which takes the eighth bit off and some of what remains for a command to itself
		}
		fmt.Fprintf(&b, "X-Corpus: %d\r\nFrom: \"%s\" <sender@example.org>\r\nTo: <%s@example.test>\r\n", i, from, l.user)
		fmt.Fprintf(&b, "Date: Sun, 22 Nov 2026 09:%02d:%02d +0700\r\nMessage-ID: <corpus.%d@example.org>\r\n", i/60%60, i%60, i)
		if i >= n-3 {
			l.kind = kind5M
			b.WriteString("Subject: 5 MiB\r\nContent-Transfer-Encoding: base64\r\n\r\n")
			writeBase64(&b, noise(rnd, 5<<20*3/4))
		} else {
			k := kinds[i%len(kinds)]
			l.kind = k.name
			k.write(&b, rnd)
		}
		l.data = b.Bytes()
		require.NoError(t, os.WriteFile(l.file, l.data, 0o600))
		out = append(out, l)
	}
	return out
}

func noise(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func writeBase64(b *bytes.Buffer, data []byte) {
	s := base64.StdEncoding.EncodeToString(data)
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	b.WriteString(s + "\r\n")
}

var corpusField = regexp.MustCompile(`(?m)^X-Corpus: (\d+)\r?$`)

// same compares a set of messages as they came out with the letters that went in: each is there once, and ends in the
// letter byte for byte; what stands before are trace fields (RFC 5321 section 4.4), and nothing else.
func same(t *testing.T, where string, got [][]byte, want []letter) {
	t.Helper()
	byNumber := map[int][]byte{}
	for _, b := range got {
		m := corpusField.FindSubmatch(b[:min(len(b), 4096)])
		require.NotNil(t, m, "%s: not from the corpus: %.300q", where, b)
		n, _ := strconv.Atoi(string(m[1]))
		require.NotContains(t, byNumber, n, "%s: letter %d is there twice", where, n)
		byNumber[n] = b
	}
	for _, l := range want {
		b, ok := byNumber[l.n]
		require.True(t, ok, "%s: letter %d (%s) is missing", where, l.n, l.kind)
		trace, found := bytes.CutSuffix(b, l.data)
		if !found {
			i := bytes.Index(b, []byte("X-Corpus: "))
			require.Failf(t, "changed on the way", "%s: letter %d (%s): %s", where, l.n, l.kind, firstDifference(b[i:], l.data))
		}
		require.Regexp(t, `^((Return-Path|Delivered-To|Received|X-Original-To): [^\r\n]*\r\n([ \t][^\r\n]*\r\n)*)*$`, string(trace), where)
	}
	require.Len(t, got, len(want), where)
}

func firstDifference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	near := func(b []byte) []byte { return b[max(0, min(i-20, len(b))):min(len(b), i+40)] }
	return fmt.Sprintf("at octet %d of %d: %q instead of %q (%d octets came out)", i, len(want), near(got), near(want), len(got))
}
