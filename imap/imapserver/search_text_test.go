package imapserver_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/mime/charset"
)

// textSearchers are a server that reads messages itself, one whose store does, and two over files, with a cache and without.
func textSearchers(t *testing.T, all []string) map[string]*peer {
	dir := t.TempDir()
	peers := map[string]*peer{}
	for _, name := range []string{"server", "store", "cache", "files"} {
		f := newFixture(t, func(s *imapserver.Server) { s.CharsetReader = charset.NewReader })
		switch name {
		case "store":
			f.store.TextSearch, f.store.CharsetReader = true, charset.NewReader
		case "cache", "files":
			f.srv.Store = &maildir.Store{Path: filepath.Join(dir, name, "%u"), NoSync: true, CharsetReader: charset.NewReader, NoTextCache: name == "files"}
		}
		f.add("INBOX", all...)
		peers[name] = f.login("INBOX")
	}
	return peers
}

// A store that searches texts and a server that reads the messages find the same, over mail of all kinds and programs of all shapes.
func TestSearchTextAgrees(t *testing.T) {
	_, raw := corpus(t)
	var all []string
	for _, m := range raw {
		all = append(all, strings.ReplaceAll(string(m), "\r\n", "\n"))
	}
	all = append(all, simple, nested, "Subject: =?utf-8?b?SMOzYSDEkcahbg==?=\nSubject: second\nFrom: \"Smith, John\" <John@example.test>\nTo: binh@example.test (Bình)\n\nbody\n")
	peers := textSearchers(t, all)
	texts := []string{"a", "hoa don", "HÓA", "subject", "the", "example", "john", "smith, john <john", "@", "binh", ".pdf", "re:", "text/plain", "body", "thu", "京", ""}
	var key func(t *rapid.T, depth int) string
	key = func(t *rapid.T, depth int) string {
		op := rapid.SampledFrom([]string{"BODY", "TEXT", "SUBJECT", "FROM", "TO", "CC", "BCC", "HEADER X-Mailer", "HEADER Subject", "HEADER List-Id",
			"NOT", "OR", "AND", "FUZZY", "SMALLER 2000", "1:40", "UNFLAGGED"}).Draw(t, "key")
		if depth == 0 && (op == "NOT" || op == "OR" || op == "AND" || op == "FUZZY") {
			op = "TEXT"
		}
		switch op {
		case "NOT", "FUZZY":
			return op + " " + key(t, depth-1)
		case "OR":
			return op + " " + key(t, depth-1) + " " + key(t, depth-1)
		case "AND":
			return "(" + key(t, depth-1) + " " + key(t, depth-1) + ")"
		case "SMALLER 2000", "1:40", "UNFLAGGED":
			return op
		}
		s := rapid.SampledFrom(texts).Draw(t, "text")
		return fmt.Sprintf("%s {%d+}\r\n%s", op, len(s), s)
	}
	for _, p := range peers {
		p.do(`f STORE 3,5,9 +FLAGS.SILENT (\Flagged)`)
	}
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		program := key(t, 3)
		want := peers["server"].do("s SEARCH " + program)
		found += len(want[0])
		for name, p := range peers {
			require.Equal(t, want, p.do("s SEARCH "+program), "%s: %q", name, program)
		}
	})
	require.NotZero(t, found)
}

// A context (RFC 5267) with texts is told of new mail, whoever looks for them.
func TestSearchTextContext(t *testing.T) {
	for name, p := range textSearchers(t, []string{simple, "Subject: one\n\nneedle\n"}) {
		p.dialogue(`
			C: a SEARCH RETURN (ALL UPDATE) BODY needle
			S: * ESEARCH (TAG "a") ALL 2
			S: a OK SEARCH completed.`)
		p.send("b APPEND INBOX {16+}\r\nX: 1\r\n\r\na needle\r\n")
		lines := ""
		for line := p.line(); line[:2] != "b "; line = p.line() {
			lines += line + "\n"
		}
		require.Contains(t, lines, `* ESEARCH (TAG "a") ADDTO (0 3)`, name)
		require.NotContains(t, p.do(`c STORE 2 +FLAGS (\Seen)`), "REMOVEFROM", name)
	}
}
