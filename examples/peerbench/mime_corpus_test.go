package peerbench

import (
	"bytes"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/text/unicode/norm"
)

const corpusDir = "../../mime/testdata/corpus"

// endless is a message on which enmime v2.3.0 never comes back; it isn't asked.
const endless = "hostile-hundred-and-twenty-levels.eml"

var update = flag.Bool("update", false, "rewrite in what enmime differs; the reasons stay and new ones have to be written by hand")

// TestCorpusAgainstEnmime reads package mime's corpus with enmime. Each golden file there holds the answer of package mime, and a line
// "differs enmime" where this one is another, with the reason.
func TestCorpusAgainstEnmime(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpusDir, "*.eml"))
	if err != nil || len(files) < 300 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		msg, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(f, ".eml") + ".golden"
		what, reason, answer, rest := readGolden(t, golden)
		lines, found := []string(nil), "refused"
		if filepath.Base(f) != endless {
			if lines, err = enmimeAnswer(msg); err == nil {
				found = differences(answer, lines)
			}
		}
		if *update && found != what {
			if what = found; found != "" {
				rest += "differs enmime " + found + ": " + reason + "\n"
			}
			if err := os.WriteFile(golden, []byte(rest), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if what != found {
			t.Errorf("%s: differs in %q and not in %q (%v)\n%s\ngolden\n%s", golden, found, what, err, strings.Join(lines, "\n"), strings.Join(answer, "\n"))
		}
		if (what != "") != (reason != "") {
			t.Errorf("say in %s why enmime differs in %q (%v):\n%s\ngolden\n%s", golden, what, err, strings.Join(lines, "\n"), strings.Join(answer, "\n"))
		}
	}
}

// readGolden returns what the file says of enmime, the answer in it, and all but what it says of enmime.
func readGolden(t *testing.T, file string) (what, reason string, answer []string, rest string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if mine, ok := strings.CutPrefix(line, "differs enmime "); ok {
			what, reason, _ = strings.Cut(strings.TrimSpace(mine), ":")
			reason = strings.TrimSpace(reason)
			continue
		}
		rest += line
	}
	_, after, _ := strings.Cut(rest, "\nanswer\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "differs ") {
			answer = append(answer, strings.TrimSuffix(line, "\n"))
		}
	}
	return what, reason, answer, rest
}

// differences names in what two answers differ.
func differences(want, got []string) string {
	var found []string
	add := func(what string) {
		if !slices.Contains(found, what) {
			found = append(found, what)
		}
	}
	for i := range min(len(want), len(got)) {
		switch {
		case want[i] == got[i]:
		case i == 0:
			add("subject")
		case i == 1:
			add("tree")
		default:
			wantName, wantContent := splitLeaf(want[i])
			gotName, gotContent := splitLeaf(got[i])
			if wantName != gotName {
				add("name")
			}
			if wantContent != gotContent {
				add("content")
			}
		}
	}
	return strings.Join(found, ",")
}

func splitLeaf(line string) (name, content string) {
	_, rest, _ := strings.Cut(line, " name ")
	for _, mark := range []string{"\" text ", "\" octets "} {
		if i := strings.Index(rest, mark); i >= 0 {
			return rest[:i], rest[i:]
		}
	}
	return rest, ""
}

func enmimeAnswer(msg []byte) (lines []string, err error) {
	e, err := enmime.ReadEnvelope(bytes.NewReader(msg))
	if err != nil {
		return nil, err
	}
	lines = []string{fmt.Sprintf("subject %q", norm.NFC.String(strings.TrimSpace(e.GetHeader("Subject")))), ""}
	tree, err := enmimeTree(e.Root, &lines)
	lines[1] = "tree " + tree
	return lines, err
}

// enmimeTree describes a part and adds its leaves to lines; those of messages inside too.
func enmimeTree(p *enmime.Part, lines *[]string) (string, error) {
	typ := p.ContentType
	if typ == "" {
		typ = "text/plain"
	}
	if p.FirstChild != nil {
		var parts []string
		for c := p.FirstChild; c != nil; c = c.NextSibling {
			tree, err := enmimeTree(c, lines)
			if err != nil {
				return "", err
			}
			parts = append(parts, tree)
		}
		return typ + "(" + strings.Join(parts, " ") + ")", nil
	}
	if typ == "message/rfc822" || typ == "message/global" {
		in, err := enmime.ReadEnvelope(bytes.NewReader(p.Content))
		if err != nil {
			return "", err
		}
		tree, err := enmimeTree(in.Root, lines)
		return typ + "{" + tree + "}", err
	}
	line := fmt.Sprintf("leaf %s name %q", typ, norm.NFC.String(p.FileName))
	switch {
	case strings.HasPrefix(typ, "message/"):
	case strings.HasPrefix(typ, "text/"):
		s := norm.NFC.String(strings.TrimRight(strings.ReplaceAll(string(p.Content), "\r\n", "\n"), "\n"))
		if len(s) > 300 {
			line += fmt.Sprintf(" text of %d crc %08x", len(s), crc32.ChecksumIEEE([]byte(s)))
		} else {
			line += fmt.Sprintf(" text %q", s)
		}
	default:
		line += fmt.Sprintf(" octets %d crc %08x", len(p.Content), crc32.ChecksumIEEE(p.Content))
	}
	*lines = append(*lines, line)
	return typ, nil
}
