package searchtext

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

func extract(t testing.TB, x *Extractor, message string) Text {
	t.Helper()
	message = strings.ReplaceAll(message, "\n", "\r\n")
	r := strings.NewReader(message)
	ix, err := mime.BuildIndex(r, r.Size(), nil)
	require.NoError(t, err)
	got, err := x.Message(context.Background(), r, ix.Root)
	require.NoError(t, err)
	return got
}

func (t Text) parts() [3]string {
	return [3]string{string(t.All[:t.Header]), string(t.All[t.Header : t.Header+t.MIME]), string(t.All[t.Header+t.MIME:])}
}

func TestParts(t *testing.T) {
	got := extract(t, &Extractor{}, `Subject: =?utf-8?q?H=C3=B3a?= =?utf-8?b?IMSRxqFu?=
 folded
From: "Smith, John" (his) <John@Example.test>
X-Empty:
damaged line
Content-Type: multipart/mixed; boundary=B

preamble
--B
Content-Type: text/html

<p>Xin <b>ch</b>ào
--B
Content-Type: application/pdf
Content-Disposition: attachment; filename*=utf-8''h%C3%B3a.pdf

not text
--B
Content-Type: message/rfc822

Subject: Inner

inner body
--B
Content-Type: multipart/alternative; boundary=C

--C
X-Part: 1

plain
--C--
--B--
`)
	require.Equal(t, [3]string{
		"\nsubject: hoa don folded\nfrom: \"smith, john\" (his) <john@example.test>\nfrom: smith, john <john@example.test>\nx-empty: \ndamaged line\ncontent-type: multipart/mixed; boundary=b\n",
		"content-type: text/html\ncontent-type: application/pdf\ncontent-disposition: attachment; filename*=utf-8''h%c3%b3a.pdf\nhoa.pdf\n" +
			"content-type: message/rfc822\ncontent-type: multipart/alternative; boundary=c\nx-part: 1\n",
		" xin chao\nsubject: inner\ninner body\nplain\n",
	}, got.parts())
}

// The same text in the charsets and encodings that Vietnamese mail comes in.
func TestCharsets(t *testing.T) {
	const text = "Hóa đơn tháng này"
	win, err := charmap.Windows1258.NewEncoder().String("Ho\u0301a đơn tha\u0301ng na\u0300y")
	require.NoError(t, err)
	for name, body := range map[string]string{
		"utf-8":        text,
		"UTF-8":        "Ho\u0301a đơn tha\u0301ng na\u0300y",
		"windows-1258": win,
		"x-viet-tcvn":  "H\xe3a \xae\xacn th\xb8ng n\xb5y",
		"viscii":       "H\xf3a \xf0\xbdn th\xe1ng n\xe0y",
	} {
		got := extract(t, &Extractor{CharsetReader: charset.NewReader}, fmt.Sprintf("Content-Type: text/plain; charset=%q\nContent-Transfer-Encoding: base64\nSubject: =?%s?b?%s?=\n\n%s\n",
			name, name, b64(body), b64(body)))
		require.Equal(t, "hoa don thang nay\n", got.parts()[2], name)
		require.Contains(t, got.parts()[0], "\nsubject: hoa don thang nay\n", name)
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func zipped(t testing.TB, files ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		require.NoError(t, err)
		_, err = io.WriteString(w, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func attachment(header string, content []byte) string {
	return header + "\nContent-Transfer-Encoding: base64\n\n" + b64(string(content)) + "\n"
}

func TestOffice(t *testing.T) {
	docx := zipped(t, "[Content_Types].xml", "<x>types</x>", "word/document.xml", "<w:p><w:t>Hợp</w:t></w:p><w:p><w:r><w:t>đồ</w:t></w:r><w:r><w:t>ng</w:t></w:r></w:p>",
		"word/styles.xml", "<x>styles</x>", "word/footnotes.xml", "<w:t>note</w:t>")
	for head, content := range map[string][]byte{
		"Content-Type: application/vnd.openxmlformats-officedocument.wordprocessingml.document": docx,
		"Content-Type: application/octet-stream; name=\"x.DOCX\"":                               docx,
	} {
		require.Equal(t, " hop dong note \n", extract(t, &Extractor{}, attachment(head, content)).parts()[2])
	}
	xlsx := zipped(t, "xl/sharedStrings.xml", "<si><t>Đơn</t></si><si><t>giá</t></si>", "xl/worksheets/sheet1.xml", "<v>1</v>")
	require.Equal(t, " don gia \n", extract(t, &Extractor{}, attachment("Content-Type: application/x; name=a.xlsx", xlsx)).parts()[2])
	odt := zipped(t, "content.xml", "<text:p>mở<text:span>n</text:span></text:p>", "meta.xml", "<x>meta</x>")
	require.Equal(t, " mon \n", extract(t, &Extractor{}, attachment("Content-Type: application/vnd.oasis.opendocument.text", odt)).parts()[2])
	require.Equal(t, "", extract(t, &Extractor{}, attachment("Content-Type: application/vnd.oasis.opendocument.text", odt[:len(odt)-9])).parts()[2])
	require.Equal(t, "", extract(t, &Extractor{}, attachment("Content-Type: image/png", []byte("abc"))).parts()[2])
	require.Equal(t, "a,b \n", extract(t, &Extractor{}, attachment("Content-Type: application/octet-stream; name=t.csv", []byte("a,b\r\n"))).parts()[2])
}

// A document that unpacks to more than it should is read as far as is allowed and costs no more.
func TestBomb(t *testing.T) {
	zeros := strings.Repeat("<w:p/>", 64<<20/6)
	docx := zipped(t, "word/document1.xml", zeros, "word/document2.xml", "late", "word/document3.xml", zeros)
	require.Less(t, len(docx), 1<<20)
	got := extract(t, &Extractor{}, attachment("Content-Type: application/vnd.openxmlformats-officedocument.x", docx))
	require.Equal(t, " \n", got.parts()[2])
	letters := zipped(t, "content.xml", strings.Repeat("x", 64<<20))
	x := &Extractor{}
	got = extract(t, x, attachment("Content-Type: application/vnd.oasis.opendocument.text", letters))
	require.LessOrEqual(t, len(got.All), MaxText+100)
	require.LessOrEqual(t, cap(x.f.out), 2*MaxText)
}

func TestBounded(t *testing.T) {
	x := &Extractor{Max: 1000}
	for _, m := range []string{
		"Subject: x\n\n" + strings.Repeat("word ", 10000),
		strings.Repeat("X-Field: value\n", 1000) + "\nbody\n",
		"Content-Type: text/html\n\n" + strings.Repeat("<p>&amp;", 10000),
		"Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\npart\n", 1000) + "--b--\n",
	} {
		got := extract(t, x, m)
		require.LessOrEqual(t, len(got.All), 1100)
		require.GreaterOrEqual(t, len(got.All), 990)
	}
}

func TestAttachmentHook(t *testing.T) {
	x := &Extractor{Attachment: func(p *mime.Part, content io.Reader, w io.Writer) (bool, error) {
		switch p.Subtype {
		case "pdf":
			b, err := io.ReadAll(content)
			fmt.Fprintf(w, "Đọc: %s", b)
			return true, err
		case "broken":
			fmt.Fprint(w, "begun")
			return true, errors.New("broken")
		}
		fmt.Fprint(w, "thrown away")
		return false, nil
	}}
	require.Equal(t, "doc: abc\n", extract(t, x, attachment("Content-Type: application/pdf", []byte("ABC"))).parts()[2])
	require.Equal(t, "begun\n", extract(t, x, attachment("Content-Type: application/broken", []byte("ABC"))).parts()[2])
	require.Equal(t, "", extract(t, x, attachment("Content-Type: application/other", []byte("ABC"))).parts()[2])
}

type brokenReader struct {
	io.ReaderAt
	from int64
}

var errBroken = errors.New("broken disk")

func (b brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, off)
}

// An error of the disk is no text that ends early.
func TestErrors(t *testing.T) {
	m := "Subject: x\r\n\r\n" + strings.Repeat("word ", 100000)
	r := strings.NewReader(m)
	ix, err := mime.BuildIndex(r, r.Size(), nil)
	require.NoError(t, err)
	_, err = (&Extractor{}).Message(t.Context(), brokenReader{r, 100000}, ix.Root)
	require.ErrorIs(t, err, errBroken)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = (&Extractor{}).Message(ctx, r, ix.Root)
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("Subject: a\n\nb"), "a")
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html\n\n<b>h\xc3\xb3a\n--x\nContent-Type: message/rfc822\n\nTo: \"a\"\n\nc\n--x--"), "hoa")
	f.Add([]byte(attachment("Content-Type: application/vnd.oasis.opendocument.text", zipped(f, "content.xml", "<a>b</a>"))), "b")
	f.Fuzz(func(t *testing.T, b []byte, needle string) {
		r := bytes.NewReader(b)
		ix, err := mime.BuildIndex(r, r.Size(), nil)
		if err != nil {
			t.Skip()
		}
		x := &Extractor{Max: 64 << 10}
		got, err := x.Message(context.Background(), r, ix.Root)
		if err != nil {
			t.Fatal(err)
		}
		if got.Header < 1 || got.Header+got.MIME > len(got.All) || len(got.All) > 65<<10 || !utf8.Valid(got.All) || got.All[0] != '\n' || got.All[got.Header-1] != '\n' {
			t.Fatalf("%+v", got)
		}
		for _, fuzzy := range []bool{false, true} {
			q := NewQuery(mail.TextQuery{In: mail.InText, Text: needle, Fuzzy: fuzzy})
			found := q.Match(got)
			if !fuzzy && found != bytes.Contains(got.All, Fold(needle)) {
				t.Fatal("another answer")
			}
			for _, any := range q.Needs() {
				have := false
				for _, s := range any {
					have = have || bytes.Contains(got.All, s)
				}
				if found && !have {
					t.Fatalf("matches without %q", any)
				}
			}
		}
	})
}
