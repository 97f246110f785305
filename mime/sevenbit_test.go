package mime_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/buuta/mail/mime"
	"github.com/stretchr/testify/require"
)

// contents are what a message's leaves hold, decoded.
func contents(t *testing.T, msg []byte) (out []string) {
	t.Helper()
	ix, err := mime.BuildIndex(bytes.NewReader(msg), int64(len(msg)), nil)
	require.NoError(t, err)
	for p := range ix.Root.Leaves() {
		b, err := io.ReadAll(p.Open(bytes.NewReader(msg)))
		require.NoError(t, err)
		out = append(out, p.Type+"/"+p.Subtype+": "+string(b))
	}
	return out
}

// RFC 6152 section 3: what can't go on as 8bit is converted "to 7bit MIME encoding", and says the same.
func TestSevenBit(t *testing.T) {
	crlf := func(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }
	for name, msg := range map[string][]byte{
		"text":        crlf("Subject: s\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding:\n 8bit\nX: y\n\nxin chào\n\nhết = end \n"),
		"no MIME":     crlf("Subject: s\n\nch\xe0o\n"),
		"long line":   crlf("Subject: s\n\n" + strings.Repeat("a", 2000) + "\n"),
		"binary":      []byte("Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x01\r\x02\n\xff"),
		"parts":       crlf("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\npreamble\n--b\n\nă\n--b\nContent-Type: text/html\n\nplain\n--b\nContent-Type: image/x\nContent-Transfer-Encoding: 8bit\n\n\xff\xfe\n--b--\nepilogue\n"),
		"in message":  crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: inner\nContent-Transfer-Encoding: 8bit\n\nđược\n--b--\n"),
		"broken QP":   crlf("Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A0 \xc3\xa0\n"),
		"bare LF too": []byte("Subject: s\n\nă\n"),
	} {
		out, err := mime.SevenBit(msg)
		require.NoError(t, err, name)
		for _, line := range bytes.Split(out, []byte("\r\n")) {
			require.LessOrEqual(t, len(line), 998, name)
		}
		for _, c := range out {
			require.True(t, c < 0x80 && c != 0, name)
		}
		want, got := contents(t, msg), contents(t, out)
		if name == "bare LF too" {
			want = []string{"text/plain: ă\r\n"}
		}
		require.Equal(t, want, got, name)
		require.Equal(t, 1, max(1, bytes.Count(bytes.ToLower(out), []byte("content-transfer-encoding: quoted-printable"))), name)
	}
	same := crlf("Subject: s\n\nhello\n")
	out, err := mime.SevenBit(same)
	require.NoError(t, err)
	require.Equal(t, same, out)
	signed := crlf("Content-Type: multipart/signed; boundary=b\n\n--b\n\nă\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n")
	out, err = mime.SevenBit(signed)
	require.NoError(t, err)
	require.Equal(t, signed, out, "the signature would be wrong")
}

func FuzzSevenBit(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\xc4\x83\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\n\xff\r\n--b--\r\n"))
	f.Add([]byte("\r\n\xff"))
	f.Add([]byte("Content-Transfer-Encoding: base64\r\n\r\n/\xff/8="))
	f.Fuzz(func(t *testing.T, msg []byte) {
		out, err := mime.SevenBit(msg)
		if err != nil {
			t.Fatal(err)
		}
		again, err := mime.SevenBit(out)
		if err != nil {
			t.Fatal(err)
		}
		// What could be converted was converted the first time.
		if a, b := countLeaves(out), countLeaves(again); a != b {
			t.Fatalf("%d leaves, then %d of\n%q\n%q", a, b, out, again)
		}
	})
}

func countLeaves(msg []byte) (n int) {
	ix, err := mime.BuildIndex(bytes.NewReader(msg), int64(len(msg)), nil)
	if err != nil {
		return -1
	}
	for range ix.Root.Leaves() {
		n++
	}
	return n
}
