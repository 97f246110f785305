package wire_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/wire"
)

func TestReadLine(t *testing.T) {
	r := wire.NewReader(strings.NewReader("one\r\n\r\nthree\r\nrest"), 0)
	for _, want := range []string{"one", "", "three"} {
		line, err := r.ReadLine(512)
		require.NoError(t, err)
		require.Equal(t, want, string(line))
	}
	_, err := r.ReadLine(512)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = wire.NewReader(strings.NewReader(""), 0).ReadLine(512)
	require.ErrorIs(t, err, io.EOF)
}

func TestReadLineBareEnds(t *testing.T) {
	const in = "a\nb\rc\r\nd\r\r\ne\r\n"
	r := wire.NewReader(strings.NewReader(in), 0)
	_, err := r.ReadLine(512)
	require.ErrorIs(t, err, wire.ErrBareLF)
	_, err = r.ReadLine(512)
	require.ErrorIs(t, err, wire.ErrBareCR)
	_, err = r.ReadLine(512)
	require.ErrorIs(t, err, wire.ErrBareCR)
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "e", string(line))

	r = wire.NewReader(strings.NewReader(in), 0)
	r.LineEnd = wire.LF
	line, err = r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "a", string(line))
	_, err = r.ReadLine(512)
	require.ErrorIs(t, err, wire.ErrBareCR)
}

// RFC 5321 section 4.5.3.1.4: "The maximum total length of a command line including the command word and the <CRLF> is 512 octets."
func TestReadLineLimit(t *testing.T) {
	for _, slow := range []bool{false, true} {
		for _, n := range []int{510, 511, 600, 1 << 10, 5 << 10, 40 << 10, 200 << 10} {
			var src io.Reader = strings.NewReader(strings.Repeat("x", n) + "\r\nnext\r\n")
			if slow {
				src = iotest.OneByteReader(src)
			}
			r := wire.NewReader(src, 0)
			line, err := r.ReadLine(512)
			if n == 510 {
				require.NoError(t, err)
				require.Len(t, line, n)
			} else {
				require.ErrorIs(t, err, wire.ErrLineTooLong)
			}
			line, err = r.ReadLine(512)
			require.NoError(t, err)
			require.Equal(t, "next", string(line))
		}
	}
}

// A line may be as long as the buffer, which is borrowed only for that.
func TestReadLongLine(t *testing.T) {
	for _, size := range []int{0, 4 << 10} {
		want := strings.Repeat("y", 4<<10-2)
		r := wire.NewReader(iotest.HalfReader(strings.NewReader("a\r\n"+want+"\r\nb\r\n")), size)
		for _, w := range []string{"a", want, "b"} {
			line, err := r.ReadLine(1 << 20)
			require.NoError(t, err)
			require.Equal(t, w, string(line))
		}
	}
}

func TestReadMixesWithLines(t *testing.T) {
	r := wire.NewReader(strings.NewReader("BDAT 5\r\nhelloNOOP\r\n"), 0)
	_, err := r.ReadLine(512)
	require.NoError(t, err)
	b := make([]byte, 5)
	_, err = io.ReadFull(r, b)
	require.NoError(t, err)
	require.Equal(t, "hello", string(b))
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "NOOP", string(line))
	require.Zero(t, r.Buffered())
}

// RFC 3207 section 6: what came before TLS must not be taken for something under it.
func TestDiscard(t *testing.T) {
	r := wire.NewReader(strings.NewReader("STARTTLS\r\nMAIL FROM:<evil@c.test>\r\n"), 0)
	_, err := r.ReadLine(512)
	require.NoError(t, err)
	require.NotZero(t, r.Buffered())
	require.Equal(t, "MAIL", string(r.Peek()[:4]))
	r.Discard()
	require.Zero(t, r.Buffered())
	r.Reset(strings.NewReader("EHLO\r\n"))
	line, err := r.ReadLine(512)
	require.NoError(t, err)
	require.Equal(t, "EHLO", string(line))
}

func TestBeforeRead(t *testing.T) {
	calls := 0
	r := wire.NewReader(strings.NewReader("a\r\nb\r\n"), 0)
	r.BeforeRead = func() error { calls++; return nil }
	_, _ = r.ReadLine(512)
	_, _ = r.ReadLine(512)
	require.Equal(t, 1, calls, "the second line was there already")
	stop := errors.New("stop")
	r.BeforeRead = func() error { return stop }
	_, err := r.ReadLine(512)
	require.ErrorIs(t, err, stop)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestNoProgress(t *testing.T) {
	_, err := wire.NewReader(stuck{}, 0).ReadLine(512)
	require.ErrorIs(t, err, io.ErrNoProgress)
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("EHLO x\r\nMAIL FROM:<a>\nX\rY\r\n"), 20, false)
	f.Fuzz(func(t *testing.T, in []byte, max int, lf bool) {
		if max < 2 || max > 4096 {
			return
		}
		r := wire.NewReader(iotest.HalfReader(bytes.NewReader(in)), 0)
		if lf {
			r.LineEnd = wire.LF
		}
		rest := in
		for {
			line, err := r.ReadLine(max)
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				require.True(t, err == io.EOF || err == io.ErrUnexpectedEOF || err == wire.ErrLineTooLong, "%v", err)
				return
			}
			raw := rest[:i+1]
			rest = rest[i+1:]
			want := bytes.TrimSuffix(raw[:i], []byte("\r"))
			switch {
			case len(raw) > max:
				require.ErrorIs(t, err, wire.ErrLineTooLong)
			case !lf && !bytes.HasSuffix(raw, []byte("\r\n")):
				require.ErrorIs(t, err, wire.ErrBareLF)
			case bytes.Contains(want, []byte("\r")):
				require.ErrorIs(t, err, wire.ErrBareCR)
			default:
				require.NoError(t, err)
				require.Equal(t, string(want), string(line))
			}
		}
	})
}

func BenchmarkReadLine(b *testing.B) {
	in := strings.Repeat("RCPT TO:<somebody@example.test>\r\n", 100)
	src := strings.NewReader(in)
	r := wire.NewReader(src, 0)
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		src.Reset(in)
		r.Reset(src)
		for {
			if _, err := r.ReadLine(512); err != nil {
				break
			}
		}
	}
}
