package mime_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

func TestLimits(t *testing.T) {
	build := func(msg string, lim *mime.Limits) *mime.Index {
		ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), lim)
		require.NoError(t, err)
		checkIndex(t, ix, msg)
		return ix
	}
	has := func(ix *mime.Index, k mime.ProblemKind) {
		t.Helper()
		for _, p := range ix.Problems {
			if p.Kind == k {
				return
			}
		}
		t.Fatalf("no %q in %v", k, ix.Problems)
	}
	var deep strings.Builder
	for i := range 200 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	ix := build(deep.String(), nil)
	has(ix, mime.ProblemTooDeep)
	depth := 0
	for p := ix.Root; p.IsMultipart(); p = p.Parts[0] {
		depth++
	}
	require.Equal(t, 99, depth)

	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 500) + "--b--\r\n"
	ix = build(many, &mime.Limits{Parts: 100})
	has(ix, mime.ProblemTooManyParts)
	require.Len(t, ix.Root.Parts, 99)

	ix = build("Subject: "+strings.Repeat("x", 5000)+"\r\n\r\nbody", &mime.Limits{HeaderBytes: 1000})
	has(ix, mime.ProblemHeaderTooLong)
	require.Equal(t, int64(4), ix.Root.Body.Size)
	ix = build("Subject: "+strings.Repeat("x", 5000)+"\r\n\r\nbody", &mime.Limits{FieldBytes: 1000})
	has(ix, mime.ProblemValueTooLong)
	require.Len(t, ix.Root.Envelope.Subject.Value, 1000)
	ix = build(strings.Repeat("X: y\r\n", 50)+"\r\nbody", &mime.Limits{Fields: 10})
	has(ix, mime.ProblemHeaderTooLong)
	ix = build("To: "+strings.Repeat("a@b,", 50)+"\r\n\r\nbody", &mime.Limits{Addresses: 10})
	has(ix, mime.ProblemAddress)
	require.Len(t, ix.Root.Envelope.To, 10)
	ix = build("A: b\r\n"+strings.Repeat("bad\r\n", 50)+"\r\nbody", &mime.Limits{Problems: 7})
	require.Len(t, ix.Problems, 7)
}

// 100,000 parts and 10,000 levels: the defaults keep the index small, and the time is linear.
func TestHostileStructure(t *testing.T) {
	var deep strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 100_000)
	for name, msg := range map[string]string{"deep": deep.String(), "many": many} {
		for _, lim := range []*mime.Limits{nil, {Depth: 20_000, Parts: 200_000}} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), lim)
			require.NoError(t, err)
			runtime.ReadMemStats(&after)
			require.Less(t, time.Since(start), 5*time.Second, name)
			if lim == nil {
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), name)
			}
			b, err := ix.AppendBinary(nil)
			require.NoError(t, err)
			back, err := mime.DecodeIndex(b)
			require.NoError(t, err)
			require.Equal(t, len(ix.Root.Parts), len(back.Root.Parts))
		}
	}
}

func TestPartOpen(t *testing.T) {
	r := strings.NewReader(sectionExample)
	ix := index(t, sectionExample)
	require.Equal(t, "\x00\x01\x02", readAll(t, ix.Part(2).Open(r)))
	require.Contains(t, readAll(t, ix.Part(3).Open(r)), "Subject: three\r\n")
	require.Equal(t, "one", readAll(t, ix.Part(1).OpenText(r, nil)))
	n := 0
	for p := range ix.Root.Leaves() {
		require.False(t, p.IsMultipart())
		if n++; n == 8 {
			break
		}
	}
	require.Equal(t, 8, n)
	for p := range ix.Part(1).Leaves() {
		require.Same(t, ix.Part(1), p)
	}
}

// shortReaderAt gives its octets one at a time, so that every edge of the window is met.
type shortReaderAt struct{ s string }

func (r shortReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(r.s)) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 1)], r.s[off:])
	if n < len(p) && off+int64(n) == int64(len(r.s)) {
		return n, io.EOF
	}
	return n, nil
}

func TestWindow(t *testing.T) {
	want := index(t, sectionExample)
	got, err := mime.BuildIndex(shortReaderAt{sectionExample}, int64(len(sectionExample)), nil)
	require.NoError(t, err)
	require.Equal(t, want, got)

	// A large message whose delimiter lines fall on every place of the window's edge.
	for shift := range 40 {
		body := strings.Repeat("x", 65536-50-shift)
		msg := "Content-Type: multipart/mixed; boundary=bound\r\n\r\n--bound\r\n\r\n" + body + "\r\n--bound\r\n\r\n" + body + "\r\n--bound--\r\n" + body
		ix := index(t, msg)
		require.Len(t, ix.Root.Parts, 2)
		require.Equal(t, int64(len(body)), ix.Root.Parts[0].Body.Size)
		require.Equal(t, int64(len(body)), ix.Root.Parts[1].Body.Size)
	}
}

func TestReadErrors(t *testing.T) {
	_, err := mime.BuildIndex(strings.NewReader("Subject: x\r\n"), 100, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestDecodeIndexRefusesDamage(t *testing.T) {
	b, err := index(t, sectionExample).AppendBinary(nil)
	require.NoError(t, err)
	for i := range b {
		_, err := mime.DecodeIndex(b[:i])
		require.Error(t, err)
		env, err := mime.DecodeEnvelope(b[:i])
		require.Equal(t, err == nil, env != nil)
	}
	_, err = mime.DecodeIndex(append(bytes.Clone(b), 0))
	require.ErrorIs(t, err, mime.ErrIndexDamaged)
	b[0]++
	_, err = mime.DecodeIndex(b)
	require.ErrorIs(t, err, mime.ErrIndexVersion)
	_, err = mime.DecodeEnvelope(b)
	require.ErrorIs(t, err, mime.ErrIndexVersion)
}

// Whatever is in a damaged index, reading it neither fails loudly nor leads outside the message.
func FuzzDecodeIndex(f *testing.F) {
	for _, msg := range []string{sectionExample, crlf(letter), "", "Subject: x\r\n\r\n\x00"} {
		ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
		require.NoError(f, err)
		b, err := ix.AppendBinary(nil)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ix, err := mime.DecodeIndex(b)
		if err != nil {
			require.True(t, errors.Is(err, mime.ErrIndexDamaged) || errors.Is(err, mime.ErrIndexVersion))
			return
		}
		var check func(p *mime.Part)
		check = func(p *mime.Part) {
			for _, s := range []mime.Span{p.Header, p.Body} {
				require.True(t, s.Offset >= 0 && s.Size >= 0 && s.End() <= ix.Size)
			}
			for _, c := range p.Parts {
				check(c)
			}
			if p.Message != nil {
				check(p.Message)
			}
		}
		check(ix.Root)
		again, err := ix.AppendBinary(nil)
		require.NoError(t, err)
		_, err = mime.DecodeIndex(again)
		require.NoError(t, err)
		if ix.Root.Envelope != nil {
			env, err := mime.DecodeEnvelope(b)
			require.NoError(t, err)
			require.Equal(t, ix.Root.Envelope, env)
		}
	})
}
