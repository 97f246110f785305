package mime

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// What a text's first lines show is what the whole of it shows.
func TestPreviewOfFirstLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		encoding := rapid.SampledFrom([]string{"8bit", "quoted-printable", "base64"}).Draw(t, "encoding")
		subtype := rapid.SampledFrom([]string{"plain", "html"}).Draw(t, "subtype")
		word := rapid.SampledFrom([]string{"hello ", "Nguyễn ", "日本語", "> quoted", "<p>", "<b>", "</b>", "<style>", "</style>", "&amp;", "<!-- ", "-->", "=", "  ",
			"-- ", "\r\n", "\r\n", "\r\n", "\t", strings.Repeat("long", 20), "\u200b", "\ufffd"})
		text := strings.Join(rapid.SliceOfN(word, 1, 600).Draw(t, "text"), "")
		raw := []byte(text)
		switch encoding {
		case "quoted-printable":
			var b bytes.Buffer
			w := NewQuotedPrintableWriter(&b)
			_, _ = w.Write(raw)
			_ = w.Close()
			raw = b.Bytes()
		case "base64":
			var b bytes.Buffer
			w := NewBase64Writer(&b)
			_, _ = w.Write(raw)
			_ = w.Close()
			raw = b.Bytes()
		}
		p := &Part{Type: "text", Subtype: subtype, Encoding: encoding, Params: []Param{{Name: "charset", Value: "utf-8"}}}
		v := previewer{part: p, raw: raw}
		whole := v.words(raw, nil)
		require.Equal(t, whole.String(), v.text(nil))
	})
}
