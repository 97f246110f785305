package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/buuta/mail/examples/conformance/script"
)

// list prints the clauses.
func list(w io.Writer, o *options, cases []*script.Case) error {
	b := bufio.NewWriter(w)
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		for _, check := range c.Clauses() {
			if o.wanted(c, check) {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", clause(check), check.Level, name(c, check), check.Text(o.lang))
			}
		}
	}
	_ = tw.Flush()
	return b.Flush()
}

// table prints a line for each clause, what went wrong below it, and how many there are of each outcome.
func table(w io.Writer, o *options, r *report) error {
	b := bufio.NewWriter(w)
	for i := range r.Results {
		res := &r.Results[i]
		outcome := o.word(string(res.Outcome))
		fmt.Fprintf(b, "%-24s %-6s %s%s  %s\n", clause(res.Check), res.Check.Level, outcome, strings.Repeat(" ", max(0, 11-len([]rune(outcome)))), res.Check.Text(o.lang))
		if res.Outcome == script.Fail {
			fmt.Fprintf(b, "    %s\n    \"%s\"\n", name(res.Case, res.Check), res.Check.Quote)
			if res.Known != "" {
				fmt.Fprintf(b, "    %s: %s\n", o.word("known"), res.Known)
			}
			indent(b, "    ", res.Why)
		}
		if o.all && res.Transcript != "" || o.verbose && res.Outcome == script.Fail {
			indent(b, "      ", res.Transcript)
		}
	}
	fmt.Fprintf(b, "\n%d %s: ", len(r.Results), o.word("clauses"))
	for i, outcome := range []script.Outcome{script.Pass, script.Fail, script.NotOffered, script.NotReached} {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(b, "%d %s", r.count(outcome), o.word(string(outcome)))
	}
	fmt.Fprintf(b, " (MUST %d, SHOULD %d, MAY %d)", r.bad(script.Must), r.bad(script.Should), r.count(script.Fail)-r.bad(script.Must)-r.bad(script.Should))
	if r.Interrupted {
		b.WriteString("; " + o.word("interrupted"))
	}
	b.WriteString("\n")
	return b.Flush()
}

func indent(w io.Writer, by, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "%s%s\n", by, script.Printable(strings.TrimRight(line, "\r\n")))
	}
}
