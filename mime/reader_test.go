package mime_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

// leaves reads a message and writes each leaf as "number type: content".
func leaves(t require.TestingT, r io.Reader, o mime.ReaderOptions) []string {
	m, err := o.NewReader(r)
	require.NoError(t, err)
	var out []string
	for p, err := range m.Parts() {
		require.NoError(t, err)
		b, err := io.ReadAll(p)
		require.NoError(t, err)
		out = append(out, fmt.Sprintf("%v %s: %q", p.Number, p.Type.MediaType(), b))
	}
	return out
}

func TestReader(t *testing.T) {
	want := []string{
		`[1] text/plain: "one"`,
		`[2] application/octet-stream: "\x00\x01\x02"`,
		`[3 1] text/plain: "three one"`,
		`[3 2] application/octet-stream: "three two"`,
		`[4 1] image/gif: "four one"`,
		`[4 2 1] text/plain: "four two one"`,
		`[4 2 2 1] text/plain: "four two two one"`,
		`[4 2 2 2] text/richtext: "four two two two"`,
	}
	open := mime.ReaderOptions{OpenMessages: true}
	require.Equal(t, want, leaves(t, strings.NewReader(sectionExample), open))
	require.Equal(t, want, leaves(t, iotest.OneByteReader(strings.NewReader(sectionExample)), open))
	require.Equal(t, want, leaves(t, iotest.DataErrReader(strings.NewReader(sectionExample)), open))

	got := leaves(t, strings.NewReader(sectionExample), mime.ReaderOptions{})
	require.Len(t, got, 5)
	require.Contains(t, got[2], `[3] message/rfc822: "From: b@example.test`)
}

func TestReaderSinglePart(t *testing.T) {
	msg := "Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nJ=F8rn\r\n"
	m, err := mime.NewReader(strings.NewReader(msg))
	require.NoError(t, err)
	require.Equal(t, "x", m.Header.Get("subject"))
	p, err := m.Next()
	require.NoError(t, err)
	require.Equal(t, []uint32{1}, p.Number)
	require.Equal(t, "Jørn\r\n", readAll(t, p.Text()))
	_, err = m.Next()
	require.Equal(t, io.EOF, err)
	_, err = m.Next()
	require.Equal(t, io.EOF, err)
	require.Equal(t, "", readAll(t, p), "a part ends when the next is asked for")

	require.Equal(t, []string{`[1] text/plain: ""`}, leaves(t, strings.NewReader(""), mime.ReaderOptions{}))
	require.Equal(t, []string{`[1] text/plain: "hi"`}, leaves(t, strings.NewReader("\n\nhi"[1:]), mime.ReaderOptions{}))
}

func TestReaderSkipsAndRaw(t *testing.T) {
	m, err := mime.NewReader(strings.NewReader(sectionExample))
	require.NoError(t, err)
	var seen []string
	for p, err := range m.Parts() {
		require.NoError(t, err)
		if p.Type.Type == "application" {
			seen = append(seen, readAll(t, p.Raw()))
		}
	}
	require.Equal(t, []string{"AAEC"}, seen)
}

func TestReaderLimits(t *testing.T) {
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 500)
	require.Len(t, leaves(t, strings.NewReader(many), mime.ReaderOptions{Limits: &mime.Limits{Parts: 100}}), 99)
	var deep strings.Builder
	for i := range 50 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	require.Len(t, leaves(t, strings.NewReader(deep.String()), mime.ReaderOptions{Limits: &mime.Limits{Depth: 10}}), 1)
}

func TestReaderErrors(t *testing.T) {
	broken := errors.New("gone")
	_, err := mime.NewReader(iotest.ErrReader(broken))
	require.ErrorIs(t, err, broken)
	m, err := mime.NewReader(io.MultiReader(strings.NewReader("Subject: x\r\n\r\nbody"), iotest.ErrReader(broken)))
	require.NoError(t, err)
	p, err := m.Next()
	require.NoError(t, err)
	_, err = io.ReadAll(p)
	require.ErrorIs(t, err, broken)
	_, err = m.Next()
	require.ErrorIs(t, err, broken)
}

const letter = `From: =?utf-8?q?Nguy=E1=BB=85n?= <nguyen@example.test>
To: Bob <bob@example.test>, Team: carol@example.test;
Cc: dave@example.test
Reply-To: list@example.test
Subject: =?utf-8?b?VGjGsA==?= ngỏ
Date: Sun, 22 Nov 2026 09:00:00 +0700
Message-ID: <1@example.test>
In-Reply-To: <0@example.test>
References: <00@example.test> <0@example.test>
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=utf-8

Xin chào
--a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

<p>Xin chào <img src="cid:logo">
--r
Content-Type: image/png
Content-ID: <logo>

PNG
--r--
--a--
--m
Content-Type: application/pdf; name="old.pdf"
Content-Disposition: attachment; filename*=utf-8''th%C6%B0.pdf
Content-Transfer-Encoding: base64

UERG
--m
Content-Type: text/plain
Content-Disposition: attachment; filename=notes.txt

notes
--m--
`

func TestRead(t *testing.T) {
	m, err := mime.Read(strings.NewReader(crlf(letter)))
	require.NoError(t, err)
	require.Equal(t, []mime.Address{{Name: "Nguyễn", Mailbox: "nguyen", Host: "example.test"}}, m.From)
	require.Equal(t, []mime.Address{{Name: "Bob", Mailbox: "bob", Host: "example.test"}, {Mailbox: "carol", Host: "example.test"}}, m.To)
	require.Len(t, m.Cc, 1)
	require.Len(t, m.ReplyTo, 1)
	require.Equal(t, "Thư ngỏ", m.Subject)
	require.True(t, time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC).Equal(m.Date))
	require.Equal(t, "1@example.test", m.MessageID)
	require.Equal(t, []string{"0@example.test"}, m.InReplyTo)
	require.Equal(t, []string{"00@example.test", "0@example.test"}, m.References)
	require.Equal(t, "Xin chào", m.Text)
	require.Equal(t, `<p>Xin chào <img src="cid:logo">`, m.HTML)
	require.Equal(t, []mime.Attachment{
		{Type: "image/png", Inline: true, ContentID: "logo", Data: []byte("PNG")},
		{Filename: "thư.pdf", Type: "application/pdf", Data: []byte("PDF")},
		{Filename: "notes.txt", Type: "text/plain", Data: []byte("notes")},
	}, m.Attachments)
}

func TestReadIsBounded(t *testing.T) {
	msg := "Subject: x\r\n\r\n" + strings.Repeat("x", 1000)
	_, err := (&mime.ReaderOptions{Max: 500}).Read(strings.NewReader(msg))
	require.ErrorIs(t, err, mime.ErrTooLarge)
	_, err = (&mime.ReaderOptions{Max: int64(len(msg))}).Read(strings.NewReader(msg))
	require.NoError(t, err)
	_, err = mime.Read(iotest.ErrReader(io.ErrClosedPipe))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// The stream and the index see the same leaves.
func FuzzReaderAgainstIndex(f *testing.F) {
	f.Add([]byte(sectionExample))
	f.Add([]byte(crlf(letter)))
	f.Add([]byte("Content-Type: multipart/digest; boundary=b\n\n--b\n\nA: b\n\nx\n--b--\n--b\n"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx--b--\n--b--\n"))
	f.Add([]byte("Content-TYpe:multipArt  BoundArY=0\x00\n\n0\n--\n--0")) // a NUL in the boundary, found by fuzzing
	f.Fuzz(func(t *testing.T, msg []byte) {
		ix, err := mime.BuildIndex(strings.NewReader(string(msg)), int64(len(msg)), nil)
		require.NoError(t, err)
		checkIndex(t, ix, string(msg))
		m, err := (&mime.ReaderOptions{OpenMessages: true}).NewReader(strings.NewReader(string(msg)))
		require.NoError(t, err)
		for p, err := range m.Parts() {
			require.NoError(t, err)
			at := ix.Part(p.Number...)
			require.NotNil(t, at, "%v", p.Number)
			require.Equal(t, cut(string(msg), at.Body), readAll(t, p.Raw()), "%v", p.Number)
		}
		if _, err := mime.Read(strings.NewReader(string(msg))); err != nil {
			t.Fatal(err)
		}
	})
}

// A multipart without a single part is read as a text, so that what someone wrote is not lost; no more than 64 KiB of it.
func TestReaderMultipartWithoutParts(t *testing.T) {
	for body, want := range map[string]string{
		"the text\r\n":                           "the text\r\n",
		"":                                       "",
		"--b--\r\nmore":                          "--b--\r\nmore",
		strings.Repeat("0123456789abcdef", 8192): strings.Repeat("0123456789abcdef", 4096),
	} {
		m, err := mime.Read(strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body))
		require.NoError(t, err)
		require.Equal(t, want, m.Text)
		require.Empty(t, m.Attachments)
	}
	inner := "Content-Type: multipart/mixed; boundary=i\r\n\r\nkept\r\n"
	m, err := mime.Read(strings.NewReader("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inner + "--b\r\n\r\ntwo\r\n--b\r\n" + inner + "--b--\r\n"))
	require.NoError(t, err)
	require.Equal(t, "kept\ntwo\nkept", m.Text)
}
