package mailhtml_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/mailhtml"
)

func shop(b *testing.B) []byte {
	in, err := os.ReadFile("testdata/shop.in.html")
	require.NoError(b, err)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	return in
}

func BenchmarkSanitize(b *testing.B) {
	in := shop(b)
	var s mailhtml.Sanitizer
	for b.Loop() {
		s.Sanitize(in)
	}
}

// BenchmarkSanitizeThread is a mail of 1 MB whose quotes were quoted again and again.
func BenchmarkSanitizeThread(b *testing.B) {
	in, err := os.ReadFile("testdata/thread.in.html")
	require.NoError(b, err)
	in = []byte(strings.Repeat(string(in), 1<<20/len(in)))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var s mailhtml.Sanitizer
	for b.Loop() {
		s.Sanitize(in)
	}
}

// BenchmarkBluemonday is the oracle on the same mail: no style sheets, styles unread.
func BenchmarkBluemonday(b *testing.B) {
	in := shop(b)
	p := oracle()
	for b.Loop() {
		p.SanitizeBytes(in)
	}
}

func BenchmarkText(b *testing.B) {
	in := shop(b)
	for b.Loop() {
		mailhtml.Text(in, nil)
	}
}

func BenchmarkFromText(b *testing.B) {
	text := strings.Repeat("> see https://x.example/a?b=c, or write to a@b.example\nplain words in a line\n", 100)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		mailhtml.FromText(text, "")
	}
}
