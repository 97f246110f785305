package searchtext

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Hóa Đơn":                    "hoa don",
		"HO\u0301A \u0110O\u031bN":   "hoa don", // as macOS writes it
		"Trường ĐẠI HỌC Bách Khoa":   "truong dai hoc bach khoa",
		"Straße STRASSE ẞ":           "strasse strasse ss",
		"a \t\r\n  b\u00a0\u3000c":   "a b c",
		"  x ":                       " x ",
		"Œuvre Ærø Łódź þ":           "oeuvre aero lodz th",
		"ΣΊΣΥΦΟΣ σίσυφος":            "σισυφοσ σισυφοσ",
		"Ёлка ёлка":                  "елка елка",
		"İstanbul ISPARTA ısı":       "istanbul isparta isi",
		"Ｆｕｌｌ　ｗｉｄｔｈ":                 "full width",
		"ﬁne ½ № ²":                  "fine 1/2 no 2",
		"“don’t” – it’s…":            `"don't" - it's...`,
		"co\u00adop\u200bera\ufefft": "cooperat",
		"שָׁלוֹם":                    "שלום",
		"مُحَمَّد أحمد":              "محمد احمد",
		"ガギ か\u3099":                 "ガギ が",
		"각 \u1100\u1161\u11a8":       "각 각",
		"हिन्दी":                     "हिन्दी",
		"ภาษาไทย น้ำ":                "ภาษาไทย น้ํา",
		"漢字かな":                       "漢字かな",
		"\x00nul\x01":                " nul\x01",
		"\u0301":                     "",
		"bad \xff\xc3 utf":           "bad \ufffd\ufffd utf",
	} {
		require.Equal(t, want, string(Fold(in)), "%+q", in)
	}
	require.NotContains(t, string(Fold("ガ")), string(Fold("カ")), "another word")
}

// texts are made of what is hard to fold.
var texts = rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune("aAđĐßẾế\u0300\u0301\u0302\u031b\u0323\u3099か한\u1100\u1161\u11a8ﷺ\u00a0 \t\n𝐀ǆŉΐ\u0345क\u093c\u0958\u094d\u0f71\u0f72Åﾊﾞ\U000110ba\U0001D15E")),
	rapid.Rune(), rapid.RuneFrom(nil, unicode.Mn), rapid.RuneFrom(nil, unicode.Latin)))

// "Normalization forms … canonical-equivalent strings": the same text is the same however it is composed, in whatever pieces it
// comes, and once folded it stays so.
func TestFoldForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := texts.Draw(t, "text")
		want := Fold(s)
		require.True(t, utf8.Valid(want))
		require.NotContains(t, string(want), "\n")
		require.NotContains(t, string(want), "  ")
		require.Equal(t, string(want), string(Fold(norm.NFC.String(s))))
		require.Equal(t, string(want), string(Fold(norm.NFD.String(s))))
		require.Equal(t, string(want), string(Fold(norm.NFKC.String(s))))
		require.Equal(t, string(want), string(Fold(string(want))))

		f := folder{max: 1 << 20}
		for rest := s; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			f.WriteString(rest[:n])
			rest = rest[n:]
		}
		f.end()
		require.Equal(t, string(want), string(f.out))
	})
}

// Upper and lower case fold alike, as far as Unicode has simple cases.
func TestFoldCase(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
			if r == 0x345 || q == 0x345 {
				continue // the iota below, an accent, whose capital is a letter beside
			}
			require.Equal(t, string(Fold(string(r))), string(Fold(string(q))), "%U %U", r, q)
		}
	}
}

func TestFoldBounded(t *testing.T) {
	for _, s := range []string{"ﷺ", "\u0301", "a", "か\u3099", "क", "\u3099", "\xff"} {
		f := folder{max: 1000}
		for range 100 {
			f.WriteString(strings.Repeat(s, 1000))
		}
		f.end()
		require.LessOrEqual(t, len(f.out), 1000+maxGrowth*3)
		require.LessOrEqual(t, cap(f.held), 256<<10)
	}
}

func FuzzFold(f *testing.F) {
	f.Add([]byte("Hóa \u0301\xff\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		want := Fold(string(b))
		if !utf8.Valid(want) || bytes.ContainsAny(want, "\n\t") || len(want) > maxGrowth*len(b)+1 {
			t.Fatalf("%q", want)
		}
		if cut < 0 || cut > len(b) || len(b) > maxHeld {
			return
		}
		g := folder{max: 1 << 20}
		g.Write(b[:cut])
		g.Write(b[cut:])
		g.end()
		if !bytes.Equal(g.out, want) {
			t.Fatalf("in pieces %q, whole %q", g.out, want)
		}
	})
}

func BenchmarkFold(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":      strings.Repeat("The quarterly invoice for your order has shipped.\r\n", 120),
		"vietnamese": strings.Repeat("Kính gửi quý khách hàng, hóa đơn điện tử tháng này.\r\n", 100),
		"nfd":        norm.NFD.String(strings.Repeat("Kính gửi quý khách hàng, hóa đơn điện tử tháng này.\r\n", 100)),
		"japanese":   strings.Repeat("吾輩は猫である。名前はまだ無い。どこで生れたか", 90),
	} {
		b.Run(name, func(b *testing.B) {
			f := folder{max: 1 << 20}
			in := []byte(s)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				f.out = f.out[:0]
				f.Write(in)
				f.end()
			}
		})
	}
}
