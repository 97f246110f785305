package smtp

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
)

// What was read as an address is read as the same again, and can stand between angle brackets in a command or a header.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"<a@b.test>", "a@b.test SIZE=1", `<"a b"@[IPv6:::1]> X`, "<@a,@b:c@d>", "<>", `"\"`, "<postmaster>"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, strict bool) {
		p, ok := parsePath(s, strict)
		if !ok {
			return
		}
		require.True(t, utf8.ValidString(p.addr))
		require.NotContains(t, p.addr, "\r")
		require.NotContains(t, p.addr, "\n")
		require.NotContains(t, p.addr, "\x00")
		again, ok := parsePath("<"+p.addr+">"+p.rest, strict)
		require.True(t, ok, "%q", p.addr)
		require.Equal(t, p, again)
		require.True(t, p.rest == "" || p.rest[0] == ' ')
	})
}

func FuzzParams(f *testing.F) {
	f.Add(" SIZE=1 BODY=8BITMIME SMTPUTF8")
	f.Add("  A B=c  ")
	f.Fuzz(func(t *testing.T, s string) {
		params, r := parseParams(nil, s)
		if r != nil {
			require.Equal(t, 501, r.Code)
			require.True(t, utf8.ValidString(r.Text))
			return
		}
		var words []string
		for _, p := range params {
			require.Equal(t, strings.ToUpper(p.Name), p.Name)
			w := p.Name
			if p.HasValue {
				w += "=" + p.Value
			}
			words = append(words, w)
		}
		again, r := parseParams(nil, strings.Join(words, " "))
		require.Nil(t, r)
		require.Equal(t, params, again)
	})
}

func FuzzXtext(f *testing.F) {
	f.Add("a+2Bb=c")
	f.Add(`\x{1EA3}x`)
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := DecodeXtext(s); err == nil {
			again, err := DecodeXtext(EncodeXtext(d))
			require.NoError(t, err)
			require.Equal(t, d, again)
		}
		if d, err := decodeUTF8Xtext(s); err == nil && utf8.ValidString(d) {
			again, err := decodeUTF8Xtext(EncodeUTF8Xtext(d))
			require.NoError(t, err)
			require.Equal(t, d, again)
		}
		e := EncodeXtext(s)
		for i := range len(e) {
			require.True(t, e[i] > ' ' && e[i] < 0x7f)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add(250, 2, "Ok\nnext\r\n250 no")
	f.Fuzz(func(t *testing.T, code, class int, text string) {
		out := string(AppendReply(nil, &Reply{Code: code, Enhanced: EnhancedCode{class & 7, 1, 1}, Text: text}, true))
		lines := strings.SplitAfter(strings.TrimSuffix(out, "\r\n"), "\r\n")
		for i, l := range lines {
			require.LessOrEqual(t, len(l), maxReplyLine)
			require.Equal(t, out[:3], l[:3])
			require.Equal(t, i == len(lines)-1, l[3] == ' ')
			require.NotContains(t, strings.TrimSuffix(l, "\r\n"), "\r")
		}
	})
}

func TestAppendReply(t *testing.T) {
	for want, r := range map[string]*Reply{
		"250 2.0.0 Ok\r\n":               NewReply(250, EnhancedCode{2, 0, 0}, "Ok"),
		"250 Ok\r\n":                     {Code: 250, Text: "Ok"},
		"550 5.0.0 no\r\n":               {Code: 550, Text: "no"},
		"421 4.3.2 bye\r\n":              {Code: 421, Text: "bye"},
		"354 go\r\n":                     NewReply(354, EnhancedCode{3, 0, 0}, "go"),
		"451 4.0.0 \r\n":                 {Code: 99},
		"250-a\r\n250 b\r\n":             {Code: 250, Text: "a\nb"},
		"550-5.1.1 a\r\n550 5.1.1 b\r\n": NewReply(550, EnhancedCode{5, 1, 1}, "a\r\nb"),
	} {
		require.Equal(t, want, string(AppendReply(nil, r, true)))
	}
	require.Equal(t, "550 no\r\n", string(AppendReply(nil, NewReply(550, EnhancedCode{5, 1, 1}, "no"), false)))
	long := string(AppendReply(nil, &Reply{Code: 250, Text: strings.Repeat("ả", 600)}, true))
	require.LessOrEqual(t, len(long), 512)
	require.True(t, utf8.ValidString(long))
}

func TestXtext(t *testing.T) {
	require.Equal(t, "plain", EncodeXtext("plain"))
	require.Equal(t, "a+2Bb+3Dc+20d+C3", EncodeXtext("a+b=c d\xc3"))
	for _, bad := range []string{"a+", "a+2", "a+2g", "a+0A", "a+00", "a b", "a=b", "a\x80", "a+7F", "+2b"} {
		_, err := DecodeXtext(bad)
		require.Error(t, err, bad)
	}
	require.Equal(t, `\x{1EA3}nh\x{20}`, EncodeUTF8Xtext("ảnh "))
}

func TestExtensionNames(t *testing.T) {
	require.Equal(t, Extension(0), ParseExtension("FOO"))
	for i := range len(extensionKeywords) {
		e := Extension(1) << i
		require.Equal(t, e, ParseExtension(strings.ToLower(e.String())), e.String())
	}
	require.Equal(t, "PIPELINING SIZE", (Pipelining | Size).String())
	require.Equal(t, MTPriority, ParseExtension("mt-priority"))
	require.Equal(t, XForward, ParseExtension("XFORWARD"))
}

func BenchmarkParsePath(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parsePath("<nguyen.van.a+tag@mail.example.org> SIZE=12345 BODY=8BITMIME", false); !ok {
			b.Fatal()
		}
	}
}

func BenchmarkParseParams(b *testing.B) {
	var buf [4]mail.Parameter
	b.ReportAllocs()
	for b.Loop() {
		if _, r := parseParams(buf[:0], " SIZE=12345 BODY=8BITMIME SMTPUTF8"); r != nil {
			b.Fatal(r)
		}
	}
}

func BenchmarkAppendReply(b *testing.B) {
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendReply(buf[:0], replyRcptOK, true)
	}
}

// A path, parameters and a reply line are no reason to make the collector work.
func TestParsersDoNotAllocate(t *testing.T) {
	var buf [4]mail.Parameter
	out := make([]byte, 0, 512)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		p, _ := parsePath("<nguyen.van.a+tag@mail.example.org> SIZE=12345 BODY=8BITMIME", false)
		_, _ = parseParams(buf[:0], p.rest)
		out = AppendReply(out[:0], replyRcptOK, true)
	}))
}
