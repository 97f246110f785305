package mime_test

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	texttemplate "text/template"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/idna"

	"github.com/buuta/mail/mime"
)

// onlyReader hides that a reader can seek.
type onlyReader struct{ io.Reader }

// "No encoding other than "7bit", "8bit", or "binary" is permitted for […] message/rfc822" (RFC 2046 section 5.2.1): which it is, is looked up.
func TestBuilderAttachedMessage(t *testing.T) {
	plain, eight := "Subject: in\r\n\r\nhello\r\n", "Subject: in\r\n\r\nthư\r\n"
	long := plain + strings.Repeat("0123456789\r\n", 10_000)
	for _, c := range []struct {
		content  io.Reader
		text     string
		encoding string
	}{
		{strings.NewReader(plain), plain, "7bit"},
		{strings.NewReader(eight), eight, "8bit"},
		{strings.NewReader(long), long, "7bit"},
		{strings.NewReader(long + eight), long + eight, "8bit"},
		{onlyReader{strings.NewReader(plain)}, plain, "7bit"},
		{onlyReader{iotest.OneByteReader(strings.NewReader(eight))}, eight, "8bit"},
		{onlyReader{strings.NewReader(long)}, long, "8bit"}, // its end can't be looked at before it is written
		{strings.NewReader(strings.ReplaceAll(long, "\r\n", "\n")), long, "7bit"},
		{onlyReader{iotest.OneByteReader(strings.NewReader(plain))}, plain, "7bit"},
	} {
		msg := build(t, &mime.Builder{From: []mime.Address{alice}, Text: "see", Attachments: []mime.File{{Filename: "a.eml", Content: c.content}}})
		ix := index(t, msg)
		require.Equal(t, c.encoding, ix.Part(2).Encoding)
		require.Equal(t, c.encoding, ix.Root.Encoding, "the multipart says the same (RFC 2045 section 6.4)")
		require.Equal(t, c.text, cut(msg, ix.Part(2).Body))
	}

	// A reader that stands in the middle of something is read from there.
	r := strings.NewReader("skipped" + plain)
	_, err := io.CopyN(io.Discard, r, 7)
	require.NoError(t, err)
	msg := build(t, &mime.Builder{From: []mime.Address{alice}, Attachments: []mime.File{{Filename: "a.eml", Content: r}}})
	require.Equal(t, plain, cut(msg, index(t, msg).Part(1).Body))

	broken := errors.New("disk gone")
	_, err = (&mime.Builder{From: []mime.Address{alice}, Attachments: []mime.File{{Filename: "a.eml", Content: iotest.ErrReader(broken)}}}).WriteTo(io.Discard)
	require.ErrorIs(t, err, broken)
}

// pattern yields n octets of everything.
type pattern struct{ left int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.left))
	for i := range b[:n] {
		b[i] = byte(i * 7)
	}
	p.left -= int64(n)
	return n, nil
}

// An attachment of any size needs no memory.
func TestBuilderStreams(t *testing.T) {
	const size = 256 << 20
	for name, file := range map[string]mime.File{
		"file":    {Filename: "x.bin", Content: &pattern{left: size}},
		"message": {Filename: "x.eml", Content: io.MultiReader(strings.NewReader("Subject: x\r\n\r\n"), &pattern{left: size})},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := (&mime.Builder{From: []mime.Address{alice}, Text: "large", Attachments: []mime.File{file}}).WriteTo(io.Discard)
		require.NoError(t, err)
		runtime.ReadMemStats(&after)
		require.Greater(t, n, int64(size))
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "%s: everything that was ever allocated, not only what was held", name)
	}
}

func TestBuilderASCII(t *testing.T) {
	to := []mime.Address{{Name: "Bốp", Mailbox: "bob", Host: "bưuđiện.example"}}
	b := &mime.Builder{From: []mime.Address{alice}, To: to, Cc: to, ReplyTo: to, Sender: &to[0], Text: "x"}
	require.True(t, b.NeedsUTF8())
	require.Contains(t, build(t, b), "<bob@bưuđiện.example>")

	b.ToASCII = idna.Lookup.ToASCII
	require.False(t, b.NeedsUTF8())
	msg := build(t, b)
	host, err := idna.Lookup.ToASCII("bưuđiện.example")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(host, "xn--"))
	require.Equal(t, 4, strings.Count(msg, "<bob@"+host+">"))
	for i := range len(msg) {
		require.Less(t, msg[i], byte(0x80))
	}
	require.Equal(t, "bưuđiện.example", to[0].Host, "what the caller gave is not changed")

	// Who needs SMTPUTF8 for one address keeps the domains as they were given.
	b.Cc = []mime.Address{{Mailbox: "thư", Host: "bưuđiện.example"}}
	require.True(t, b.NeedsUTF8())
	require.Contains(t, build(t, b), "To: =?utf-8?b?QuG7kXA=?= <bob@bưuđiện.example>\r\n")

	b.Cc, b.ToASCII = nil, func(string) (string, error) { return "", errors.New("no") }
	require.True(t, b.NeedsUTF8())
}

type failing struct{}

func (failing) Execute(w io.Writer, _ any) error {
	io.WriteString(w, "half")
	return errors.New("template broke")
}

func TestBuilderExecute(t *testing.T) {
	b := &mime.Builder{From: []mime.Address{alice}, Text: "old", HTML: "old"}
	require.ErrorContains(t, b.Execute(texttemplate.Must(texttemplate.New("").Parse("new")), failing{}, nil), "template broke")
	require.Equal(t, "old", b.Text)
	require.Equal(t, "old", b.HTML)
	require.NoError(t, b.Execute(nil, htmltemplate.Must(htmltemplate.New("").Parse("<p>{{.}}")), "<script>"))
	require.Equal(t, "old", b.Text)
	require.Equal(t, "<p>&lt;script&gt;", b.HTML)
}

func ExampleBuilder_Execute() {
	text := texttemplate.Must(texttemplate.New("text").Parse("Hello {{.Name}},\nyour order {{.Number}} is on its way.\n"))
	html := htmltemplate.Must(htmltemplate.New("html").Parse("<p>Hello {{.Name}}, your order {{.Number}} is on its way."))
	b := mime.Builder{From: []mime.Address{{Mailbox: "shop", Host: "example.test"}}, Subject: "Your order"}
	if err := b.Execute(text, html, struct {
		Name   string
		Number int
	}{"Bob & Co", 42}); err != nil {
		log.Fatal(err)
	}
	fmt.Print(b.Text)
	fmt.Println(b.HTML)
	// Output:
	// Hello Bob & Co,
	// your order 42 is on its way.
	// <p>Hello Bob &amp; Co, your order 42 is on its way.
}

func BenchmarkBuilder(b *testing.B) {
	const size = 1 << 20
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		m := &mime.Builder{From: []mime.Address{alice}, To: []mime.Address{bob}, Subject: "Thư ngỏ", Text: "hello", HTML: "<p>hello",
			Attachments: []mime.File{{Filename: "x.bin", Content: &pattern{left: size}}}}
		if _, err := m.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
