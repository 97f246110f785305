package mime_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

// drawPart writes a well-formed part with its header.
func drawPart(t *rapid.T, depth int, id *int) string {
	*id++
	boundary := "b" + strings.Repeat("x", *id%5) + string(rune('0'+depth))
	if depth > 0 && rapid.Bool().Draw(t, "multipart") {
		var b strings.Builder
		b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\npreamble\r\n")
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			b.WriteString("--" + boundary + "\r\n" + drawPart(t, depth-1, id) + "\r\n")
		}
		return b.String() + "--" + boundary + "--\r\nepilogue\r\n"
	}
	var b bytes.Buffer
	body := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "-", "--", "\r\n", "bx", "=", " ", "thư"}), 0, 20).Draw(t, "body")
	text := strings.TrimRight(strings.Join(body, ""), " ")
	switch rapid.IntRange(0, 2).Draw(t, "encoding") {
	case 0:
		return "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + strings.ReplaceAll(text, "--b", "-")
	case 1:
		w := mime.NewBase64Writer(&b)
		io.WriteString(w, text)
		w.Close()
		return "Content-Type: application/x-test\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b.String()
	}
	w := mime.NewQuotedPrintableWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + strings.ReplaceAll(b.String(), "--b", "-=2Db")
}

// Well-formed messages have the structure and the contents that go-message finds in them.
func TestStructureAgainstGoMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := 0
		msg := "MIME-Version: 1.0\r\n" + drawPart(t, 3, &id)
		e, err := message.Read(strings.NewReader(msg))
		require.NoError(t, err)
		type leaf struct{ path, typ, body string }
		var want, got []leaf
		require.NoError(t, e.Walk(func(path []int, e *message.Entity, err error) error {
			require.NoError(t, err)
			if e.MultipartReader() != nil {
				return nil
			}
			typ, _, err := e.Header.ContentType()
			require.NoError(t, err)
			body, err := io.ReadAll(e.Body)
			require.NoError(t, err)
			number := ""
			for _, n := range path {
				number += string(rune('1' + n))
			}
			want = append(want, leaf{number, typ, string(body)})
			return nil
		}))
		ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
		require.NoError(t, err)
		require.Empty(t, ix.Problems, "%q", msg)
		storeIndex(t, ix, msg)
		var walk func(p *mime.Part, number string)
		walk = func(p *mime.Part, number string) {
			for i, c := range p.Parts {
				walk(c, number+string(rune('1'+i)))
			}
			if !p.IsMultipart() {
				body, err := io.ReadAll(mime.DecodeTransfer(p.Encoding, strings.NewReader(cut(msg, p.Body))))
				require.NoError(t, err)
				got = append(got, leaf{number, p.Type + "/" + p.Subtype, string(body)})
			}
		}
		walk(ix.Root, "")
		require.Equal(t, want, got)
	})
}

// storeIndex compares an index with itself after it was stored.
func storeIndex(t require.TestingT, ix *mime.Index, msg string) {
	b, err := ix.AppendBinary(nil)
	require.NoError(t, err)
	back, err := mime.DecodeIndex(b)
	require.NoError(t, err)
	again, err := back.AppendBinary(nil)
	require.NoError(t, err)
	require.Equal(t, b, again)
	require.Equal(t, int64(len(msg)), back.Size)
}
