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
		{"iso-2022-jp-2", "\x1b$BF|K\\\x1b(B", "日本"},
		{"utf-16le", "t\x00h\x00", "th"},
		{"utf-16be", "\x00t\x00h", "th"},
		// "text labelled with the "UTF-16" charset might be serialized in either big-endian or little-endian order" (RFC 2781 section 4.3).
		{"utf-16", "\xff\xfet\x00\xb0\x01", "tư"},
		{"UTF-16", "\xfe\xff\x00t\x01\xb0", "tư"},
		{"utf-16", "\x00t\x01\xb0", "tư"},
		{"utf-16", "\xd8\x3d\xde\x00", "😀"},
		{"utf-16", "\xd8\x3d\x00t", "\uFFFDt"},
		// RFC 1557, RFC 1922 and RFC 1843 (its example).
		{"ISO-2022-KR", "\x1b$)C\x0eGQ1[\x0f abc\r\n\x0eGQ\r\nGQ\r\n", "한글 abc\r\n한\r\nGQ\r\n"},
		{"iso-2022-cn", "\x1b$)A\x0eVP9z\x0f ok\x1b$)G\x0eabcd\x0f\x1b$*H\x1bNabz", "中国 ok\uFFFD\uFFFD\uFFFDz"},
		{"hz-gb-2312", "This sentence is in ASCII.\r\n~{<:Ky2;S{#,NpJ)l6HK!#~}Bye.", "This sentence is in ASCII.\r\n己所不欲，勿施於人。Bye."},
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
	for _, bad := range []string{"", "no-such", "win12x1", "replacement"} {
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

// Text with marks after its letters is composed wherever the stream is cut, and long runs of marks, which make norm's own
// reader panic, come out as they are, whole.
func TestCompose(t *testing.T) {
	long := strings.Repeat("Ti\xea\xecng Vi\xea\xf2t th\xfd ", 1000)
	require.Equal(t, strings.Repeat("Tiếng Việt thư ", 1000), decode(t, "windows-1258", long))
	for _, n := range []int{29, 30, 31, 32, 100, 127, 128, 129, 5000} {
		in := "e" + strings.Repeat("\xec", n) + "a\xec"
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in)), iotest.HalfReader(strings.NewReader(in))} {
			c, err := charset.NewReader("windows-1258", r)
			require.NoError(t, err)
			b, err := io.ReadAll(c)
			require.NoError(t, err)
			// norm puts a grapheme joiner into runs of more than 30 marks (UAX #15, Stream-Safe Text Format).
			got := strings.ReplaceAll(string(b), "\u034f", "")
			require.Equal(t, "é"+strings.Repeat("\u0301", n-1)+"á", got, "%d marks", n)
		}
	}
}

func FuzzNewReader(f *testing.F) {
	f.Add("utf-7", []byte("+2D0-x\xff+"))
	f.Add("windows-1258", []byte("a\xec"))
	f.Add("tcvn", []byte("a\xb3"))
	f.Add("iso-2022-kr", []byte("\x1b$)C\x0eGQ\x1b"))
	f.Add("iso-2022-cn", []byte("\x1b$)G\x0eGQ\x1bNab"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		r, err := charset.NewReader(name, strings.NewReader(string(b)))
		require.Equal(t, err == nil, charset.Known(name))
		if err != nil {
			return
		}
		out, err := io.ReadAll(r)
		require.NoError(t, err)
		if name == "utf-7" || name == "tcvn" || name == "viscii" || name == "windows-1258" {
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
