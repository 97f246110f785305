package imap_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

func encode(f func(e *imap.Encoder)) string {
	var b strings.Builder
	e := imap.NewEncoder(&b)
	f(e)
	_ = e.Flush()
	return b.String()
}

func TestEncodeStrings(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                   `"plain"`,
		`a "b" \c`:                `"a \"b\" \\c"`,
		"":                        `""`,
		"line\r\nbreak":           "{11}\r\nline\r\nbreak",
		"tiếng":                   "{7}\r\ntiếng",
		"a\x00b":                  "{2}\r\nab",
		strings.Repeat("x", 5000): "{5000}\r\n" + strings.Repeat("x", 5000),
	} {
		require.Equal(t, want, encode(func(e *imap.Encoder) { e.String(in) }))
	}
	// RFC 6855 section 3.
	require.Equal(t, `"tiếng"`, encode(func(e *imap.Encoder) { e.UTF8 = true; e.String("tiếng") }))
	require.Equal(t, "{1}\r\n\xff", encode(func(e *imap.Encoder) { e.UTF8 = true; e.String("\xff") }))
	require.Equal(t, `NIL "NIL" "" atom "a b" "NIL"`, encode(func(e *imap.Encoder) {
		e.NString("", false).SP().NString("NIL", true).SP().NString("", true).SP().AString("atom").SP().AString("a b").SP().AString("NIL")
	}))
	require.Equal(t, `INBOX "Th&AbA- x" "Thư"`, encode(func(e *imap.Encoder) {
		e.Mailbox("INBOX").SP().Mailbox("Thư x").SP()
		e.UTF8 = true
		e.Mailbox("Thư")
	}))
}

func TestEncodeValues(t *testing.T) {
	require.Equal(t, `() (\Seen \Recent $Work) (\Recent) 5 1:3,7 2:*`, encode(func(e *imap.Encoder) {
		e.Flags(mail.Flags{}, false).SP().Flags(mail.NewFlags(`\Seen`, "$Work"), true).SP().Flags(mail.Flags{}, true).SP()
		e.Number(5).SP().UIDSet(mail.UIDSetOf(1, 2, 3, 7)).SP().NumSet(imap.NumSet{Ranges: []imap.NumRange{{First: 2}}})
	}))
	require.Equal(t, `" 7-Feb-1994 21:52:25 -0800"`, encode(func(e *imap.Encoder) {
		e.DateTime(time.Date(1994, 2, 7, 21, 52, 25, 0, time.FixedZone("", -8*3600)))
	}))
	require.Equal(t, "a OK [READ-WRITE] Completed.\r\n", encode(func(e *imap.Encoder) {
		e.Status("a", imap.Okay(imap.CodeReadWrite, "", ""))
	}))
}

func TestEncodeLiteral(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 10_000)
	got := encode(func(e *imap.Encoder) {
		e.Raw("x ").Literal(int64(len(big)), strings.NewReader(big), false).Raw(")").CRLF()
	})
	require.Equal(t, "x {160000}\r\n"+big+")\r\n", got)
	require.Equal(t, "~{2}\r\n\x00a", encode(func(e *imap.Encoder) { e.Literal(2, strings.NewReader("\x00ab"), true) }))
	require.Equal(t, "{160000}\r\n"+big, encode(func(e *imap.Encoder) { e.LiteralBytes([]byte(big)) }))
	e := imap.NewEncoder(&bytes.Buffer{})
	require.ErrorIs(t, e.Literal(10, strings.NewReader("short"), false).Flush(), imap.ErrShortLiteral)
}

type failingWriter struct{ n int }

func (w *failingWriter) Write(p []byte) (int, error) {
	w.n++
	return 0, errors.New("gone")
}

// The first error is kept, and nothing is written after it.
func TestEncodeError(t *testing.T) {
	w := &failingWriter{}
	e := imap.NewEncoder(w)
	for range 100 {
		e.Raw(strings.Repeat("x", 1000)).CRLF()
	}
	require.Error(t, e.Err())
	require.Error(t, e.Flush())
	require.Equal(t, 1, w.n)
}

// A trace sees each line once, and of a literal only its size.
func TestEncodeTrace(t *testing.T) {
	var lines []string
	encode(func(e *imap.Encoder) {
		e.Trace = func(b []byte) { lines = append(lines, string(b)) }
		e.Raw("* 1 FETCH (BODY[] ").LiteralBytes([]byte("secret\r\nbody")).Raw(")").CRLF()
		e.Raw("a OK").CRLF()
	})
	require.Equal(t, []string{"* 1 FETCH (BODY[] {12}", "a OK"}, lines)
}

// Whatever string is written, a Decoder reads it back.
func FuzzEncodeString(f *testing.F) {
	f.Add("a\r\nb", true)
	f.Add("\"\\", false)
	f.Fuzz(func(t *testing.T, s string, utf8 bool) {
		out := encode(func(e *imap.Encoder) { e.UTF8 = utf8; e.AString(s).SP().NString(s, true) })
		want := strings.ReplaceAll(s, "\x00", "")
		err := decode(out+"\r\n", func(d *imap.Decoder) {
			d.SetLimits(imap.DecoderLimits{Line: 1 << 20, Literal: 1 << 20})
			require.Equal(t, want, d.AString())
			d.SP()
			got, ok := d.NString()
			require.True(t, ok)
			require.Equal(t, want, got)
			require.NoError(t, d.CRLF())
		})
		require.NoError(t, err)
	})
}
