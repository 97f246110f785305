// Package course_test holds the course to what it says: every transcript is played, every picture drawn anew, and both languages show the
// same. How a lesson is written stands in README.md, under "How the lessons are kept true".
package course_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// block is a fenced block of a lesson that is played.
type block struct {
	file  string
	line  int      // of its first line of text
	kind  string   // console, dialogue, log
	flags []string // what stands behind the kind
	lines []string
}

func (b *block) is(flag string) bool { return slices.Contains(b.flags, flag) }

// at is the place of the block's line i.
func (b *block) at(i int) string { return fmt.Sprintf("%s:%d", b.file, b.line+i) }

// lesson is a lesson in one language.
type lesson struct {
	file    string
	text    string
	blocks  []*block
	samples [][2]string // values that stand in the text for variables
	setup   []string    // what the student has that the lesson doesn't start from: see start
}

// kinds are the blocks that are played; others show what is not typed, and begin with another word.
var kinds = []string{"console", "dialogue", "log"}

// others may stand in a lesson without being played.
var others = []string{"text", "main.cf", "mermaid"}

// comment is what the reader doesn't see: <!-- samples: VALUE is NAME, … --> and <!-- setup: WORD … -->.
var comment = regexp.MustCompile(`<!-- (samples|setup): (.*?) -->`)

func readLesson(t *testing.T, file string) *lesson {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	l := &lesson{file: file, text: string(text)}
	for _, m := range comment.FindAllStringSubmatch(l.text, -1) {
		if m[1] == "setup" {
			l.setup = strings.Fields(m[2])
			continue
		}
		for _, sample := range strings.Split(m[2], ", ") {
			value, name, ok := strings.Cut(sample, " is ")
			require.True(t, ok, "%s: %q is no VALUE is NAME", file, sample)
			l.samples = append(l.samples, [2]string{value, name})
		}
	}
	var open *block
	fenced := false
	for i, line := range strings.Split(l.text, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && !fenced:
			fenced = true
			words := strings.Fields(info)
			require.NotEmpty(t, words, "%s:%d: a block says what it is", file, i+1)
			if slices.Contains(kinds, words[0]) {
				open = &block{file: file, line: i + 2, kind: words[0], flags: words[1:]}
				l.blocks = append(l.blocks, open)
			} else {
				require.Contains(t, others, words[0], "%s:%d", file, i+1)
			}
		case fence:
			fenced, open = false, nil
		case open != nil:
			open.lines = append(open.lines, l.named(line))
		}
	}
	require.False(t, fenced, "%s: a block has no end", file)
	return l
}

// named puts variables where the samples stand.
func (l *lesson) named(line string) string {
	for _, s := range l.samples {
		line = strings.ReplaceAll(line, s[0], "<"+s[1]+">")
	}
	return line
}

// pattern is a line of a transcript as an expression: "…" stands for anything, <name> for a variable, which keeps the value that it had first.
type pattern struct {
	re    *regexp.Regexp
	names []string // of the variables that are set here, in order
}

var (
	token    = regexp.MustCompile(`…|<[a-z][a-z0-9]*>`)
	logDate  = regexp.MustCompile(`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `)
	logTimes = regexp.MustCompile(`(\[)\d+(\]: )|(delays?=)[\d./]+`)
)

// compile makes a pattern; one of a log takes any date, process and times where the line has some.
func compile(line string, vars map[string]string, log bool) pattern {
	var p pattern
	expr := "^"
	literal := func(s string) {
		if !log {
			expr += regexp.QuoteMeta(s)
			return
		}
		if d := logDate.FindString(s); d != "" && expr == "^" {
			expr += `[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `
			s = s[len(d):]
		}
		at := 0
		for _, m := range logTimes.FindAllStringSubmatchIndex(s, -1) {
			expr += regexp.QuoteMeta(s[at:m[0]])
			if m[2] >= 0 {
				expr += `\[\d+\]: `
			} else {
				expr += regexp.QuoteMeta(s[m[6]:m[7]]) + `[\d./]+`
			}
			at = m[1]
		}
		expr += regexp.QuoteMeta(s[at:])
	}
	at := 0
	for _, m := range token.FindAllStringIndex(line, -1) {
		literal(line[at:m[0]])
		at = m[1]
		tok := line[m[0]:m[1]]
		name := strings.Trim(tok, "<>")
		value, set := vars[name]
		switch {
		case tok == "…":
			expr += ".*"
		case set:
			expr += regexp.QuoteMeta(value)
		default:
			expr += "(.+?)"
			p.names = append(p.names, name)
		}
	}
	literal(line[at:])
	p.re = regexp.MustCompile(expr + "$")
	return p
}

// match compares a line, and sets the variables that it gives values to.
func (p pattern) match(line string, vars map[string]string) bool {
	m := p.re.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	found := map[string]string{}
	for i, name := range p.names {
		if old, again := found[name]; again && old != m[i+1] {
			return false
		}
		found[name] = m[i+1]
	}
	for name, value := range found {
		vars[name] = value
	}
	return true
}

// expand puts values for variables into what is typed.
func expand(s string, vars map[string]string) string {
	return token.ReplaceAllStringFunc(s, func(tok string) string {
		if value, ok := vars[strings.Trim(tok, "<>")]; ok && tok != "…" {
			return value
		}
		return tok
	})
}

// matchLines compares lines with patterns, of which "…" alone is any number of lines. It says where they differ.
func matchLines(want, got []string, vars map[string]string) error {
	i := 0
	for j, w := range want {
		if w == "…" {
			if j == len(want)-1 {
				return nil
			}
			next := compile(want[j+1], vars, false)
			for i < len(got) && !next.re.MatchString(got[i]) {
				i++
			}
			continue
		}
		if i == len(got) {
			return fmt.Errorf("missing: %s\nall that came:\n%s", w, strings.Join(got, "\n"))
		}
		if !compile(w, vars, false).match(got[i], vars) {
			return fmt.Errorf("expected: %s\n    came: %s\nall that came:\n%s", expand(w, vars), got[i], strings.Join(got, "\n"))
		}
		i++
	}
	if i < len(got) {
		return fmt.Errorf("came too: %s\nall that came:\n%s", got[i], strings.Join(got, "\n"))
	}
	return nil
}
