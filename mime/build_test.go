package mime_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime"
)

// crlf makes test messages readable: lines with LF become lines with CRLF.
func crlf(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}

func index(t testing.TB, msg string) *mime.Index {
	t.Helper()
	ix, err := mime.BuildIndex(strings.NewReader(msg), int64(len(msg)), nil)
	require.NoError(t, err)
	checkIndex(t, ix, msg)
	return ix
}

// checkIndex holds an index to what is true of every one: parts lie within their parents in order, lines are counted right, and
// the serialised form gives the same index back.
func checkIndex(t testing.TB, ix *mime.Index, msg string) {
	t.Helper()
	require.Equal(t, int64(len(msg)), ix.Size)
	require.Equal(t, int64(0), ix.Root.Header.Offset)
	require.Equal(t, ix.Size, ix.Root.Body.End())
	var check func(p *mime.Part)
	check = func(p *mime.Part) {
		require.Equal(t, p.Header.End(), p.Body.Offset)
		require.Equal(t, int64(strings.Count(cut(msg, p.Header), "\n")), p.HeaderLines)
		require.Equal(t, int64(strings.Count(cut(msg, p.Body), "\n")), p.Lines, "lines of %s/%s", p.Type, p.Subtype)
		if p.Type == "multipart" {
			require.NotEmpty(t, p.Parts)
		}
		at := p.Body.Offset
		for _, c := range p.Parts {
			require.GreaterOrEqual(t, c.Header.Offset, at)
			at = c.Body.End()
			check(c)
		}
		require.LessOrEqual(t, at, p.Body.End())
		if p.Message != nil {
			require.Equal(t, p.Body, p.Message.Span())
			require.NotNil(t, p.Message.Envelope)
			check(p.Message)
		}
	}
	check(ix.Root)
	require.NotNil(t, ix.Root.Envelope)
	b, err := ix.AppendBinary([]byte("x"))
	require.NoError(t, err)
	back, err := mime.DecodeIndex(b[1:])
	require.NoError(t, err)
	again, err := back.AppendBinary([]byte("x"))
	require.NoError(t, err)
	require.Equal(t, b, again)
}

func cut(msg string, s mime.Span) string { return msg[s.Offset:s.End()] }

// shape writes a structure so that a test can say it in a line.
func shape(p *mime.Part) string {
	var b strings.Builder
	b.WriteString(p.Type + "/" + p.Subtype)
	if p.IsMultipart() {
		b.WriteByte('(')
		for i, c := range p.Parts {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(shape(c))
		}
		b.WriteByte(')')
	}
	if p.Message != nil {
		b.WriteString("{" + shape(p.Message) + "}")
	}
	return b.String()
}

// The example of RFC 3501 and RFC 9051 section 6.4.5.1.
var sectionExample = crlf(`From: a@example.test
Subject: section numbers
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: text/plain

one
--outer
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAEC
--outer
Content-Type: message/rfc822

From: b@example.test
Subject: three
Content-Type: multipart/mixed; boundary="inner3"

--inner3
Content-Type: text/plain

three one
--inner3
Content-Type: application/octet-stream

three two
--inner3--
--outer
Content-Type: multipart/mixed; boundary="four"

--four
Content-Type: image/gif

four one
--four
Content-Type: message/rfc822

From: c@example.test
Content-Type: multipart/mixed; boundary=four2

--four2
Content-Type: text/plain

four two one
--four2
Content-Type: multipart/alternative; boundary=four22

--four22

four two two one
--four22
Content-Type: text/richtext

four two two two
--four22--
--four2--
--four--
--outer--
epilogue
`)

func TestSectionNumbers(t *testing.T) {
	msg := sectionExample
	ix := index(t, msg)
	require.Equal(t, "multipart/mixed(text/plain application/octet-stream message/rfc822{multipart/mixed(text/plain application/octet-stream)} "+
		"multipart/mixed(image/gif message/rfc822{multipart/mixed(text/plain multipart/alternative(text/plain text/richtext))}))", shape(ix.Root))
	require.Empty(t, ix.Problems)
	for _, c := range []struct {
		number  []uint32
		section mime.Section
		want    string
	}{
		{nil, mime.SectionAll, msg},
		{nil, mime.SectionHeader, msg[:strings.Index(msg, "preamble")]},
		{nil, mime.SectionText, msg[strings.Index(msg, "preamble"):]},
		{[]uint32{1}, mime.SectionAll, "one"},
		{[]uint32{1}, mime.SectionMIME, "Content-Type: text/plain\r\n\r\n"},
		{[]uint32{2}, mime.SectionAll, "AAEC"},
		{[]uint32{3}, mime.SectionHeader, "From: b@example.test\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=\"inner3\"\r\n\r\n"},
		{[]uint32{3}, mime.SectionMIME, "Content-Type: message/rfc822\r\n\r\n"},
		{[]uint32{3, 1}, mime.SectionAll, "three one"},
		{[]uint32{3, 2}, mime.SectionAll, "three two"},
		{[]uint32{4, 1}, mime.SectionMIME, "Content-Type: image/gif\r\n\r\n"},
		{[]uint32{4, 1}, mime.SectionAll, "four one"},
		{[]uint32{4, 2}, mime.SectionHeader, "From: c@example.test\r\nContent-Type: multipart/mixed; boundary=four2\r\n\r\n"},
		{[]uint32{4, 2, 1}, mime.SectionAll, "four two one"},
		{[]uint32{4, 2, 2}, mime.SectionMIME, "Content-Type: multipart/alternative; boundary=four22\r\n\r\n"},
		{[]uint32{4, 2, 2, 1}, mime.SectionAll, "four two two one"},
		{[]uint32{4, 2, 2, 1}, mime.SectionMIME, "\r\n"},
		{[]uint32{4, 2, 2, 2}, mime.SectionAll, "four two two two"},
	} {
		span, ok := ix.Locate(c.number, c.section)
		require.True(t, ok, "%v %d", c.number, c.section)
		require.Equal(t, c.want, cut(msg, span), "%v %d", c.number, c.section)
	}
	for _, c := range []struct {
		number  []uint32
		section mime.Section
	}{
		{nil, mime.SectionMIME}, {[]uint32{5}, mime.SectionAll}, {[]uint32{0}, mime.SectionAll}, {[]uint32{1, 1}, mime.SectionAll},
		{[]uint32{1}, mime.SectionHeader}, {[]uint32{1}, mime.SectionText}, {[]uint32{4}, mime.SectionHeader}, {[]uint32{1}, 9}, {nil, 9},
	} {
		_, ok := ix.Locate(c.number, c.section)
		require.False(t, ok, "%v %d", c.number, c.section)
	}
}

// "Every message has at least one part number. Non-[MIME-IMB] messages, and non-multipart [MIME-IMB] messages with no encapsulated
// message, only have a part 1." (RFC 9051 section 6.4.5.1)
func TestSectionNumbersOfASinglePart(t *testing.T) {
	msg := "Subject: x\r\n\r\nbody\r\n"
	ix := index(t, msg)
	span, ok := ix.Locate([]uint32{1}, mime.SectionAll)
	require.True(t, ok)
	require.Equal(t, "body\r\n", cut(msg, span))
	_, ok = ix.Locate([]uint32{1, 1}, mime.SectionAll)
	require.False(t, ok)
	_, ok = ix.Locate([]uint32{2}, mime.SectionAll)
	require.False(t, ok)

	msg = "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner\r\n"
	ix = index(t, msg)
	span, ok = ix.Locate([]uint32{1}, mime.SectionHeader)
	require.True(t, ok)
	require.Equal(t, "Subject: in\r\n\r\n", cut(msg, span))
	span, ok = ix.Locate([]uint32{1, 1}, mime.SectionAll)
	require.True(t, ok)
	require.Equal(t, "inner\r\n", cut(msg, span))
}

func TestDamage(t *testing.T) {
	multi := "Content-Type: multipart/mixed; boundary=b\n\n"
	for _, c := range []struct {
		name, msg, shape string
		problems         []mime.ProblemKind
	}{
		{"empty", "", "text/plain", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"only an empty line", "\n", "text/plain", nil},
		{"no body", "Subject: x\n", "text/plain", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"no header", "hello\nworld\n", "text/plain", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"bad lines", "Subject: x\nhello\nworld\n\nbody", "text/plain", []mime.ProblemKind{mime.ProblemBadField, mime.ProblemBadField}},
		{"mbox line", "From a@b Mon Jan  1 00:00:00 2026\nSubject: x\n\nbody", "text/plain", []mime.ProblemKind{mime.ProblemBadField}},
		{"part without header or empty line", multi + "--b\nhello\n--b--\n", "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"no parts", multi + "hello\n", "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoParts}},
		{"empty multipart", multi, "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoParts}},
		{"closed at once", multi + "--b--\n", "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoParts}},
		{"no closing boundary", multi + "--b\n\nhello\n", "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoEndBoundary}},
		{"no boundary parameter", "Content-Type: multipart/mixed\n\n--b\n\nhello\n--b--\n", "multipart/mixed(text/plain)", []mime.ProblemKind{mime.ProblemNoBoundary}},
		{"ends in a delimiter", multi + "--b\n\nx\n--b", "multipart/mixed(text/plain text/plain)", []mime.ProblemKind{mime.ProblemNoHeaderEnd, mime.ProblemNoEndBoundary}},
		{"inner not closed", "Content-Type: multipart/mixed; boundary=o\n\n--o\n" + multi + "--b\n\nx\n--o\n\ny\n--o--\n",
			"multipart/mixed(multipart/mixed(text/plain) text/plain)", nil},
		{"part ends in its header", multi + "--b\nContent-Type: text/html\n--b\n\nx\n--b--\n", "multipart/mixed(text/html text/plain)", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"same boundary twice", multi + "--b\n" + multi + "--b\n\nx\n--b--\n--b\n\ny\n--b--\n", "multipart/mixed(multipart/mixed(text/plain) text/plain)", nil},
		{"boundary begins like another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b-b\n\n--b-b\n\nx\n--b-b--\n--b--\n",
			"multipart/mixed(multipart/mixed(text/plain))", nil},
		{"blanks after delimiters", multi + "--b \t\n\nx\n--b--  \n", "multipart/mixed(text/plain)", nil},
		{"encoded message", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n", "application/octet-stream", []mime.ProblemKind{mime.ProblemEncoding}},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nx\n--b--\n", "multipart/digest(message/rfc822{text/plain})", nil},
		{"message cut off", multi + "--b\nContent-Type: message/rfc822\n\n--b--\n", "multipart/mixed(message/rfc822{text/plain})", []mime.ProblemKind{mime.ProblemNoHeaderEnd}},
		{"type unreadable", "Content-Type: foo\n\nx", "application/octet-stream", []mime.ProblemKind{mime.ProblemContentType}},
		{"type empty", "Content-Type:\n\nx", "text/plain", []mime.ProblemKind{mime.ProblemContentType}},
		{"NUL", "Subject: x\n\na\x00b", "text/plain", []mime.ProblemKind{mime.ProblemNUL}},
		{"twice the type", "Content-Type: text/html\nContent-Type: text/plain\n\nx", "text/html", []mime.ProblemKind{mime.ProblemDuplicateField}},
		{"bad address", "From: <a\n\nx", "text/plain", []mime.ProblemKind{mime.ProblemAddress}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ix := index(t, crlf(c.msg))
			require.Equal(t, c.shape, shape(ix.Root))
			var kinds []mime.ProblemKind
			for _, p := range ix.Problems {
				kinds = append(kinds, p.Kind)
			}
			require.Equal(t, c.problems, kinds)

			lf := index(t, c.msg)
			require.Equal(t, c.shape, shape(lf.Root), "with LF alone")
		})
	}
}

// Where the first line is no field there is no header, and the text isn't lost in it.
func TestNoHeader(t *testing.T) {
	ix := index(t, "hello\r\n\r\nworld\r\n")
	require.Equal(t, mime.Span{}, ix.Root.Header)
	require.Equal(t, "hello world", ix.Preview)
	msg := "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nhello\r\nworld\r\n--b--\r\n"
	require.Equal(t, "hello\r\nworld", cut(msg, index(t, msg).Part(1).Body))
	require.Equal(t, []string{`[1] text/plain: "hello\r\nworld"`}, leaves(t, strings.NewReader(msg), mime.ReaderOptions{}))
	ix = index(t, strings.Repeat("x", 200_000)+"\r\n")
	require.Equal(t, int64(0), ix.Root.Header.Size)
	require.Equal(t, int64(0), index(t, "From: a@b").Root.Body.Size)
}

func TestEnvelope(t *testing.T) {
	msg := crlf(`Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: =?utf-8?q?Th=C6=B0?= and
  minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
To: A Group: "x, y" <x@y.test>, <@r.test:z@y.test>;
Message-Id: <B27397-0100000@cac.washington.edu>
In-Reply-To:
References: <1@x>
	<2@x>

body
`)
	e := index(t, msg).Root.Envelope
	require.Equal(t, mime.NString{Value: "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", Set: true}, e.Date)
	require.Equal(t, mime.NString{Value: "=?utf-8?q?Th=C6=B0?= and  minutes", Set: true}, e.Subject)
	require.Equal(t, []mime.Address{{Name: "Terry Gray", Mailbox: "gray", Host: "cac.washington.edu"}}, e.From)
	// "If the Sender or Reply-To header fields are absent […], the server sets the corresponding member of the envelope to be the
	// same value as the from member" (RFC 9051 section 7.5.2)
	require.Equal(t, e.From, e.Sender)
	require.Equal(t, e.From, e.ReplyTo)
	require.Equal(t, []mime.Address{
		{Mailbox: "imap", Host: "cac.washington.edu"},
		{Kind: mime.GroupStart, Name: "A Group"},
		{Name: "x, y", Mailbox: "x", Host: "y.test"},
		{Route: "@r.test", Mailbox: "z", Host: "y.test"},
		{Kind: mime.GroupEnd},
	}, e.To)
	require.Len(t, e.Cc, 2)
	require.Nil(t, e.Bcc)
	require.Equal(t, mime.NString{Set: true}, e.InReplyTo, "present but empty")
	require.Equal(t, "<B27397-0100000@cac.washington.edu>", e.MessageID.Value)
	require.Equal(t, "<1@x>\t<2@x>", e.References.Value)
	require.False(t, index(t, "X: y\r\n\r\n").Root.Envelope.Subject.Set)
}

func TestPartFields(t *testing.T) {
	msg := crlf(`Content-Type: TEXT/Plain; CharSet="utf-8"; name*0*=utf-8''th%C6%B0; name*1=.txt
Content-Disposition: ATTACHMENT; filename="=?utf-8?q?th=C6=B0=2Etxt?="
Content-Transfer-Encoding: Quoted-Printable (yes)
Content-ID: <id@x>
Content-Description: =?utf-8?q?a?=
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Language: vi, en
Content-Location: http://example.test/x

=C6=B0
`)
	p := index(t, msg).Root
	require.Equal(t, "text", p.Type)
	require.Equal(t, "plain", p.Subtype)
	require.Equal(t, "utf-8", p.Param("charset"))
	require.Equal(t, []mime.Param{{Name: "charset", Value: "utf-8"}, {Name: "name", Value: "thư.txt", Extended: true}}, p.Params)
	require.Equal(t, "attachment", p.Disposition.Type)
	require.Equal(t, "thư.txt", p.Filename())
	require.Equal(t, "quoted-printable", p.Encoding)
	require.Equal(t, "<id@x>", p.ID.Value)
	require.Equal(t, "=?utf-8?q?a?=", p.Description.Value)
	require.Equal(t, "Q2hlY2sgSW50ZWdyaXR5IQ==", p.MD5.Value)
	require.Equal(t, []string{"vi", "en"}, p.Language)
	require.Equal(t, "http://example.test/x", p.Location.Value)
}

func TestPreview(t *testing.T) {
	for _, c := range []struct{ name, msg, want string }{
		{"plain", "Subject: x\n\n> quoted\nHello,\n\n  world\n-- \nme\n", "Hello, world"},
		{"only quotes", "\n> quoted\n", "> quoted"},
		{"base64", "Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n\nWGluIGNow6Bv\n", "Xin chào"},
		{"html", "Content-Type: text/html\n\n<html><head><title>t</title></head><style>p{}</style><p>a&amp;b<br>c</p><!-- no -->", "a&b c"},
		{"plain after html", "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html\n--b\n\nplain\n--b--\n", "plain"},
		{"attachment", "Content-Disposition: attachment\n\nsecret\n", ""},
		{"image", "Content-Type: image/png\n\nxx", ""},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, index(t, crlf(c.msg)).Preview) })
	}
	// "The server MUST NOT output preview text longer than 256 preview characters" (RFC 8970 section 3.3)
	ix := index(t, "\r\n"+strings.Repeat("thư ", 1000))
	require.LessOrEqual(t, len([]rune(ix.Preview)), 200)
	require.Greater(t, len([]rune(ix.Preview)), 190)
}

// RFC 2046 section 5.1.1: "The CRLF preceding the boundary delimiter line is conceptually attached to the boundary", also
// where the line before is the closing delimiter of an inner multipart.
func TestOuterDelimiterTakesTheLineEndOfAnInnerOne(t *testing.T) {
	const inner = "--I\r\n\r\nx\r\n--I--"
	const message = "Content-Type: multipart/mixed; boundary=I\r\n\r\n" + inner
	for _, padding := range []string{"", "\r\n", "\r\nepilogue", " \t"} {
		text := "Content-Type: multipart/mixed; boundary=O\r\n\r\n--O\r\n" + message + padding + "\r\n--O\r\n" +
			"Content-Type: message/rfc822\r\n\r\n" + message + padding + "\r\n--O--\r\n"
		x, err := mime.BuildIndex(strings.NewReader(text), int64(len(text)), nil)
		require.NoError(t, err)
		first, ok := x.Locate([]uint32{1}, mime.SectionAll)
		require.True(t, ok)
		require.Equal(t, inner+padding, text[first.Offset:first.Offset+first.Size])
		second, ok := x.Locate([]uint32{2}, mime.SectionAll)
		require.True(t, ok)
		require.Equal(t, message+padding, text[second.Offset:second.Offset+second.Size])
		require.Equal(t, int64(len(text)), x.Root.Body.Offset+x.Root.Body.Size)
		require.Empty(t, x.Problems)
	}
}
