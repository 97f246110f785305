package charset_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// Both types must stay what package mime wants.
var _ mime.CharsetReader = charset.NewReader

func decode(t testing.TB, name, s string) string {
	t.Helper()
	var out [2]string
	for i, in := range []io.Reader{strings.NewReader(s), iotest.OneByteReader(strings.NewReader(s))} {
		r, err := charset.NewReader(name, in)
		require.NoError(t, err, name)
		b, err := io.ReadAll(r)
		require.NoError(t, err)
		out[i] = string(b)
	}
	require.Equal(t, out[0], out[1], "in pieces")
	return out[0]
}

func TestCharsets(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"utf-8", "thư", "thư"},
		{"ISO-8859-2", "\xb1", "ą"},
		{"iso8859-15", "\xa4", "€"},
		{"koi8-r", "\xd0\xd2\xc9\xd7\xc5\xd4", "привет"},
		{"windows-1251", "\xef\xf0\xe8\xe2\xe5\xf2", "привет"},
		{"win1251", "\xef", "п"},
		{"CP-1251", "\xef", "п"},
		{"\"Shift_JIS\"", "\x93\xfa\x96\x7b", "日本"},
		{"cp932", "\x93\xfa", "日"},
		{"iso-2022-jp", "\x1b$BF|K\\\x1b(B", "日本"},
		{"euc-kr", "\xc7\xd1", "한"},
		{"ks_c_5601-1987", "\xc7\xd1", "한"},
		{"gb2312", "\xd6\xd0", "中"},
		{"x-euc-cn", "\xd6\xd0", "中"},
		{"gb18030", "\xd6\xd0", "中"},
		{"big5", "\xa4\xa4", "中"},
		{"cp437", "\x81", "ü"},
		{"utf-16le", "t\x00h\x00", "th"},
		{"utf-32be", "\x00\x00\x01\xb0", "ư"},
		// Vietnamese. windows-1258 writes tone marks after their letters; what comes out is composed.
		{"windows-1258", "Ti\xea\xecng Vi\xea\xf2t th\xfd", "Tiếng Việt thư"},
		{"x-cp1258", "a\xec", "á"},
		{"VISCII", "Ti\xaang Vi\xaet th\xdf", "Tiếng Việt thư"},
		{"viscii", "\x02\x05\x06\x14\x19\x1e", "ẲẴẪỶỸỴ"},
		{"TCVN", "Ti\xd5ng Vi\xd6t th\xad", "Tiếng Việt thư"},
		{"tcvn3", "a\xb3\xa9\xb4", "áậ"},
		// The examples of RFC 2152.
		{"UTF-7", "Hi Mom -+Jjo--!", "Hi Mom -☺-!"},
		{"utf-7", "A+ImIDkQ.", "A≢Α."},
		{"utf-7", "+ZeVnLIqe-", "日本語"},
		{"utf-7", "Item 3 is +AKM-1.", "Item 3 is £1."},
		{"utf-7", "1 +- 1", "1 + 1"},
		{"utf-7", "+2D3eAA-", "😀"},
		{"utf-7", "+2D0-x\xff", "\uFFFDx\uFFFD"},
	} {
		require.True(t, charset.Known(c.name), c.name)
		require.Equal(t, c.want, decode(t, c.name, c.in), c.name)
	}
	for _, bad := range []string{"", "no-such", "iso-2022-kr", "win12x1", "replacement"} {
		require.False(t, charset.Known(bad), bad)
		_, err := charset.NewReader(bad, strings.NewReader(""))
		require.ErrorIs(t, err, charset.ErrUnknown)
	}
}

func TestStreamErrors(t *testing.T) {
	for _, name := range []string{"viscii", "tcvn", "utf-7", "koi8-r"} {
		r, err := charset.NewReader(name, iotest.ErrReader(io.ErrClosedPipe))
		require.NoError(t, err)
		_, err = io.ReadAll(r)
		require.ErrorIs(t, err, io.ErrClosedPipe, name)
	}
}

func FuzzNewReader(f *testing.F) {
	f.Add("utf-7", []byte("+2D0-x\xff+"))
	f.Add("windows-1258", []byte("a\xec"))
	f.Add("tcvn", []byte("a\xb3"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		r, err := charset.NewReader(name, strings.NewReader(string(b)))
		require.Equal(t, err == nil, charset.Known(name))
		if err != nil {
			return
		}
		out, err := io.ReadAll(r)
		require.NoError(t, err)
		if name == "utf-7" || name == "tcvn" || name == "viscii" {
			require.True(t, utf8.Valid(out))
		}
	})
}

func ExampleNewReader() {
	d := mime.TextDecoder{CharsetReader: charset.NewReader}
	fmt.Println(d.Decode("=?windows-1258?q?Ti=EA=ECng_Vi=EA=F2t?="))
	// Output: Tiếng Việt
}

func ExampleKnown() {
	fmt.Println(charset.Known("x-viet-tcvn5712"), charset.Known("martian"))
	// Output: true false
}

func ExampleNewReader_message() {
	msg := "Content-Type: text/plain; charset=koi8-r\r\n\r\n\xd0\xd2\xc9\xd7\xc5\xd4\r\n"
	m, err := (&mime.ReaderOptions{CharsetReader: charset.NewReader}).Read(strings.NewReader(msg))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(m.Text)
	// Output: привет
}
