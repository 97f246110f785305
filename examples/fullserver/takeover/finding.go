// Package takeover reads an installed pair of Postfix and Dovecot, says what fullserver does otherwise, writes the configuration that takes the pair's place
// over the same mailboxes, and does the change: the queue drained, the pair stopped, the server started; and the way back.
//
// Nothing of the pair's configuration is ever changed. Every setting of Dovecot's that is set is accounted for: translated, the same here by itself, or
// named with what will differ.
package takeover

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail/examples/fullserver/maillog"
)

// Kind is what became of a setting.
type Kind int

// The kinds, the least remarkable first.
const (
	Same       Kind = iota // this server does it so by itself
	Translated             // set in the new main.cf
	Differs                // it will be otherwise
	Blocks                 // mail, or access to it, would be lost: nothing is taken over before it is mended
)

// Finding is one setting, or one fact about the installed pair, and what becomes of it.
type Finding struct {
	Kind  Kind
	Where string // "doveconf, line 12", "/etc/postfix/main.cf"; "" for none
	What  string // as it is written there: "mail_location = maildir:~/Maildir"
	Text  string // what becomes of it
	Do    string // how to mend it; "" where there is nothing to do
	Param string // -set with this parameter of main.cf answers it; "" for none
}

var headings = [...]string{Same: "Is the same", Translated: "Is carried over", Differs: "Will differ", Blocks: "Blocks"}

// Findings are a report.
type Findings []Finding

// Count is how many are of a kind.
func (f Findings) Count(k Kind) (n int) {
	for i := range f {
		if f[i].Kind == k {
			n++
		}
	}
	return n
}

// Write prints the report, what blocks first. Without all, of what is the same or carried over there is the number, and of many that have the same to say the first.
func (f Findings) Write(w io.Writer, all bool) error {
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Finding) int { return cmp.Compare(b.Kind, a.Kind) })
	more := map[Finding][]string{} // where else, by what is said
	said := func(x Finding) Finding { return Finding{Kind: x.Kind, Text: x.Text, Do: x.Do} }
	if !all {
		for _, x := range sorted {
			more[said(x)] = append(more[said(x)], x.Where)
		}
	}
	var b strings.Builder
	last := Kind(-1)
	for _, x := range sorted {
		if x.Kind != last {
			last = x.Kind
			fmt.Fprintf(&b, "%s (%d)\n", headings[x.Kind], f.Count(x.Kind))
		}
		if !all && x.Kind < Differs {
			continue
		}
		const few = 3
		also := more[said(x)]
		if len(also) > few && also[0] == "" {
			continue
		}
		line := "  "
		if x.Where != "" {
			line += x.Where + ": "
		}
		if x.What != "" {
			line += oneLine(x.What) + ": "
		}
		b.WriteString(line + oneLine(x.Text) + "\n")
		if len(also) > few {
			fmt.Fprintf(&b, "    and %d more (%s)\n", len(also)-1, oneLine(lines(also[1:])))
			also[0] = "" // that much is said
		}
		if x.Do != "" {
			b.WriteString("    -> " + oneLine(x.Do) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines are the numbers in what "doveconf, line 12" is, those that follow one another as "12-15".
func lines(where []string) string {
	var out []string
	first, last := 0, 0
	end := func() {
		switch {
		case first == 0:
		case first == last:
			out = append(out, fmt.Sprint(first))
		default:
			out = append(out, fmt.Sprintf("%d-%d", first, last))
		}
	}
	for _, w := range where {
		_, number, _ := strings.Cut(w, ", line ")
		n, err := strconv.Atoi(number)
		if err != nil || n == last {
			continue
		}
		if n != last+1 || first == 0 {
			end()
			first = n
		}
		last = n
	}
	end()
	if len(out) == 0 {
		return "-all names them"
	}
	return "lines " + strings.Join(out, ", ")
}

// oneLine keeps what is in a configuration from being more than a line of a report.
func oneLine(s string) string { return string(maillog.AppendClean(nil, s)) }
