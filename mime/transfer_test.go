package mime_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func readAll(t require.TestingT, r io.Reader) string {
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

func qp(t require.TestingT, s string) string {
	return readAll(t, mime.NewQuotedPrintableReader(strings.NewReader(s)))
}

func b64(t require.TestingT, s string) string {
	return readAll(t, mime.NewBase64Reader(strings.NewReader(s)))
}

func TestQuotedPrintable(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		// The example of RFC 2045 section 6.7.
		{"Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.", "Now's the time for all folk to come to the aid of their country."},
		{"a=3Db\r\n", "a=b\r\n"},
		{"=c6=B0", "ư"}, // lower case is robust, rule 1
		// rule 3: blanks at a line's end go
		{"a \t\r\nb  ", "a\r\nb"},
		{"a=20\r\n", "a \r\n"},
		{"soft = \t\r\nbreak", "soft break"},
		{"a\nb=\nc", "a\nbc"},
		// damage
		{"a=b=zz=", "a=b=zz"},
		{"100% = all\r\n", "100% = all\r\n"},
		{"a==3Db", "a==b"},
		{"a=\r\n=\r\n\r\n", "a\r\n"},
		{"8-bit \xc6\xb0", "8-bit ư"},
	} {
		require.Equal(t, c.want, qp(t, c.in), "%q", c.in)
		require.Equal(t, c.want, readAll(t, mime.NewQuotedPrintableReader(iotest.OneByteReader(strings.NewReader(c.in)))), "%q", c.in)
	}
	long := strings.Repeat("=41", 20000) + strings.Repeat("x y", 20000) + strings.Repeat(" ", 40000) + "z=\r\n!"
	require.Equal(t, strings.Repeat("A", 20000)+strings.Repeat("x y", 20000)+strings.Repeat(" ", 40000)+"z!", qp(t, long), "a line longer than any window")
}

func TestQuotedPrintableRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab .=\tFrom \nthư\x00"))).Draw(t, "text")
		s = strings.Repeat(s, rapid.IntRange(1, 20).Draw(t, "times"))
		s = strings.ReplaceAll(s, "\n", "\r\n")
		var b bytes.Buffer
		w := mime.NewQuotedPrintableWriter(&b)
		for rest := s; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			_, err := io.WriteString(w, rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\r\n")
			require.LessOrEqual(t, len(line), 76, "rule 5")
			require.False(t, strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t"), "rule 3")
			require.False(t, strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "."))
		}
		require.Equal(t, s, qp(t, b.String()))
		require.Equal(t, s, readAll(t, quotedprintable.NewReader(&b)))
	})
}

func TestBase64(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"aGVsbG8=", "hello"},
		{"aGVs\r\nbG8=\r\n", "hello"},
		{"aGVsbG8", "hello"},    // padding missing
		{"aG VsbG8!=", "hello"}, // "any characters outside of the base64 alphabet are to be ignored"
		{"YQ==YQ==", "aa"},      // two encodings joined
		{"YWI=\r\nYWI=", "abab"},
		{"Y", ""},
		{"====", ""},
	} {
		require.Equal(t, c.want, b64(t, c.in), "%q", c.in)
		require.Equal(t, c.want, readAll(t, mime.NewBase64Reader(iotest.OneByteReader(strings.NewReader(c.in)))), "%q", c.in)
	}
}

func TestBase64RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "data"), rapid.IntRange(1, 200).Draw(t, "times"))
		var b bytes.Buffer
		w := mime.NewBase64Writer(&b)
		for rest := data; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			_, err := w.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		for line := range strings.Lines(b.String()) {
			require.LessOrEqual(t, len(line), 78)
			require.True(t, strings.HasSuffix(line, "\r\n"))
		}
		want := base64.StdEncoding.EncodeToString(data)
		require.Equal(t, want, strings.ReplaceAll(b.String(), "\r\n", ""))
		require.Equal(t, string(data), b64(t, b.String()))
	})
}

func TestUUDecode(t *testing.T) {
	uu := func(s string) string { return readAll(t, mime.DecodeTransfer("X-UUEncode", strings.NewReader(s))) }
	const cat = "begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\n"
	require.Equal(t, "Cat", uu(cat))
	require.Equal(t, "Cat", uu("text before\r\n\r\n"+cat+"text after #0V%T\r\n"))
	require.Equal(t, "http://www.wikipedia.org\r\n", uu("begin 644 w\n::'1T<#HO+W=W=RYW:6MI<&5D:6$N;W)G#0H\n`\nend\n"))
	require.Equal(t, "Cat", uu("begin 644 x\nM0V%T\n"), "a line gives no more than it holds")
	require.Equal(t, "", uu("no begin\n#0V%T\n"))
	require.Equal(t, "", uu("begin 644 x\nend\n"))
	require.Equal(t, "", uu(""))
	data := bytes.Repeat([]byte("any octets \x00\xff"), 5000)
	var b strings.Builder
	b.WriteString("begin 644 big\r\n")
	for rest := data; len(rest) > 0; {
		n := min(45, len(rest))
		line := append(bytes.Clone(rest[:n]), 0, 0)
		b.WriteByte(byte(n) + ' ')
		for i := 0; i < n; i += 3 {
			for _, v := range []byte{line[i] >> 2, line[i]<<4&0x30 | line[i+1]>>4, line[i+1]<<2&0x3c | line[i+2]>>6, line[i+2] & 0x3f} {
				b.WriteByte(v + ' ')
			}
		}
		b.WriteString("\r\n")
		rest = rest[n:]
	}
	b.WriteString("`\r\nend\r\n")
	require.Equal(t, string(data), uu(b.String()))
	require.Equal(t, string(data), readAll(t, mime.NewUUReader(iotest.OneByteReader(strings.NewReader(b.String())))))
	_, err := io.ReadAll(mime.NewUUReader(iotest.ErrReader(io.ErrClosedPipe)))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

func FuzzUUDecode(f *testing.F) {
	f.Add([]byte("begin 644 x\n#0V%T\n`\nend\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		whole := readAll(t, mime.NewUUReader(bytes.NewReader(b)))
		require.Equal(t, whole, readAll(t, mime.NewUUReader(&pieceReader{b, n&15 + 1})))
		require.LessOrEqual(t, len(whole), len(b))
	})
}

func TestTransfer(t *testing.T) {
	for _, known := range []string{"", "7bit", "8BIT", "binary", "Base64", "quoted-printable"} {
		require.True(t, mime.KnownTransfer(known), known)
	}
	require.False(t, mime.KnownTransfer("x-other"))
	require.Equal(t, "a", readAll(t, mime.DecodeTransfer("BASE64", strings.NewReader("YQ=="))))
	require.Equal(t, "a", readAll(t, mime.DecodeTransfer("Quoted-Printable", strings.NewReader("=61"))))
	require.Equal(t, "a=", readAll(t, mime.DecodeTransfer("x-other", strings.NewReader("a="))))
	broken := io.ErrClosedPipe
	for _, r := range []io.Reader{mime.NewBase64Reader(iotest.ErrReader(broken)), mime.NewQuotedPrintableReader(iotest.ErrReader(broken)),
		mime.NewCharsetReader("utf-8", iotest.ErrReader(broken), nil)} {
		_, err := io.ReadAll(r)
		require.ErrorIs(t, err, broken)
		n, err := r.Read(nil)
		require.True(t, n == 0 && (err == nil || err == broken))
	}
}

func TestCharsetReader(t *testing.T) {
	text := strings.Repeat("Thư €😀 ", 3000)
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
		require.Equal(t, text, readAll(t, mime.NewCharsetReader("UTF-8", r, nil)))
	}
	require.Equal(t, "Jørn\u0080€", strings.Replace(readAll(t, mime.NewCharsetReader("iso-8859-1", strings.NewReader("J\xf8rn\x81\x80"), nil)), "\u0081", "\u0080", 1))
	require.Equal(t, "a\uFFFDb", readAll(t, mime.NewCharsetReader("utf-8", strings.NewReader("a\xffb"), nil)))
	require.Equal(t, "a\uFFFD", readAll(t, mime.NewCharsetReader("utf-8", strings.NewReader("a\xc6"), nil)))
	require.Equal(t, "Jørn", readAll(t, mime.NewCharsetReader("no-such", strings.NewReader("J\xf8rn"), nil)))
	require.Equal(t, "Jørn", mime.DecodeCharset("no-such", []byte("J\xf8rn"), nil))
	require.Equal(t, "thư", mime.DecodeCharset("us-ascii", []byte("thư"), nil))
	other := func(string, io.Reader) (io.Reader, error) { return strings.NewReader("other"), nil }
	require.Equal(t, "other", readAll(t, mime.NewCharsetReader("X-Other", strings.NewReader("x"), other)))
	require.Equal(t, "other", mime.DecodeCharset("X-Other", []byte("x"), other))
	failing := func(string, io.Reader) (io.Reader, error) { return nil, io.ErrClosedPipe }
	require.Equal(t, "x", readAll(t, mime.NewCharsetReader("X-Other", strings.NewReader("x"), failing)))
	require.Equal(t, "x", mime.DecodeCharset("X-Other", []byte("x"), failing))
}

func FuzzQuotedPrintable(f *testing.F) {
	f.Add([]byte("a=3D\r\n=\r\n \t\r\n=zz=4"), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		whole := qp(t, string(b))
		pieces := readAll(t, mime.NewQuotedPrintableReader(&pieceReader{b, n&15 + 1}))
		require.Equal(t, whole, pieces)
		var out bytes.Buffer
		w := mime.NewQuotedPrintableWriter(&out)
		w.Write(b)
		require.NoError(t, w.Close())
		want := strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n", "\r\n")
		require.Equal(t, want, qp(t, out.String()))
	})
}

func FuzzBase64(f *testing.F) {
	f.Add([]byte("aGVs\r\nbG8="), 3)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		whole := b64(t, string(b))
		require.Equal(t, whole, readAll(t, mime.NewBase64Reader(&pieceReader{b, n&15 + 1})))
		if std, err := base64.StdEncoding.DecodeString(string(b)); err == nil {
			require.Equal(t, string(std), whole)
		}
	})
}

// pieceReader gives n octets at a time.
type pieceReader struct {
	b []byte
	n int
}

func (r *pieceReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[:min(r.n, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}
