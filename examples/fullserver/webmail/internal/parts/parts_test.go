package parts_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/webmail/internal/parts"
	"github.com/buuta/mail/mime"
)

// structure reads a description: one line a part, indented by its depth, with a disposition if there is one.
func structure(t *testing.T, text string) *mime.Part {
	t.Helper()
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	var read func(depth int) *mime.Part
	read = func(depth int) *mime.Part {
		f := strings.Fields(lines[0])
		lines = lines[1:]
		typ, sub, _ := strings.Cut(f[0], "/")
		p := &mime.Part{Type: typ, Subtype: sub}
		if len(f) > 1 {
			p.Disposition = &mime.Disposition{Type: f[1]}
		}
		for len(lines) > 0 && len(lines[0])-len(strings.TrimLeft(lines[0], "\t")) > depth {
			p.Parts = append(p.Parts, read(depth+1))
		}
		return p
	}
	return read(0)
}

func names(list []parts.Leaf) string {
	var out []string
	for _, l := range list {
		out = append(out, l.Section()+" "+l.MediaType())
	}
	return strings.Join(out, ", ")
}

func TestChoose(t *testing.T) {
	for i, c := range []struct{ in, html, text, rest string }{
		{"text/plain", "1 text/plain", "1 text/plain", ""},
		{"text/html", "1 text/html", "1 text/html", ""},
		{"image/png", "", "", "1 image/png"},
		{"text/plain attachment", "", "", "1 text/plain"},
		{"multipart/alternative\n\ttext/plain\n\ttext/html", "2 text/html", "1 text/plain", ""},
		{"multipart/alternative\n\ttext/plain\n\ttext/html\n\ttext/calendar", "2 text/html", "1 text/plain", "3 text/calendar"},
		{"multipart/mixed\n\tmultipart/alternative\n\t\ttext/plain\n\t\tmultipart/related\n\t\t\ttext/html\n\t\t\timage/png inline\n\tapplication/pdf attachment",
			"1.2.1 text/html", "1.1 text/plain", "1.2.2 image/png, 2 application/pdf"},
		{"multipart/mixed\n\ttext/plain\n\timage/png inline\n\ttext/plain", "1 text/plain, 3 text/plain", "1 text/plain, 3 text/plain", "2 image/png"},
		{"multipart/related\n\ttext/html\n\ttext/html", "1 text/html", "1 text/html", "2 text/html"},
		{"multipart/alternative\n\tmultipart/mixed\n\t\timage/png", "", "", "1.1 image/png"},
		{"multipart/alternative\n\ttext/plain\n\tmultipart/mixed\n\t\timage/png\n\t\timage/gif", "1 text/plain", "1 text/plain", "2.1 image/png, 2.2 image/gif"},
	} {
		p := structure(t, c.in)
		b := parts.Choose(p, true)
		require.Equal(t, c.html, names(b.Show), i)
		require.Equal(t, c.rest, names(b.Rest), i)
		require.Equal(t, c.text, names(parts.Choose(p, false).Show), i)
		for _, l := range append(b.Show, b.Rest...) {
			found, ok := parts.Find(p, l.Section())
			require.True(t, ok, l.Section())
			require.Same(t, l.Part, found.Part)
		}
	}
	require.True(t, parts.Choose(structure(t, "multipart/alternative\n\ttext/plain\n\ttext/html"), true).HasAlt)
	require.False(t, parts.Choose(structure(t, "multipart/alternative\n\ttext/html"), true).HasAlt)
}

// A structure without end costs no more than one that is looked at.
func TestMany(t *testing.T) {
	p := &mime.Part{Type: "multipart", Subtype: "mixed"}
	for i := range 100_000 {
		p.Parts = append(p.Parts, &mime.Part{Type: "text", Subtype: "plain", Description: mime.NString{Value: fmt.Sprint(i)}})
	}
	require.Len(t, parts.All(p), parts.Max)
	require.Len(t, parts.Choose(p, true).Show, parts.Max)
	_, ok := parts.Find(p, "501")
	require.False(t, ok)
	require.Empty(t, parts.All(nil))
}
