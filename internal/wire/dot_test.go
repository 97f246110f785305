package wire_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/internal/wire"
)

func readDot(in string, bare wire.BareEnds) (string, string, error) {
	r := wire.NewReader(strings.NewReader(in), 0)
	b, err := io.ReadAll(wire.NewDotReader(r, bare))
	rest, _ := io.ReadAll(r)
	return string(b), string(rest), err
}

// RFC 5321 section 4.5.2: "If the line is composed of a single period, it is treated as the end of mail indicator. If the first
// character is a period and there are other characters on the line, the first character is deleted."
func TestDotReader(t *testing.T) {
	for in, want := range map[string]string{
		".\r\nQUIT":                                  "",
		"a\r\n.\r\nQUIT":                             "a\r\n",
		"..\r\n..a\r\n.\r\nQUIT":                     ".\r\n.a\r\n",
		".a\r\n.\r\nQUIT":                            "a\r\n",
		"\r\n\r\n.\r\nQUIT":                          "\r\n\r\n",
		"a.\r\nb\r\n.\r\nQUIT":                       "a.\r\nb\r\n",
		strings.Repeat("x", 99999) + "\r\n.\r\nQUIT": strings.Repeat("x", 99999) + "\r\n",
	} {
		got, rest, err := readDot(in, wire.RejectBare)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, "QUIT", rest)
	}
}

// RFC 5321 section 4.1.1.4: "the custom of accepting lines ending only in <LF>, as a concession to non-conforming behavior on the
// part of some UNIX systems, has proven to cause more interoperability problems than it solves, and SMTP server systems
// MUST NOT do this". Each of these ends was taken for the end of a message by some server and not by others.
func TestOnlyCRLFDotCRLFEnds(t *testing.T) {
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\n.\r\r\n", "\r\n.\n\r\n", "\r\n.\x00\r\n"} {
		in := "x" + end + "MAIL FROM:<evil@c.test>\r\n.\r\nQUIT"
		for _, bare := range []wire.BareEnds{wire.RejectBare, wire.NormalizeBare, wire.KeepBare} {
			got, rest, err := readDot(in, bare)
			require.Equal(t, "QUIT", rest, "%q", end)
			switch {
			case bare != wire.RejectBare:
				require.NoError(t, err)
				require.Contains(t, got, "MAIL FROM:<evil@c.test>\r\n", "%q", end)
			case strings.Contains(end, "\x00"):
				require.NoError(t, err)
			default:
				require.Error(t, err, "%q", end)
			}
			if bare == wire.NormalizeBare {
				stray := strings.ReplaceAll(got, "\r\n", "")
				require.NotContains(t, stray, "\r")
				require.NotContains(t, stray, "\n")
			}
		}
	}
}

// go-smtp 0.25.1 dropped the CR here: ".\rX" arrived as "X".
func TestDotCR(t *testing.T) {
	got, _, err := readDot(".\rX\r\n.\r\n", wire.KeepBare)
	require.NoError(t, err)
	require.Equal(t, "\rX\r\n", got)
}

func TestDotReaderCutShort(t *testing.T) {
	for _, in := range []string{"", "a", "a\r", "a\r\n", "a\r\n.", "a\r\n.\r", ".", "..\r\n"} {
		_, _, err := readDot(in, wire.RejectBare)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%q", in)
	}
}

func TestDotReaderReportsAfterTheEnd(t *testing.T) {
	r := wire.NewReader(strings.NewReader("a\nb\rc\r\n.\r\nNOOP\r\n"), 0)
	d := wire.NewDotReader(r, wire.RejectBare)
	_, err := io.ReadAll(d)
	require.ErrorIs(t, err, wire.ErrBareLF)
	require.True(t, d.Done())
	_, err = d.Read(make([]byte, 1))
	require.ErrorIs(t, err, wire.ErrBareLF)
	line, err := r.ReadLine(100)
	require.NoError(t, err)
	require.Equal(t, "NOOP", string(line))
}

func TestWriteToPassesErrorsOn(t *testing.T) {
	boom := errors.New("boom")
	d := wire.NewDotReader(wire.NewReader(strings.NewReader("a\r\n.\r\n"), 0), wire.RejectBare)
	_, err := d.WriteTo(writerFunc(func([]byte) (int, error) { return 0, boom }))
	require.ErrorIs(t, err, boom)
	d = wire.NewDotReader(wire.NewReader(strings.NewReader("a\r\n"), 0), wire.RejectBare)
	_, err = d.WriteTo(io.Discard)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestDotWriter(t *testing.T) {
	for in, want := range map[string]string{
		"":             ".\r\n",
		"a":            "a\r\n.\r\n",
		"a\r\n":        "a\r\n.\r\n",
		".\r\n":        "..\r\n.\r\n",
		"a\r\n.b\r\n":  "a\r\n..b\r\n.\r\n",
		"a\n.\nb":      "a\r\n..\r\nb\r\n.\r\n",
		"a\r.\rb":      "a . b\r\n.\r\n",
		"a\r\r\n.":     "a \r\n..\r\n.\r\n",
		"a\r":          "a\r\n.\r\n",
		"\r\n.\r":      "\r\n..\r\n.\r\n",
		"a\n.\r\nMAIL": "a\r\n..\r\nMAIL\r\n.\r\n",
	} {
		var b bytes.Buffer
		w := wire.NewDotWriter(&b)
		n, err := io.WriteString(w, in)
		require.NoError(t, err)
		require.Equal(t, len(in), n)
		require.NoError(t, w.Close())
		require.Equal(t, want, b.String(), "%q", in)
		require.Equal(t, want, string(writeModel([]byte(in))), "the model: %q", in)
	}
}

func TestDotWriterError(t *testing.T) {
	boom := errors.New("boom")
	w := wire.NewDotWriter(writerFunc(func([]byte) (int, error) { return 0, boom }))
	_, err := io.WriteString(w, "a\r\n.b")
	require.ErrorIs(t, err, boom)
	require.ErrorIs(t, w.Close(), boom)
}

// sample draws text that is all corners.
func sample(t *rapid.T) []byte {
	parts := rapid.SliceOf(rapid.SampledFrom([]string{"\r\n", "\r\n.", ".", "\r", "\n", "x", "\r\n.\r\n", "hello", strings.Repeat("y", 70),
		"\r\n.\r", "\x00", strings.Repeat("z", 5000)})).Draw(t, "parts")
	return []byte(strings.Join(parts, ""))
}

// checkReader compares what is read, by single octets or, behind the first few, by WriteTo, with the model.
func checkReader(t require.TestingT, in []byte, bare wire.BareEnds, src io.Reader, writeTo bool, first int) {
	want, wantRest, stray, complete := readModel(in, bare)
	r := wire.NewReader(src, 0)
	d := wire.NewDotReader(r, bare)
	var got bytes.Buffer
	var err error
	if writeTo {
		if _, err = got.ReadFrom(iotest.OneByteReader(io.LimitReader(d, int64(first)))); err == nil {
			_, err = d.WriteTo(&got)
		}
	} else {
		_, err = got.ReadFrom(iotest.OneByteReader(d))
	}
	switch {
	case !complete:
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		return
	case stray != nil:
		require.ErrorIs(t, err, stray)
	default:
		require.NoError(t, err)
		require.Equal(t, string(want), got.String())
	}
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, string(wantRest), string(rest))
}

func TestDotReaderModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := sample(t)
		bare := rapid.SampledFrom([]wire.BareEnds{wire.RejectBare, wire.NormalizeBare, wire.KeepBare}).Draw(t, "bare")
		var src io.Reader = bytes.NewReader(in)
		if rapid.Bool().Draw(t, "slow") {
			src = iotest.HalfReader(src)
		}
		checkReader(t, in, bare, src, rapid.Bool().Draw(t, "writeTo"), rapid.IntRange(0, 20).Draw(t, "first"))
	})
}

func TestDotWriterModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := sample(t)
		var b bytes.Buffer
		w := wire.NewDotWriter(&b)
		for rest := in; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		require.Equal(t, string(writeModel(in)), b.String())
	})
}

// What DotWriter writes, DotReader reads, without a stray line end.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		w := wire.NewDotWriter(&b)
		_, _ = w.Write(sample(t))
		require.NoError(t, w.Close())
		wireForm := b.String()
		content, rest, err := readDot(wireForm, wire.RejectBare)
		require.NoError(t, err)
		require.Empty(t, rest)
		var again bytes.Buffer
		w = wire.NewDotWriter(&again)
		_, _ = io.WriteString(w, content)
		require.NoError(t, w.Close())
		require.Equal(t, wireForm, again.String())
	})
}

// What Read has begun WriteTo goes on with, also between the CR and the LF that were made of one bare LF.
func TestWriteToGoesOn(t *testing.T) {
	const in = "ab\ncd\n\r\n.\r\n"
	want, err := io.ReadAll(wire.NewDotReader(wire.NewReader(strings.NewReader(in), 0), wire.NormalizeBare))
	require.NoError(t, err)
	for n := range len(want) + 1 {
		d := wire.NewDotReader(wire.NewReader(strings.NewReader(in), 0), wire.NormalizeBare)
		var got bytes.Buffer
		for range n {
			_, err := io.CopyN(&got, struct{ io.Reader }{d}, 1)
			require.NoError(t, err)
		}
		_, err := d.WriteTo(&got)
		require.NoError(t, err)
		require.Equal(t, string(want), got.String(), "after %d octets", n)
	}
}

func FuzzDotReader(f *testing.F) {
	f.Add([]byte("a\r\n.\r\nQUIT\r\n"), byte(0))
	f.Add([]byte("a\n.\r\n..b\r.\r\n.\r\n"), byte(1))
	f.Fuzz(func(t *testing.T, in []byte, mode byte) {
		checkReader(t, in, wire.BareEnds(mode%3), bytes.NewReader(in), mode&4 != 0, int(mode>>3))
		checkReader(t, in, wire.BareEnds(mode%3), iotest.OneByteReader(bytes.NewReader(in)), mode&4 == 0, int(mode>>3))
	})
}

func FuzzDotWriter(f *testing.F) {
	f.Add([]byte("a\r\n.\r\nQUIT\r\n"), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		var b bytes.Buffer
		w := wire.NewDotWriter(&b)
		for rest := in; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		require.NoError(t, w.Close())
		require.Equal(t, string(writeModel(in)), b.String())
	})
}

// mailText is n bytes of lines of the usual length, some beginning with a dot.
func mailText(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(strings.Repeat("a", 60+rnd.IntN(18)))
		b.WriteString("\r\n")
		if rnd.IntN(200) == 0 {
			b.WriteByte('.')
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

func BenchmarkDotReader(b *testing.B) {
	var stuffed bytes.Buffer
	w := wire.NewDotWriter(&stuffed)
	_, _ = w.Write(mailText(1 << 20))
	_ = w.Close()
	src := bytes.NewReader(stuffed.Bytes())
	r := wire.NewReader(src, 0)
	buf := make([]byte, 32<<10)
	b.SetBytes(int64(stuffed.Len()))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(stuffed.Bytes())
		r.Reset(src)
		d := wire.NewDotReader(r, wire.RejectBare)
		for {
			if _, err := d.Read(buf); err != nil {
				break
			}
		}
	}
}

func BenchmarkDotReaderWriteTo(b *testing.B) {
	var stuffed bytes.Buffer
	w := wire.NewDotWriter(&stuffed)
	_, _ = w.Write(mailText(1 << 20))
	_ = w.Close()
	src := bytes.NewReader(stuffed.Bytes())
	r := wire.NewReader(src, 0)
	b.SetBytes(int64(stuffed.Len()))
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(stuffed.Bytes())
		r.Reset(src)
		_, _ = wire.NewDotReader(r, wire.RejectBare).WriteTo(io.Discard)
	}
}

func BenchmarkDotWriter(b *testing.B) {
	text := mailText(1 << 20)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		w := wire.NewDotWriter(io.Discard)
		for rest := text; len(rest) > 0; {
			n := min(32<<10, len(rest))
			_, _ = w.Write(rest[:n])
			rest = rest[n:]
		}
		_ = w.Close()
	}
}

// Text that is nothing but stray CRs must not cost more than a small multiple.
func BenchmarkDotReaderStrayCR(b *testing.B) {
	text := append(bytes.Repeat([]byte("\rx"), 1<<19), "\r\n.\r\n"...)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r := wire.NewReader(bytes.NewReader(text), 0)
		_, _ = wire.NewDotReader(r, wire.NormalizeBare).WriteTo(io.Discard)
	}
}
