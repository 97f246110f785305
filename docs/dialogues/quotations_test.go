package dialogues_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/conformance/script"
)

var (
	rfcs  = flag.String("rfc", "", "folder with the RFCs as rfcNNNN.txt, to compare quotations with")
	write = flag.Bool("write", false, "with -rfc: write "+compared+" anew")
)

// compared has a line for each quotation that was found in its RFC, in the section that is named, so that those that were not are found where the
// RFCs aren't at hand.
const compared = "quotations.sum"

// clause is a clause and where it stands.
type clause struct {
	*script.Check
	at string
}

func clauses(t *testing.T) []clause {
	all, err := script.All()
	require.NoError(t, err)
	var out []clause
	for _, s := range all {
		for _, c := range s.Cases {
			for _, check := range c.Clauses() {
				out = append(out, clause{check, fmt.Sprintf("%s:%d", s.Name, check.Line)})
			}
		}
	}
	return out
}

// sum is the line of a quotation.
func (c clause) sum() string {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(c.Quote), " ")))
	return fmt.Sprintf("%d %s %x\n", c.RFC, c.Section, sum[:8])
}

// Every quotation has been compared with the RFC as it stands here.
func TestQuotationsWereCompared(t *testing.T) {
	if *write {
		t.Skip("is being written")
	}
	b, err := os.ReadFile(compared)
	require.NoError(t, err)
	known := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		known[line] = true
	}
	used := map[string]bool{}
	for _, c := range clauses(t) {
		used[c.sum()] = true
		if !known[c.sum()] {
			t.Errorf("%s: this was not compared with RFC %d section %s: %s\ngo test ./docs/dialogues -rfc FOLDER -write compares", c.at, c.RFC, c.Section, c.Quote)
		}
	}
	require.Equal(t, len(used), len(known), "%s has lines of quotations that are gone: write it anew", compared)
}

var (
	// marks are where a page of an RFC ends and the next one begins.
	marks = regexp.MustCompile(`\n[^\n]*\[Page \d+\]\s*\n\f?\n?[^\n]*\n`)
	// heading is the title of a section, with its number; lines of the table of contents have the page behind it.
	heading = regexp.MustCompile(`^(?:Appendix )?(1?\d(?:\.\d+)*|[A-F]\.\d+)(?:\.|  | ) *\S`)
	ofTable = regexp.MustCompile(`\.\s*\.\s*\.|\s\s\d+$`)
)

// rfc is the text of an RFC, with single spaces, and where its sections begin.
type rfc struct {
	text   string
	starts []int
	titles []string // numbers, and in RFCs that have none, what stands between empty lines
}

func readRFC(t *testing.T, number int) *rfc {
	b, err := os.ReadFile(filepath.Join(*rfcs, fmt.Sprintf("rfc%d.txt", number)))
	require.NoError(t, err)
	var out rfc
	var text strings.Builder
	lines := strings.Split(marks.ReplaceAllString(string(b), "\n"), "\n")
	empty := func(i int) bool { return i < 0 || i >= len(lines) || strings.TrimSpace(lines[i]) == "" }
	for i, line := range lines {
		words := strings.Join(strings.Fields(line), " ")
		title := ""
		if m := heading.FindStringSubmatch(line); m != nil && empty(i-1) && !ofTable.MatchString(line) {
			title = m[1]
		} else if number < 1000 && empty(i-1) && empty(i+1) {
			title = words
		}
		if title != "" {
			out.starts, out.titles = append(out.starts, text.Len()), append(out.titles, title)
		}
		if words != "" {
			text.WriteString(words + " ")
		}
	}
	out.text = text.String()
	return &out
}

// within reports whether what stands at a place belongs to a section.
func (r *rfc) within(at int, section string) bool {
	for i, start := range slices.Backward(r.starts) {
		if start > at {
			continue
		}
		title := r.titles[i]
		if title == section || strings.HasPrefix(title, section+".") || strings.HasPrefix(title, section+" ") {
			return true
		}
		if section[0] <= '9' {
			return false
		}
	}
	return false
}

// has reports whether a quotation stands in a section. "…" leaves something out.
func (r *rfc) has(quote, section string) bool {
	pieces := strings.Split(strings.Join(strings.Fields(quote), " "), "…")
	for from := 0; ; {
		at := strings.Index(r.text[from:], strings.TrimSpace(pieces[0]))
		if at < 0 {
			return false
		}
		at += from
		rest, whole := r.text[at:], r.within(at, section)
		for _, piece := range pieces {
			_, after, found := strings.Cut(rest, strings.TrimSpace(piece))
			rest, whole = after, whole && found
		}
		if whole {
			return true
		}
		from = at + 1
	}
}

// Every quotation stands in the section of the RFC that it names.
func TestQuotations(t *testing.T) {
	if *rfcs == "" {
		t.Skip("-rfc names no folder with the RFCs")
	}
	texts := map[int]*rfc{}
	var sums []string
	for _, c := range clauses(t) {
		r := texts[c.RFC]
		if r == nil {
			r = readRFC(t, c.RFC)
			texts[c.RFC] = r
		}
		if !r.has(c.Quote, c.Section) {
			t.Errorf("%s: not in RFC %d section %s: %s", c.at, c.RFC, c.Section, c.Quote)
		}
		sums = append(sums, c.sum())
	}
	if *write && !t.Failed() {
		slices.Sort(sums)
		require.NoError(t, os.WriteFile(compared, []byte(strings.Join(slices.Compact(sums), "")), 0o644))
	}
}
