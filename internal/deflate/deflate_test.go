package deflate_test

import (
	"bytes"
	"compress/flate"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/deflate"
)

// samples are inputs that make compressors use every kind of block.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	skewed := make([]byte, 100_000) // makes code words of all lengths
	for i := range skewed {
		skewed[i] = byte(min(rnd.ExpFloat64()*12, 255))
	}
	return map[string][]byte{
		"empty":  {},
		"short":  []byte("a1 NOOP\r\n"),
		"zeros":  make([]byte, 300_000),
		"text":   []byte(strings.Repeat("* 1 FETCH (UID 1 FLAGS (\\Seen) ENVELOPE NIL)\r\n", 3000)),
		"noise":  noise,
		"skewed": skewed,
		"far":    append(append(bytes.Clone(noise[:32768]), noise[:32768]...), noise[:40000]...),
	}
}

// compressed returns data as a compressor of the standard library writes it, flushed now and then, and ended if end.
func compressed(t testing.TB, data []byte, level int, end bool) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, level)
	require.NoError(t, err)
	for i := 0; i < len(data); i += 30_000 {
		_, err = w.Write(data[i:min(i+30_000, len(data))])
		require.NoError(t, err)
		require.NoError(t, w.Flush())
	}
	if end {
		require.NoError(t, w.Close())
	}
	return out.Bytes()
}

func TestReader(t *testing.T) {
	for name, data := range samples() {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.DefaultCompression, flate.BestCompression} {
			in := compressed(t, data, level, true)
			got, err := io.ReadAll(deflate.NewReader(bytes.NewReader(in)))
			require.NoError(t, err, "%s at %d", name, level)
			require.True(t, bytes.Equal(data, got), "%s at %d", name, level)

			got, err = io.ReadAll(iotest.OneByteReader(deflate.NewReader(iotest.OneByteReader(bytes.NewReader(in)))))
			require.NoError(t, err, "%s at %d", name, level)
			require.True(t, bytes.Equal(data, got), "%s at %d, octet by octet", name, level)
		}
	}
}

// What zlib writes with Z_PARTIAL_FLUSH, which ends in the middle of an octet, is read as soon as it is there.
func TestPartialFlush(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	r := deflate.NewReader(there)
	sent := make(chan []byte, 4) // one writes all: the last octets of a step may be taken with the next
	defer close(sent)
	go func() {
		for raw := range sent {
			for i := range raw {
				_, _ = here.Write(raw[i : i+1])
			}
		}
	}()
	for _, step := range []struct{ hex, text string }{
		{"4a3454f0f3f70fe0e50208", "a1 NOOP\r\n"},
		{"a044238560571f57e710054f3f27ff085e2e8000", "a2 SELECT INBOX\r\n"},
		{"4a345608f5745170730d71f65030b4d252d000737d1cdd833579b90002", "a3 UID FETCH 1:* (UID FLAGS)\r\n"},
		{"28d1049f2c40", "a4 UID FETCH 1:* (UID FLAGS)\r\n"},
	} {
		raw, err := hex.DecodeString(step.hex)
		require.NoError(t, err)
		sent <- raw
		got := make([]byte, len(step.text))
		_ = there.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = io.ReadFull(r, got)
		require.NoError(t, err)
		require.Equal(t, step.text, string(got))
	}
}

// Every flush makes everything before it readable, with no octet more from the source.
func TestFlushedIsReadable(t *testing.T) {
	var c deflate.Compressors
	pipe := &bytes.Buffer{}
	w := c.NewWriter(pipe)
	r := deflate.NewReader(pipe)
	for i, text := range []string{"a", "a1 NOOP\r\n", strings.Repeat("x", 70_000), "", "a2 LOGOUT\r\n"} {
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
		if i%2 == 0 {
			w.Release() // the next compressor knows nothing
		}
		require.NoError(t, w.Flush())
		got := make([]byte, len(text))
		_, err = io.ReadFull(r, got)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	_, err := r.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// pieces counts what is written at once.
type pieces []int

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, len(b))
	return len(b), nil
}

// What is short is sent in one piece: there is no packet that decompresses to nothing.
func TestFlushIsOnePiece(t *testing.T) {
	var c deflate.Compressors
	var sent pieces
	w := c.NewWriter(&sent)
	for i, text := range []string{"+ idling\r\n", "* 2 EXPUNGE\r\n", "* 1 EXISTS\r\n* 1 RECENT\r\n", "a1 OK IDLE completed.\r\n"} {
		_, err := io.WriteString(w, text)
		require.NoError(t, err)
		require.NoError(t, w.Flush())
		require.Len(t, sent, i+1)
		if i == 1 {
			w.Release()
			require.Len(t, sent, i+1, "there was nothing to flush")
		}
	}
}

// A deadline that passes in the middle of anything breaks nothing.
func TestDeadline(t *testing.T) {
	text := strings.Repeat("a3 UID FETCH 1:* (UID FLAGS)\r\n", 20)
	in := compressed(t, []byte(text), flate.BestCompression, false)
	r := deflate.NewReader(&stuttering{in: in})
	var got []byte
	buf := make([]byte, 100)
	for {
		n, err := r.Read(buf)
		got = append(got, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			require.Zero(t, n)
			continue
		}
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
	}
	require.Equal(t, text, string(got))
}

// stuttering gives one octet and one timeout in turns.
type stuttering struct {
	in   []byte
	late bool
}

func (s *stuttering) Read(p []byte) (int, error) {
	if s.late = !s.late; s.late {
		return 0, os.ErrDeadlineExceeded
	}
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:1], s.in)
	s.in = s.in[n:]
	return n, nil
}

func TestCorrupt(t *testing.T) {
	for _, in := range []string{
		"07",                                 // a block of type 3
		"0000000000",                         // a stored block whose length is not confirmed
		"fcff0000",                           // 288 literals at least
		"ed7fffffffffffffffffffffffffff",     // no code
		"4b04a200",                           // a distance beyond the beginning
		"05c081080000000000209f", "0500ff00", // broken codes
	} {
		raw, err := hex.DecodeString(in)
		require.NoError(t, err)
		r := deflate.NewReader(bytes.NewReader(raw))
		_, err = io.ReadAll(r)
		require.Error(t, err, in)
		_, again := r.Read(make([]byte, 1))
		require.Error(t, again, in)
	}
	in := compressed(t, []byte("hello, world, hello, world"), flate.BestCompression, true)
	_, err := io.ReadAll(deflate.NewReader(bytes.NewReader(in[:len(in)-8])))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// FuzzReader compares with the standard library's inflate.
func FuzzReader(f *testing.F) {
	for _, data := range samples() {
		f.Add(compressed(f, data[:min(len(data), 2000)], flate.BestCompression, true))
		f.Add(compressed(f, data[:min(len(data), 2000)], flate.HuffmanOnly, false))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		const most = 1 << 20
		want, werr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(in)), most))
		got, gerr := io.ReadAll(io.LimitReader(deflate.NewReader(iotest.HalfReader(bytes.NewReader(in))), most))
		if werr == nil && (gerr != nil || !bytes.Equal(want, got)) {
			t.Fatalf("%d octets, %v; flate has %d", len(got), gerr, len(want))
		}
		if !bytes.HasPrefix(got, want) && !bytes.HasPrefix(want, got) {
			t.Fatal("another output")
		}
		if werr != nil && gerr == nil && werr != io.ErrUnexpectedEOF {
			t.Fatalf("taken, where flate says %v", werr)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	data := samples()["text"]
	in := compressed(b, data, flate.BestSpeed, true)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := io.Copy(io.Discard, deflate.NewReader(bytes.NewReader(in))); err != nil || n != int64(len(data)) {
			b.Fatal(n, err)
		}
	}
}
