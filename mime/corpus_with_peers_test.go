package mime_test

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/mime/charset"
)

// peerAnswer is what another parser found in a message.
type peerAnswer struct {
	Subject, Tree string
	Leaves        []peerLeaf
	Error         string // why it read nothing
}

type peerLeaf struct {
	Type, Name, Text string
	Octets           []byte
}

func (a *peerAnswer) lines() []string {
	lines := []string{subjectLine(a.Subject), "tree " + a.Tree}
	for _, l := range a.Leaves {
		if strings.HasPrefix(l.Type, "text/") {
			l.Octets = []byte(l.Text)
		}
		lines = append(lines, leafLine(l.Type, l.Name, l.Octets))
	}
	return lines
}

// differences names in what an answer differs from ours: "tree", "subject", "name", "content", or "refused".
func (a *peerAnswer) differences(golden string) string {
	if a.Error != "" {
		return "refused"
	}
	_, answer, _ := strings.Cut(golden, "\nanswer\n")
	want, got := strings.Split(strings.TrimSuffix(answer, "\n"), "\n"), a.lines()
	var found []string
	add := func(what string) {
		if !slices.Contains(found, what) {
			found = append(found, what)
		}
	}
	if want[0] != got[0] {
		add("subject")
	}
	if want[1] != got[1] {
		add("tree")
	}
	want, got = want[2:], got[2:]
	for i := range min(len(want), len(got)) {
		wantName, wantContent := splitLeaf(want[i])
		gotName, gotContent := splitLeaf(got[i])
		if wantName != gotName {
			add("name")
		}
		if wantContent != gotContent {
			add("content")
		}
	}
	return strings.Join(found, ",")
}

// splitLeaf splits what leafLine wrote into the name and the content, without the type.
func splitLeaf(line string) (name, content string) {
	_, rest, _ := strings.Cut(line, " name ")
	for _, mark := range []string{"\" text ", "\" octets "} {
		if i := strings.LastIndex(rest, mark); i >= 0 && (mark != "\" octets " || !strings.Contains(rest, "\" text ")) {
			return rest[:i], rest[i:]
		}
	}
	return rest, ""
}

// comparePeer holds a peer's answers to the golden files: where it differs, the file says in what and why.
func comparePeer(t *testing.T, peer string, ask func(c class) peerAnswer) {
	for _, c := range corpus(t) {
		golden, differs := readGolden(t, c.name)
		a := ask(c)
		found := a.differences(golden)
		what, reason, _ := strings.Cut(differs[peer], ":")
		reason = strings.TrimSpace(reason)
		if *update && what != found {
			if delete(differs, peer); found != "" {
				differs[peer] = found + ": " + reason
			}
			writeGolden(t, c.name, golden, differs)
			what = found
		}
		detail := a.Error + "\n" + strings.Join(a.lines(), "\n") + "\ngolden\n" + golden
		assert.Equal(t, what, found, "%s read by %s:\n%s", c.name, peer, detail)
		assert.Equal(t, what != "", reason != "", "%s: say in %s.golden why %s differs in %s:\n%s", c.name, c.name, peer, what, detail)
	}
}

func TestCorpusAgainstGoMessage(t *testing.T) {
	before := message.CharsetReader
	message.CharsetReader = charset.NewReader
	defer func() { message.CharsetReader = before }()
	comparePeer(t, "go-message", func(c class) (a peerAnswer) {
		e, err := message.Read(strings.NewReader(c.msg))
		if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
			return peerAnswer{Error: err.Error()}
		}
		a.Subject, _ = e.Header.Text("Subject")
		a.Tree, err = goMessageTree(e, &a.Leaves)
		if err != nil {
			a.Error = err.Error()
		}
		return a
	})
}

// goMessageTree describes an entity and collects its leaves; those of messages inside too.
func goMessageTree(e *message.Entity, leaves *[]peerLeaf) (string, error) {
	typ, _, err := e.Header.ContentType()
	if err != nil {
		return "", err
	}
	if m := e.MultipartReader(); m != nil {
		var parts []string
		for {
			p, err := m.NextPart()
			if err == io.EOF {
				return typ + "(" + strings.Join(parts, " ") + ")", nil
			} else if err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
				return "", err
			}
			tree, err := goMessageTree(p, leaves)
			if err != nil {
				return "", err
			}
			parts = append(parts, tree)
		}
	}
	if typ == "message/rfc822" || typ == "message/global" {
		in, err := message.Read(e.Body)
		if err != nil {
			return "", err
		}
		tree, err := goMessageTree(in, leaves)
		return typ + "{" + tree + "}", err
	}
	content, err := io.ReadAll(e.Body)
	if err != nil {
		return "", err
	}
	h := gomail.AttachmentHeader{Header: e.Header}
	name, _ := h.Filename()
	*leaves = append(*leaves, peerLeaf{Type: typ, Name: name, Text: string(content), Octets: content})
	return typ, nil
}

func TestCorpusAgainstPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is missing")
		}
		t.Skip("python3 is missing")
	}
	cmd := exec.Command("python3", "testdata/peer.py", corpusDir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var answers map[string]peerAnswer
	require.NoError(t, json.Unmarshal(out, &answers))
	comparePeer(t, "python", func(c class) peerAnswer { return answers[c.name] })
}
