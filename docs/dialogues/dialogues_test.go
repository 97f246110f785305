package dialogues_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

var rfcs = flag.String("rfc", "", "folder with the RFCs as rfcNNNN.txt, to compare quotations with")

// There are at least as many clauses as the program promises, of each kind.
func TestHowMany(t *testing.T) {
	all, err := script.All()
	require.NoError(t, err)
	n := map[string]int{}
	for _, s := range all {
		for _, c := range s.Cases {
			n[filepath.Dir(s.Name)] += len(c.Clauses())
		}
	}
	require.GreaterOrEqual(t, n["smtp"], 120)
	require.GreaterOrEqual(t, n["imap"], 200)
	require.GreaterOrEqual(t, n["pop3"], 50)
	require.GreaterOrEqual(t, n["mime"], 30)
	require.GreaterOrEqual(t, n["lmtp"], 8)
}

// marks are where a page of an RFC ends and the next one begins.
var marks = regexp.MustCompile(`\n[^\n]*\[Page \d+\]\s*\n\f?\n?[^\n]*\n`)

// Every quotation stands in the RFC that it names. "…" leaves out at most a few sentences.
func TestQuotations(t *testing.T) {
	if *rfcs == "" {
		t.Skip("-rfc names no folder with the RFCs")
	}
	spaces := regexp.MustCompile(`\s+`)
	texts := map[int]string{}
	all, err := script.All()
	require.NoError(t, err)
	for _, s := range all {
		for _, c := range s.Cases {
			for _, check := range c.Clauses() {
				text, ok := texts[check.RFC]
				if !ok {
					b, err := os.ReadFile(filepath.Join(*rfcs, fmt.Sprintf("rfc%d.txt", check.RFC)))
					require.NoError(t, err, s.Name)
					text = spaces.ReplaceAllString(marks.ReplaceAllString(string(b), "\n"), " ")
					texts[check.RFC] = text
				}
				at := text
				for piece := range strings.SplitSeq(check.Quote, "…") {
					piece = strings.TrimSpace(spaces.ReplaceAllString(piece, " "))
					_, after, found := strings.Cut(at, piece)
					if !found {
						t.Errorf("%s:%d: not in RFC %d: %s", s.Name, check.Line, check.RFC, check.Quote)
						break
					}
					at = after
				}
			}
		}
	}
}
