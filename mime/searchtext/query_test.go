package searchtext

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail"
)

const sample = `Subject: Hóa đơn tháng 7
Subject: second
X-Sub: Subject: other
To: "A. B" <ab@example.test>
Content-Type: multipart/mixed; boundary=B

--B
X-Mime: in a part

The quick brown fox
jumps over the proposal.
--B--
`

func TestMatch(t *testing.T) {
	text := extract(t, &Extractor{}, sample)
	for _, c := range []struct {
		in          mail.TextPart
		field, text string
		want        bool
	}{
		{mail.InBody, "", "QUICK  brown\r\nfox JUMPS", true},
		{mail.InBody, "", "hoa don", false},
		{mail.InBody, "", "in a part", false},
		{mail.InBody, "", "", true},
		{mail.InText, "", "in a part", true},
		{mail.InText, "", "subject: hoa don", true},
		{mail.InText, "", "thang 7 second", false},
		{mail.InText, "", "", true},
		{mail.InHeader, "subject", "hoa ĐƠN", true},
		{mail.InHeader, "Subject", "second", true},
		{mail.InHeader, "Subject", "other", false},
		{mail.InHeader, "Subject", "subject", false},
		{mail.InHeader, "Subject", "", true},
		{mail.InHeader, "sub", "hoa", false},
		{mail.InHeader, "x-mime", "part", false},
		{mail.InHeader, "x-none", "", false},
		{mail.InHeader, "to", "\"a. b\" <", true},
		{mail.InHeader, "TO", "a. b <ab@", true},
		{mail.InHeader, "", "", false},
		{mail.TextPart(9), "", "", false},
	} {
		q := mail.TextQuery{In: c.in, Field: c.field, Text: c.text}
		require.Equal(t, c.want, NewQuery(q).Match(text), "%+v", q)
	}
}

// RFC 6203 section 3: FUZZY lets the server match "text that is similar".
func TestFuzzy(t *testing.T) {
	text := extract(t, &Extractor{}, sample)
	for needle, want := range map[string]bool{
		"proposal quick":   true,
		"fox, the":         true,
		"proposel":         true,
		"porposal":         true,
		"propossal":        true,
		"propsal":          true,
		"prooposil":        false,
		"quick missing":    false,
		"fax":              false, // three letters with an error are another word
		"hoa don proposal": false,
		"":                 true,
		"...":              false, // no word: as it stands
	} {
		require.Equal(t, want, NewQuery(mail.TextQuery{In: mail.InBody, Text: needle, Fuzzy: true}).Match(text), needle)
	}
	require.True(t, NewQuery(mail.TextQuery{In: mail.InHeader, Field: "Subject", Text: "thang hoa", Fuzzy: true}).Match(text))
	require.False(t, NewQuery(mail.TextQuery{In: mail.InHeader, Field: "Subject", Text: "thang second", Fuzzy: true}).Match(text), "not in one field")
}

func TestFuzzyErrors(t *testing.T) {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("abc")), 5, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		s := letters.Draw(t, "word")
		w := newWord([]byte(s))
		i := rapid.IntRange(0, len(s)-1).Draw(t, "at")
		c := rapid.SampledFrom([]string{"a", "b", "x"}).Draw(t, "letter")
		for _, with := range []string{s, s[:i] + s[i+1:], s[:i] + c + s[i:], s[:i] + c + s[i+1:]} {
			require.True(t, w.in([]byte("--"+with+"--")), "%s in %s", s, with)
		}
		if h := len(s) / 2; i+1 < len(s) && i+1 != h { // one half is whole
			require.True(t, w.in([]byte(s[:i]+s[i+1:i+2]+s[i:i+1]+s[i+2:])))
		}
		far := strings.Map(func(r rune) rune { return r + 10 }, s)
		require.False(t, w.in([]byte(far)))
	})
}

func TestFinder(t *testing.T) {
	small := rapid.StringOf(rapid.RuneFrom([]rune("ab é")))
	rapid.Check(t, func(t *rapid.T) {
		s, n := small.Draw(t, "text"), small.Draw(t, "needle")
		f := newFinder([]byte(n))
		require.Equal(t, strings.Index(s, n), f.index([]byte(s)), "%q in %q", n, s)
	})
}

func BenchmarkFinder(b *testing.B) {
	s := Fold(strings.Repeat("Kính gửi quý khách, the quarterly invoice for your order has shipped; please find attached the report. ", 60))
	for _, needle := range []string{"hoa don", "invoice 123", "budget proposal", "e", "the the"} {
		b.Run(needle, func(b *testing.B) {
			f := newFinder([]byte(needle))
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				f.index(s)
			}
		})
		b.Run(needle+"/bytes.Index", func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			for b.Loop() {
				bytes.Index(s, []byte(needle))
			}
		})
	}
}

func BenchmarkExtract(b *testing.B) {
	m := "Received: from x by y with ESMTP id 1; Mon, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <1@x>\nFrom: A B <a@x>\nTo: c@x\nSubject: =?utf-8?q?H=C3=B3a_=C4=91=C6=A1n?=\nContent-Type: text/plain; charset=utf-8\n\n" +
		strings.Repeat("Kính gửi quý khách, the quarterly invoice for your order has shipped; please find attached the report.\n", 50)
	x := &Extractor{}
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		extract(b, x, m)
	}
}
