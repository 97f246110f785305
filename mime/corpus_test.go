package mime_test

import (
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/charset"
)

// go test ./mime -run Corpus -update writes the corpus and its golden files anew. The lines "differs" in golden files say why
// another parser reads a message differently; they are kept, and what is new among them has to be explained by hand.
var update = flag.Bool("update", false, "rewrite testdata/corpus")

const corpusDir = "testdata/corpus"

// corpus is read from the folder, so that a message may be put there by hand too.
func corpus(t testing.TB) []class {
	files, err := filepath.Glob(filepath.Join(corpusDir, "*.eml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 300)
	var all []class
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, class{strings.TrimSuffix(filepath.Base(f), ".eml"), string(b)})
	}
	return all
}

func TestCorpusIsWhatItsMakerMakes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range corpusClasses() {
		require.False(t, seen[c.name], "%s twice", c.name)
		seen[c.name] = true
		file := filepath.Join(corpusDir, c.name+".eml")
		if *update {
			require.NoError(t, os.MkdirAll(corpusDir, 0o755))
			require.NoError(t, os.WriteFile(file, []byte(c.msg), 0o644))
		}
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, c.msg, string(b), c.name)
	}
}

// goldenOf writes down all that reading a message tells. What follows "answer" is what other parsers are asked too.
func goldenOf(t testing.TB, msg string) string {
	ix, err := (&mime.IndexBuilder{CharsetReader: charset.NewReader}).Build(strings.NewReader(msg), int64(len(msg)))
	require.NoError(t, err)
	checkIndex(t, ix, msg)
	var b strings.Builder
	env := ix.Root.Envelope
	dec := mime.TextDecoder{CharsetReader: charset.NewReader}
	from, _ := (&mime.AddressParser{Decoder: dec}).ParseList(mime.ParseHeader([]byte(cut(msg, ix.Root.Header)), nil).Get("From"))
	date := "none"
	if d, err := mime.ParseDate(env.Date.Value); err == nil {
		date = d.Format(time.RFC3339)
	}
	fmt.Fprintf(&b, "size %d\nfrom %q\ndate %s\npreview %q\n", ix.Size, mime.FormatAddressList(from), date, norm.NFC.String(ix.Preview))
	describe(&b, ix.Root, "")
	for _, p := range ix.Problems {
		fmt.Fprintf(&b, "problem %s\n", p)
	}
	b.WriteString("answer\n")
	for _, line := range answerOf(t, ix, msg) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

func describe(b *strings.Builder, p *mime.Part, indent string) {
	fmt.Fprintf(b, "%spart %s/%s %s header %d+%d/%d body %d+%d/%d", indent, p.Type, p.Subtype, p.Encoding,
		p.Header.Offset, p.Header.Size, p.HeaderLines, p.Body.Offset, p.Body.Size, p.Lines)
	for _, q := range p.Params {
		fmt.Fprintf(b, " %s=%q", q.Name, q.Value)
	}
	if p.Disposition != nil {
		fmt.Fprintf(b, " disposition %s", p.Disposition.Type)
		for _, q := range p.Disposition.Params {
			fmt.Fprintf(b, " %s=%q", q.Name, q.Value)
		}
	}
	b.WriteByte('\n')
	for _, c := range p.Parts {
		describe(b, c, indent+" ")
	}
	if p.Message != nil {
		describe(b, p.Message, indent+" ")
	}
}

// answerOf says what every parser should find: the subject, the tree, and of each leaf its file name and content.
func answerOf(t testing.TB, ix *mime.Index, msg string) []string {
	dec := mime.TextDecoder{CharsetReader: charset.NewReader}
	h := mime.ParseHeader([]byte(cut(msg, ix.Root.Header)), nil)
	answer := []string{subjectLine(dec.Decode(h.Get("Subject"))), "tree " + shape(ix.Root)}
	for p := range ix.Root.Leaves() {
		r := p.Open(strings.NewReader(msg))
		if p.Type == "text" {
			r = p.OpenText(strings.NewReader(msg), charset.NewReader)
		}
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		answer = append(answer, leafLine(p.Type+"/"+p.Subtype, p.Filename(), content))
	}
	return answer
}

func subjectLine(s string) string {
	return fmt.Sprintf("subject %q", norm.NFC.String(strings.TrimSpace(s)))
}

// leafLine describes a leaf: texts by their words with LF line ends and without the last ones, others by size and CRC-32. What
// is in a message/… that isn't a message is for other parsers than these to read.
func leafLine(typ, name string, content []byte) string {
	line := fmt.Sprintf("leaf %s name %q", typ, norm.NFC.String(name))
	switch {
	case strings.HasPrefix(typ, "message/"):
		return line
	case strings.HasPrefix(typ, "text/"):
		s := norm.NFC.String(strings.TrimRight(strings.ReplaceAll(string(content), "\r\n", "\n"), "\n"))
		if len(s) > 300 {
			return line + fmt.Sprintf(" text of %d crc %08x", len(s), crc32.ChecksumIEEE([]byte(s)))
		}
		return line + fmt.Sprintf(" text %q", s)
	}
	return line + fmt.Sprintf(" octets %d crc %08x", len(content), crc32.ChecksumIEEE(content))
}

func TestCorpusGolden(t *testing.T) {
	for _, c := range corpus(t) {
		t.Run(c.name, func(t *testing.T) {
			got := goldenOf(t, c.msg)
			if *update {
				_, differs := readGolden(t, c.name)
				writeGolden(t, c.name, got, differs)
			}
			want, _ := readGolden(t, c.name)
			require.Equal(t, want, got)
		})
	}
}

// readGolden returns a golden file and what it says of other parsers.
func readGolden(t testing.TB, name string) (golden string, differs map[string]string) {
	b, err := os.ReadFile(filepath.Join(corpusDir, name+".golden"))
	if os.IsNotExist(err) && *update {
		return "", nil
	}
	require.NoError(t, err)
	differs = map[string]string{}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "differs "); ok {
			peer, what, _ := strings.Cut(strings.TrimSpace(rest), " ")
			differs[peer] = what
			continue
		}
		golden += line
	}
	return golden, differs
}

func writeGolden(t testing.TB, name, golden string, differs map[string]string) {
	var peers []string
	for p := range differs {
		peers = append(peers, p)
	}
	slices.Sort(peers)
	for _, p := range peers {
		golden += "differs " + p + " " + differs[p] + "\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(corpusDir, name+".golden"), []byte(golden), 0o644))
}

// Reading and writing again changes nothing: the parts' headers, put back between what lies around them, are the message.
func TestCorpusIsWrittenAsItWas(t *testing.T) {
	for _, c := range corpus(t) {
		ix := index(t, c.msg)
		var b []byte
		at := int64(0)
		var walk func(p *mime.Part)
		walk = func(p *mime.Part) {
			b = append(b, c.msg[at:p.Header.Offset]...) // a delimiter or what is around the parts
			raw := []byte(cut(c.msg, p.Header))
			b = mime.ParseHeader(raw, nil).AppendTo(b)
			at = p.Body.Offset
			for _, child := range p.Parts {
				walk(child)
			}
			if p.Message != nil {
				walk(p.Message)
			}
			b = append(b, c.msg[at:p.Body.End()]...)
			at = p.Body.End()
		}
		walk(ix.Root)
		require.Equal(t, c.msg, string(b), c.name)
		m, err := mime.NewReader(strings.NewReader(c.msg))
		require.NoError(t, err)
		require.Equal(t, cut(c.msg, ix.Root.Header), string(m.Header.AppendTo(nil)), "%s: the stream's header", c.name)
	}
}

// The stream and the index find the same leaves.
func TestCorpusBothWays(t *testing.T) {
	for _, c := range corpus(t) {
		ix := index(t, c.msg)
		var want, got []string
		for p := range ix.Root.Leaves() {
			content, err := io.ReadAll(p.Open(strings.NewReader(c.msg)))
			require.NoError(t, err)
			want = append(want, fmt.Sprintf("%q %x", strings.ReplaceAll(p.Filename(), "\uFFFD", " "), // an index holds no NUL
				crc32.ChecksumIEEE(content)))
		}
		m, err := (&mime.ReaderOptions{OpenMessages: true}).NewReader(strings.NewReader(c.msg))
		require.NoError(t, err)
		for p, err := range m.Parts() {
			require.NoError(t, err)
			content, err := io.ReadAll(p)
			require.NoError(t, err)
			got = append(got, fmt.Sprintf("%q %x", strings.ReplaceAll(p.Filename(), "\uFFFD", " "), crc32.ChecksumIEEE(content)))
		}
		require.Equal(t, want, got, c.name)
	}
}
