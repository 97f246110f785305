package imap_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// decode runs f on a Decoder that reads s octet by octet or in one piece, and returns the first error.
func decode(s string, f func(d *imap.Decoder)) error {
	d := imap.NewDecoder(iotest.OneByteReader(strings.NewReader(s)))
	f(d)
	return d.Err()
}

func TestAtoms(t *testing.T) {
	err := decode("a1 FETCH 12:14,* (UID x)\r\n", func(d *imap.Decoder) {
		require.Equal(t, "a1", d.Tag())
		d.SP()
		require.Equal(t, "FETCH", d.Keyword())
		d.SP()
		require.Equal(t, "12:14,*", d.SequenceSet().String())
		d.SP()
		var list []string
		d.List(func() { list = append(list, d.Atom()) })
		require.Equal(t, []string{"UID", "x"}, list)
		require.NoError(t, d.CRLF())
	})
	require.NoError(t, err)
}

// RFC 9051 section 9: "seq-number … 0 is not allowed", numbers are 32 or 63 bits.
func TestNumbers(t *testing.T) {
	for in, want := range map[string]uint64{"0": 0, "4294967295": 4294967295, "007": 7} {
		require.NoError(t, decode(in+"\r\n", func(d *imap.Decoder) { require.Equal(t, uint32(want), d.Number()) }))
	}
	for _, in := range []string{"", "x", "-1", "4294967296", "99999999999999999999"} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.Number() }), "%q", in)
	}
	require.NoError(t, decode("9223372036854775807\r\n", func(d *imap.Decoder) {
		require.Equal(t, uint64(1<<63-1), d.Number64())
	}))
	require.Error(t, decode("9223372036854775808\r\n", func(d *imap.Decoder) { d.Number64() }))
	for _, in := range []string{"0", "1:0", "1,", ",1", "1:", "1:2:3 ", "a", "1 ,2", ""} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.SequenceSet(); _ = d.CRLF() }), "%q", in)
	}
}

func TestStrings(t *testing.T) {
	for in, want := range map[string]string{
		`atom]`:                   "atom]",
		`"quoted \"\\ string"`:    `quoted "\ string`,
		`""`:                      "",
		"{5}\r\nab\r\nc":          "ab\r\nc",
		"{5+}\r\nab\r\nc":         "ab\r\nc",
		"{0}\r\n":                 "",
		`"tiếng Việt"`:            "tiếng Việt",
		"{4}\r\n\xff\xfe\xfd\xfc": "\xff\xfe\xfd\xfc",
	} {
		require.NoError(t, decode(in+"\r\n", func(d *imap.Decoder) {
			require.Equal(t, want, d.AString(), "%q", in)
			require.NoError(t, d.CRLF())
		}), "%q", in)
	}
	for _, in := range []string{"", `"no end`, `"bad \n escape"`, "{5", "{}\r\n", "{x}\r\n", "{-1}\r\n", "\"\xff\"", "(", "{3}\r\na\x00b",
		"{65537}\r\n", "{5} x"} {
		err := decode(in+"\r\n", func(d *imap.Decoder) { d.AString() })
		var s *imap.Status
		require.ErrorAs(t, err, &s, "%q", in)
		require.Equal(t, imap.BAD, s.Type)
	}
	require.NoError(t, decode("~{3+}\r\na\x00b\r\n", func(d *imap.Decoder) { require.Equal(t, "a\x00b", d.String()) }))
	// NIL is an nstring, and an atom where an astring is wanted.
	require.NoError(t, decode("NIL nil \"NIL\" NIL\r\n", func(d *imap.Decoder) {
		_, ok := d.NString()
		require.False(t, ok)
		d.SP()
		_, ok = d.NString()
		require.False(t, ok)
		d.SP()
		s, ok := d.NString()
		require.True(t, ok)
		require.Equal(t, "NIL", s)
		d.SP()
		require.Equal(t, "NIL", d.AString())
	}))
}

// RFC 9051 section 5.1: "The case-insensitive mailbox name INBOX is a special name".
func TestMailboxName(t *testing.T) {
	for in, want := range map[string]string{
		"inbox": "INBOX", `"InBox"`: "INBOX", "inbox/Sub": "INBOX/Sub", "inboxes": "inboxes", "&AOk-": "é", "&-": "&",
		`"Th&AbA-"`: "Thư", "\"Thư\"": "Thư",
	} {
		require.NoError(t, decode(in+"\r\n", func(d *imap.Decoder) { require.Equal(t, want, d.Mailbox()) }), "%q", in)
	}
	require.NoError(t, decode("&AOk-\r\n", func(d *imap.Decoder) {
		d.UTF8 = true
		require.Equal(t, "&AOk-", d.Mailbox())
	}))
	require.NoError(t, decode("a/%/*\r\n", func(d *imap.Decoder) { require.Equal(t, "a/%/*", d.ListMailbox()) }))
	require.Error(t, decode("a*\r\n", func(d *imap.Decoder) { d.Mailbox(); _ = d.CRLF() }))
}

func TestDates(t *testing.T) {
	require.NoError(t, decode("\"17-Jul-1996 02:44:25 -0700\" \" 7-Jul-1996 02:44:25 +0530\" 1-Feb-1994 \"01-Feb-1994\"\r\n", func(d *imap.Decoder) {
		require.True(t, time.Date(1996, 7, 17, 9, 44, 25, 0, time.UTC).Equal(d.DateTime()))
		d.SP()
		require.Equal(t, " 7-Jul-1996 02:44:25 +0530", d.DateTime().Format("_2-Jan-2006 15:04:05 -0700"))
		d.SP()
		require.Equal(t, time.Date(1994, 2, 1, 0, 0, 0, 0, time.UTC), d.Date())
		d.SP()
		require.Equal(t, time.Date(1994, 2, 1, 0, 0, 0, 0, time.UTC), d.Date())
		require.NoError(t, d.CRLF())
	}))
	for _, in := range []string{`"7-Jul-1996 02:44:25 -0700"`, `"31-Feb-1996 02:44:25 -0700"`, `"17-Jul-1996"`, "17-Jul-1996", `""`} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.DateTime() }), "%q", in)
	}
}

func TestFlags(t *testing.T) {
	require.NoError(t, decode(`(\seen \FLAGGED $Work b $work)`+"\r\n", func(d *imap.Decoder) {
		f := d.FlagList()
		require.Equal(t, mail.Seen|mail.Flagged, f.System)
		require.Equal(t, []string{"$Work", "b"}, f.Keywords)
	}))
	require.NoError(t, decode("()\r\n", func(d *imap.Decoder) { require.Equal(t, mail.Flags{}, d.FlagList()) }))
	require.NoError(t, decode(`\Seen a`+"\r\n", func(d *imap.Decoder) {
		require.Equal(t, []string{`\Seen`, "a"}, d.Flags().Names())
		require.NoError(t, d.CRLF())
	}))
	for _, in := range []string{`(\Recent)`, `(\*)`, `(a`, `(a  b)`, `("a")`, `(a])`, ``} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.Flags() }), "%q", in)
	}
}

// After an error the rest of the command is dropped, with literals that come without asking, and the next is read.
func TestSkip(t *testing.T) {
	in := "a BAD ( {3+}\r\nx\r\n {4+}\r\nyyyy end\r\nb NOOP\r\nc {5}\r\nd NOOP\r\n"
	d := imap.NewDecoder(iotest.HalfReader(strings.NewReader(in)))
	d.Tag()
	d.SP()
	d.Atom()
	require.Error(t, d.CRLF())
	require.True(t, d.InCommand())
	require.NoError(t, d.Skip())
	require.False(t, d.InCommand())
	for _, want := range []string{"b", "c", "d"} {
		require.Equal(t, want, d.Tag())
		require.NoError(t, d.Skip()) // a literal that waits to be asked for does not come
	}
	require.ErrorIs(t, d.Skip(), io.EOF)
}

func TestSkipLimits(t *testing.T) {
	d := imap.NewDecoder(strings.NewReader("a {11+}\r\n0123456789\n\r\nb x\r\n"))
	d.SetLimits(imap.DecoderLimits{Drain: 10})
	d.Tag()
	require.ErrorIs(t, d.Skip(), imap.ErrPeerTooLarge)
}

func TestContinue(t *testing.T) {
	d := imap.NewDecoder(strings.NewReader("{3}\r\nabc {2+}\r\nde\r\n"))
	asked := 0
	d.Continue = func() error { asked++; return nil }
	require.Equal(t, "abc", d.AString())
	d.SP()
	require.Equal(t, "de", d.AString())
	require.NoError(t, d.CRLF())
	require.Equal(t, 1, asked, "RFC 7888: no request for a non-synchronizing literal")
	broken := errors.New("broken")
	d = imap.NewDecoder(strings.NewReader("{3}\r\nabc\r\n"))
	d.Continue = func() error { return broken }
	d.AString()
	require.ErrorIs(t, d.Err(), broken)
}

// A literal is streamed; one that ends early is io.ErrUnexpectedEOF.
func TestLiteralReader(t *testing.T) {
	big := strings.Repeat("0123456789", 100_000)
	d := imap.NewDecoder(strings.NewReader("{1000000+}\r\n" + big + " x\r\n"))
	l := d.Literal()
	require.Equal(t, imap.Literal{Size: 1_000_000, NonSync: true}, l)
	b, err := io.ReadAll(d.OpenLiteral(l))
	require.NoError(t, err)
	require.Equal(t, big, string(b))
	d.SP()
	require.Equal(t, "x", d.Atom())
	require.NoError(t, d.CRLF())
	d = imap.NewDecoder(strings.NewReader("{10+}\r\nabc"))
	_, err = io.ReadAll(d.OpenLiteral(d.Literal()))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	// What has not been read of a literal is dropped by Skip.
	d = imap.NewDecoder(strings.NewReader("{10+}\r\n0123456789 rest\r\nnext\r\n"))
	_, _ = d.OpenLiteral(d.Literal()).Read(make([]byte, 3))
	require.NoError(t, d.Skip())
	require.Equal(t, "next", d.Atom())
}

func TestWaitAndRelease(t *testing.T) {
	r, w := io.Pipe()
	d := imap.NewDecoder(r)
	d.Release()
	go func() {
		_, _ = w.Write([]byte("tag " + strings.Repeat("x", 500) + "\r\n"))
		_ = w.Close()
	}()
	require.NoError(t, d.Wait())
	require.NoError(t, d.Wait())
	require.Positive(t, d.Buffered())
	require.Equal(t, "tag", d.Tag())
	d.SP()
	require.Len(t, d.Atom(), 500)
	require.NoError(t, d.CRLF())
	require.ErrorIs(t, d.Wait(), io.EOF)
}

// The decoder's time is linear: a command of many small pieces costs what its octets cost.
func TestLinear(t *testing.T) {
	d := imap.NewDecoder(strings.NewReader("{1+}\r\nx" + strings.Repeat(" {1+}\r\nx", 100_000) + "\r\n"))
	d.SetLimits(imap.DecoderLimits{Command: 1 << 30})
	n := 1
	for d.AString(); d.TrySP(); n++ {
		d.AString()
	}
	require.NoError(t, d.CRLF())
	require.Equal(t, 100_001, n)
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"a NOOP\r\n", "a LOGIN {5+}\r\nalice \"x\\\"y\"\r\n", "a FETCH 1:*,$ (BODY[1.2.HEADER.FIELDS (a b)]<1.2> FLAGS)\r\n",
		"a SEARCH RETURN (MIN) CHARSET UTF-8 OR (NOT 1:2) SUBJECT {3}\r\nabc\r\n", "a STORE 1 (x) +FLAGS (\\Seen a)\r\n",
		"a APPEND x (\\Seen) \" 1-Jan-2000 00:00:00 +0000\" ~{3+}\r\na\x00b\r\n", "a {99999999+}\r\n", "\"\\", "~{3", "a\nb\r\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for method := range 12 {
			d := imap.NewDecoder(iotest.HalfReader(bytes.NewReader(b)))
			d.SetLimits(imap.DecoderLimits{Line: 200, Literal: 50, Command: 400, Drain: 100, Depth: 4, Ranges: 10, Items: 20})
			for range 20 {
				d.Tag()
				d.SP()
				use(d, method)
				if err := d.CRLF(); err != nil && d.Skip() != nil {
					break
				}
				require.False(t, d.InCommand())
				require.NoError(t, d.Err())
			}
		}
	})
}

// use calls one of the parsers.
func use(d *imap.Decoder, method int) {
	switch method {
	case 0:
		d.FetchItems()
	case 1:
		d.SearchOptions()
		d.SearchProgram()
	case 2:
		d.Flags()
	case 3:
		d.SequenceSet()
	case 4:
		d.Mailbox()
		d.SP()
		d.ListMailbox()
	case 5:
		d.DateTime()
		d.SP()
		d.Date()
	case 6:
		_, _ = d.NString()
	case 7:
		if l := d.Literal(); d.Err() == nil {
			_, _ = io.CopyN(io.Discard, d.OpenLiteral(l), 5)
		}
	case 8:
		d.List(func() { d.AString() })
	case 9:
		d.Number()
		d.SP()
		d.Number64()
	case 10:
		d.Keyword()
		d.Rest()
		d.SkipLine()
	case 11:
		_ = d.Wait()
		d.Release()
	}
}
