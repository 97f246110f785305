package imap_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap"
)

// RFC 4469 section 5: cat-part = text-literal / url.
func TestCatenatePart(t *testing.T) {
	var out strings.Builder
	e := imap.NewEncoder(&out)
	url := imap.CatenatePart{URL: "/Drafts/;UID=20"}
	text := imap.CatenatePart{Text: imap.Literal{Size: 5, NonSync: true}}
	binary := imap.CatenatePart{Text: imap.Literal{Size: 1, Binary: true}}
	e.CatenatePart(url).SP().CatenatePart(text).Content(5, strings.NewReader("a\r\nb!")).SP()
	e.CatenatePart(binary).Content(1, strings.NewReader("\x00")).CRLF()
	require.NoError(t, e.Flush())
	require.Equal(t, "URL /Drafts/;UID=20 TEXT {5+}\r\na\r\nb! TEXT ~{1}\r\n\x00\r\n", out.String())

	require.NoError(t, decode(out.String(), func(d *imap.Decoder) {
		require.Equal(t, url, d.CatenatePart())
		d.SP()
		for _, want := range []imap.CatenatePart{text, binary} {
			got := d.CatenatePart()
			require.Equal(t, want, got)
			content, err := io.ReadAll(d.OpenLiteral(got.Text))
			require.NoError(t, err)
			require.Len(t, content, int(want.Text.Size))
			d.TrySP()
		}
		require.NoError(t, d.CRLF())
	}))
	out.Reset()
	utf8 := imap.CatenatePart{Text: imap.Literal{Size: 2, Binary: true}, UTF8: true}
	require.NoError(t, e.CatenatePart(utf8).Content(2, strings.NewReader("ä")).Raw(")").CRLF().Flush())
	require.Equal(t, "UTF8 (~{2}\r\nä)\r\n", out.String())
	require.NoError(t, decode(out.String(), func(d *imap.Decoder) { require.Equal(t, utf8, d.CatenatePart()) }))
	for _, in := range []string{"", "URL", `URL ""`, "TEXT", "TEXT abc", "URL {5", "FILE x", "TEXT {5}x"} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.CatenatePart() }), "%q", in)
	}
}

// RFC 6855 section 4: "UTF8" SP "(" literal8 ")".
func TestUTF8Literal(t *testing.T) {
	require.NoError(t, decode("UTF8 (~{2+}\r\n\xc3\xa4)\r\n", func(d *imap.Decoder) {
		require.True(t, d.UTF8Literal())
		l := d.Literal()
		require.Equal(t, imap.Literal{Size: 2, NonSync: true, Binary: true}, l)
		content, err := io.ReadAll(d.OpenLiteral(l))
		require.NoError(t, err)
		require.Equal(t, "ä", string(content))
		d.Special(')')
		require.NoError(t, d.CRLF())
	}))
	require.NoError(t, decode("{2}\r\n", func(d *imap.Decoder) { require.False(t, d.UTF8Literal()) }))
	require.Error(t, decode("UTF8 ~{2}\r\n", func(d *imap.Decoder) { d.UTF8Literal() }))
}

// RFC 8970 section 6: "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"].
func TestPreviewItem(t *testing.T) {
	for in, want := range map[string]string{
		"PREVIEW":                         "PREVIEW",
		"(PREVIEW)":                       "PREVIEW",
		"preview (lazy)":                  "PREVIEW (LAZY)",
		"(UID PREVIEW (LAZY) FLAGS)":      "UID PREVIEW (LAZY) FLAGS",
		"(PREVIEW UID)":                   "PREVIEW UID",
		"(PREVIEW (LAZY LAZY))":           "PREVIEW (LAZY)",
		"(BINARY.PEEK[1]<0.5> PREVIEW)":   "BINARY.PEEK[1]<0.5> PREVIEW",
		"(BINARY.SIZE[1.2] BINARY[])":     "BINARY.SIZE[1.2] BINARY[]",
		"(EMAILID THREADID SAVEDATE UID)": "EMAILID THREADID SAVEDATE UID",
	} {
		require.NoError(t, decode(in+"\r\n", func(d *imap.Decoder) {
			var got []string
			for _, item := range d.FetchItems() {
				got = append(got, item.String())
			}
			require.Equal(t, want, strings.Join(got, " "))
			require.NoError(t, d.CRLF())
		}), "%q", in)
	}
	require.Equal(t, "PREVIEW", imap.FetchItem{Att: imap.FetchPreview, Lazy: true}.Label())
	for _, in := range []string{"(PREVIEW ())", "(PREVIEW (EAGER))", "PREVIEW (LAZY", "(PREVIEW(LAZY))"} {
		require.Error(t, decode(in+"\r\n", func(d *imap.Decoder) { d.FetchItems(); _ = d.CRLF() }), "%q", in)
	}
	// What follows a lone item is for its reader: FETCH 1 PREVIEW (CHANGEDSINCE 5).
	require.NoError(t, decode("PREVIEW (CHANGEDSINCE 5)\r\n", func(d *imap.Decoder) {
		d.FetchItems()
		require.True(t, d.TrySP())
		require.True(t, d.Peek('('))
	}))
}
