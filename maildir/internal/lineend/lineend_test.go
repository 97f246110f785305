package lineend

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// What is shown of a file is what AppendCRLF makes of it, from wherever it is read.
func TestReader(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 9))
	for range 30 {
		raw := make([]byte, rnd.IntN(300000))
		for i := range raw {
			raw[i] = "abc\r\n\n\nxyz"[rnd.IntN(10)]
		}
		var c Counter
		for rest := raw; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(5000))
			c.Write(rest[:n])
			rest = rest[n:]
		}
		want := AppendCRLF(nil, raw, false)
		require.Equal(t, int64(len(want)), c.Size+int64(c.Bare))
		r, err := NewReader(bytes.NewReader(raw), int64(len(raw)))
		require.NoError(t, err)
		require.Equal(t, int64(len(want)), r.Size())
		got, err := io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got))
		for range 10 {
			p := make([]byte, rnd.IntN(70000))
			off := rnd.Int64N(int64(len(want)) + 1)
			n, err := r.ReadAt(p, off)
			require.True(t, bytes.Equal(p[:n], want[off:off+int64(n)]))
			if n < len(p) {
				require.Equal(t, io.EOF, err)
				require.Equal(t, int64(len(want)), off+int64(n))
			}
		}
	}
	require.NoError(t, iotest.TestReader(strings.NewReader("a\r\nb\r\n"), AppendCRLF(nil, []byte("a\nb\r\n"), false)))
}

func TestWriter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 10))
	for range 300 {
		raw := make([]byte, rnd.IntN(200))
		for i := range raw {
			raw[i] = "ab\r\r\n"[rnd.IntN(5)]
		}
		var out bytes.Buffer
		w := &Writer{W: &out}
		for rest := raw; len(rest) > 0; {
			n := min(len(rest), 1+rnd.IntN(5))
			_, err := w.Write(rest[:n])
			require.NoError(t, err)
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		require.Equal(t, strings.ReplaceAll(string(raw), "\r\n", "\n"), out.String(), "%q", raw)
	}
}
