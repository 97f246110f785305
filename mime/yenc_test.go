package mime_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

// yenc writes data as the draft says: "O = (I+42) % 256", and NUL, LF, CR and "=" escaped.
func yenc(data []byte, name string, line int) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "=ybegin line=%d size=%d name=%s\r\n", line, len(data), name)
	n := 0
	for _, c := range data {
		c += 42
		if c == 0 || c == '\n' || c == '\r' || c == '=' {
			b.WriteByte('=')
			c += 64
			n++
		}
		b.WriteByte(c)
		if n++; n >= line {
			b.WriteString("\r\n")
			n = 0
		}
	}
	if n > 0 {
		b.WriteString("\r\n")
	}
	fmt.Fprintf(&b, "=yend size=%d crc32=%08x\r\n", len(data), crc32.ChecksumIEEE(data))
	return b.String()
}

func TestYEncRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 9000).Draw(t, "data")
		text := "words before\r\n" + yenc(data, "a file.bin", rapid.SampledFrom([]int{64, 128, 254, 100_000}).Draw(t, "line")) + "words after\r\n"
		y := mime.NewYEncReader(iotest.HalfReader(strings.NewReader(text)))
		got, err := io.ReadAll(y)
		require.NoError(t, err)
		require.Equal(t, data, got)
		require.NoError(t, y.Check())
		require.Equal(t, mime.YEncHeader{Name: "a file.bin", Size: int64(len(data))}, y.Header())
	})
}

// "=ypart begin=1 end=100000": "The size and crc32 of the part" are pcrc32's and size's in =yend.
func TestYEncPart(t *testing.T) {
	part := []byte("the second part")
	text := yenc(part, "x", 128)
	text = strings.Replace(text, fmt.Sprintf("line=128 size=%d", len(part)), "part=2 total=3 line=128 size=45", 1)
	text = strings.Replace(text, "name=x\r\n", "name=joystick.jpg\r\n=ypart begin=16 end=30\r\n", 1)
	text = strings.Replace(text, "crc32=", "part=2 crc32=deadbeef pcrc32=", 1)
	y := mime.NewYEncReader(strings.NewReader(text))
	got, err := io.ReadAll(y)
	require.NoError(t, err)
	require.Equal(t, part, got)
	require.NoError(t, y.Check())
	require.Equal(t, mime.YEncHeader{Name: "joystick.jpg", Size: 45, Part: 2, Total: 3, Begin: 16, End: 30}, y.Header())
}

func TestYEncDamage(t *testing.T) {
	good := yenc([]byte("content"), "x", 128)
	for name, text := range map[string]string{
		"no trailer":    good[:strings.Index(good, "=yend")],
		"wrong size":    strings.Replace(good, "=yend size=7", "=yend size=8", 1),
		"wrong crc":     good[:strings.Index(good, "crc32=")] + "crc32=00000000\r\n",
		"no crc at all": good[:strings.Index(good, "crc32=")] + "crc32=zz\r\n",
	} {
		y := mime.NewYEncReader(strings.NewReader(text))
		got, err := io.ReadAll(y)
		require.NoError(t, err, name)
		require.Equal(t, "content", string(got), name)
		require.ErrorIs(t, y.Check(), mime.ErrYEnc, name)
	}
	y := mime.NewYEncReader(strings.NewReader("no file\r\n=yend size=0\r\n"))
	got, err := io.ReadAll(y)
	require.NoError(t, err)
	require.Empty(t, got)
	require.ErrorIs(t, y.Check(), mime.ErrYEnc)
	_, err = io.ReadAll(mime.NewYEncReader(iotest.ErrReader(io.ErrClosedPipe)))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// A part with the encoding x-yenc is opened as a file.
func TestYEncPartOfMessage(t *testing.T) {
	msg := "Content-Type: application/octet-stream; name=x\r\nContent-Transfer-Encoding: x-yenc\r\n\r\n" + yenc([]byte("content"), "x", 128)
	ix := index(t, msg)
	require.Empty(t, ix.Problems)
	got, err := io.ReadAll(ix.Root.Open(strings.NewReader(msg)))
	require.NoError(t, err)
	require.Equal(t, "content", string(got))
	require.True(t, mime.KnownTransfer("x-yenc"))
}

func FuzzYEnc(f *testing.F) {
	f.Add([]byte(yenc([]byte("abc=\x00"), "n", 64)))
	f.Add([]byte("=ybegin part=1 line=128 size=99999999999999999999 name=\r\n=ypart begin=x\r\n=yend"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := io.ReadAll(mime.NewYEncReader(bytes.NewReader(b)))
		require.NoError(t, err)
		require.LessOrEqual(t, len(got), len(b))
		one, err := io.ReadAll(mime.NewYEncReader(iotest.OneByteReader(bytes.NewReader(b))))
		require.NoError(t, err)
		require.Equal(t, got, one)
	})
}

func BenchmarkYEnc(b *testing.B) {
	in := []byte(yenc(bytes.Repeat([]byte("0123456789abcdef\x00\xff"), 40_000), "x", 128))
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if n, err := io.Copy(io.Discard, mime.NewYEncReader(bytes.NewReader(in))); err != nil || n != 18*40_000 {
			b.Fatal(n, err)
		}
	}
}
