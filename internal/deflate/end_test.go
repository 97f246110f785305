package deflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/deflate"
)

const lastLine = "x UNAUTHENTICATE\r\n"

// ends are the octets by which compressors end their stream behind lastLine, at the border of an octet.
func ends(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	for name, end := range map[string]func(*flate.Writer) error{
		"flushed": (*flate.Writer).Flush,
		"closed":  (*flate.Writer).Close,
		"flushed and closed": func(w *flate.Writer) error {
			require.NoError(t, w.Flush())
			return w.Close()
		},
	} {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		require.NoError(t, err)
		_, err = io.WriteString(w, lastLine)
		require.NoError(t, err)
		require.NoError(t, end(w))
		out[name] = b.Bytes()
	}
	var b bytes.Buffer
	w := new(deflate.Compressors).NewWriter(&b)
	_, err := io.WriteString(w, lastLine)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	out["ours"] = b.Bytes()
	return out
}

// RFC 8437 section 4.1: "The client terminates its outgoing compression layer after the CRLF following the UNAUTHENTICATE command."
func TestEnd(t *testing.T) {
	for name, in := range ends(t) {
		for _, rest := range []string{"", "a", "a LOGIN alice secret\r\n", strings.Repeat("x", 20_000)} {
			for _, src := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, func(r io.Reader) io.Reader { return r }} {
				behindEnd(t, name, src(bytes.NewReader(append(bytes.Clone(in), rest...))), rest)
			}
		}
	}
}

// behindEnd reads lastLine from in, and requires rest behind it.
func behindEnd(t *testing.T, name string, in io.Reader, rest string) {
	r := deflate.NewReader(in)
	line := make([]byte, len(lastLine))
	_, err := io.ReadFull(r, line)
	require.NoError(t, err)
	require.Equal(t, lastLine, string(line))
	r.End()
	got, err := io.ReadAll(r)
	require.NoError(t, err, name)
	require.Equal(t, rest, string(got), name)
	require.True(t, r.Plain() || rest == "", name)
}

// zlib's own ways to end: a synchronizing flush, an end, both.
func TestEndOfZlib(t *testing.T) {
	for _, end := range []string{"c.flush(zlib.Z_SYNC_FLUSH)", "c.flush(zlib.Z_FULL_FLUSH)", "c.flush()", "c.flush(zlib.Z_SYNC_FLUSH)+c.flush()"} {
		in, err := exec.Command("python3", "-c", `import sys,zlib
c=zlib.compressobj(9,zlib.DEFLATED,-15)
sys.stdout.buffer.write(c.compress(b"x UNAUTHENTICATE\r\n")+`+end+`+b"a NOOP\r\n")`).Output()
		if err != nil {
			t.Skip("python3 is not there:", err)
		}
		behindEnd(t, end, bytes.NewReader(in), "a NOOP\r\n")
	}
}

// Compressed data behind the end is not taken for something else.
func TestBehindEnd(t *testing.T) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	_, err = io.WriteString(w, lastLine+"a NOOP\r\n")
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	r := deflate.NewReader(&b)
	_, err = io.ReadFull(r, make([]byte, len(lastLine)))
	require.NoError(t, err)
	r.End()
	_, err = io.ReadAll(r)
	require.ErrorIs(t, err, deflate.ErrBehindEnd)
}
