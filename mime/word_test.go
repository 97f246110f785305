package mime_test

import (
	"bytes"
	"io"
	stdmime "mime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/mime"
)

func TestDecodeText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		// The examples of RFC 2047 section 8.
		{"(=?ISO-8859-1?Q?a?=)", "(a)"},
		{"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
		{"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)"},
		{"(=?ISO-8859-1?Q?a_b?=)", "(a b)"},
		{"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a=?ISO-8859-2?Q?_b?=)"}, // ISO-8859-2 isn't built in
		{"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"},
		{"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"},
		{"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=", "If you can read this yo"},
		// RFC 2231 section 5
		{"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"},
		// breakage
		{"=?utf-8?b?eMO?=", "x\uFFFD"},             // padding missing, character cut
		{"=?utf-8?b?xA==?= =?utf-8?b?kQ==?=", "đ"}, // a character over two words
		{"=?utf-8?q?a b?=", "a b"},                 // a blank within
		{"x=?utf-8?q?a?=y", "xay"},                 // no blanks around
		{"\"=?utf-8?q?a?=\"", "\"a\""},             // in a quoted string
		{"=?utf-8?q?=C6=B?=", "\uFFFD=B"},          // half an escape
		{"=?utf-8?x?a?=", "=?utf-8?x?a?="},         // unknown encoding
		{"=?utf-8?q?a", "=?utf-8?q?a"},             // no end
		{"=?no-such?q?a?= b", "=?no-such?q?a?= b"}, // unknown charset
		{"=??q?a?=", "=??q?a?="},                   // no charset
		{"=?utf-8?q??= x", " x"},                   // nothing in it
		{"=?utf-8?q?a=0D=0AX:_b?=", "a  X: b"},     // a line break smuggled in
		{"th\xc6\xb0", "thư"},                      // 8-bit, UTF-8
		{"J\xf8rn", "Jørn"},                        // 8-bit, not UTF-8
		{"\x80\x99", "€™"},                         // windows-1252
		{"=?iso-8859-1?q?=80?=", "€"},              // what Latin-1 means in mail
		{"a\r\n b\x00", "a   b "},                  // never a line break
		{"=?utf-8?q?a?= \xff =?utf-8?q?b?=", "a ÿ b"},
	} {
		require.Equal(t, c.want, mime.DecodeText(c.in), "%q", c.in)
	}
	d := mime.TextDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		require.Equal(t, "x-upper", charset)
		b, err := io.ReadAll(r)
		return bytes.NewReader(bytes.ToUpper(b)), err
	}}
	require.Equal(t, "ABC", d.Decode("=?X-Upper?q?abc?="))
}

func TestEncodeText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"thư", "=?utf-8?q?th=C6=B0?="},
		{"Re: thư của bạn", "Re: =?utf-8?b?dGjGsCBj4bunYSBi4bqhbg==?="},
		{"a =?utf-8?q?b?= c", "a =?utf-8?b?PT91dGYtOD9xP2I/PQ==?= c"},
		{"a\r\nb", "a  b"},
	} {
		require.Equal(t, c.want, mime.EncodeText(c.in))
	}
}

// "An 'encoded-word' may not be more than 75 characters long" and "each 'encoded-word' MUST represent an integral number of characters"
// (RFC 2047 sections 2 and 5). The standard library reads what we write.
func TestEncodeTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("ab  =?_.thưđ日本😀"))).Draw(t, "text")
		enc := mime.EncodeText(s)
		for w := range strings.FieldsSeq(enc) {
			if strings.HasPrefix(w, "=?") {
				require.LessOrEqual(t, len(w), 75)
				one, err := new(stdmime.WordDecoder).Decode(w)
				require.NoError(t, err)
				require.True(t, utf8.ValidString(one))
			}
		}
		std, err := new(stdmime.WordDecoder).DecodeHeader(enc)
		require.NoError(t, err)
		require.Equal(t, s, std)
		require.Equal(t, s, mime.DecodeText(enc))
	})
}

func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"=?utf-8?q?a?= =?utf-8?b?xA==?=\t=?UTF-8*vi?B?kQ==?=", "=?iso-8859-1?q?=F8?=\xff", "=?=?=?q?", "=?utf-8?q?=0A?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := mime.DecodeText(s)
		require.True(t, utf8.ValidString(out))
		require.False(t, strings.ContainsAny(out, "\r\n\x00"))
		if utf8.ValidString(s) && !strings.ContainsAny(s, "\r\n\x00") {
			require.Equal(t, s, mime.DecodeText(mime.EncodeText(s)))
		}
	})
}
