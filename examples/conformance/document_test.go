//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/buuta/mail/examples/conformance/script"
)

const preface = `# Which clauses of the RFCs mail servers keep

Written by ` + "`make conformance`" + `, which plays the dialogues of ` + "[dialogues](dialogues)" + ` against the servers below: ours as it is set without
a main.cf, others as Debian 12 has them, with as little set as there has to be. ` + "`go run ./examples/conformance -list`" + ` lists the clauses, and
without ` + "`-list`" + ` the program tries them on any server. "Not offered" is what a server doesn't announce or can't be asked here; "not reached" are clauses
whose dialogue ended at an earlier one.

What is said here of a server was compared with the sentence of the RFC that stands beside it, and holds for the version and the settings that were
tried: most of it can be set otherwise, and some of it is a choice that helps more people than it hurts. A test fails where one of these
lines is no longer so.
`

// document writes what came of all systems.
func document(w io.Writer, reports []*report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n| server | pass | MUST not kept | SHOULD not kept | MAY not done | not offered | not reached |\n| --- | --: | --: | --: | --: | --: | --: |\n", preface)
	for i, r := range reports {
		if r == nil {
			continue // -run left it out
		}
		must, should := r.bad(script.Must), r.bad(script.Should)
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", systems[i].title, r.count(script.Pass), must, should, r.count(script.Fail)-must-should,
			r.count(script.NotOffered), r.count(script.NotReached))
	}
	for i, r := range reports {
		if r == nil {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n", systems[i].title)
		n := 0
		for j := range r.Results {
			res := &r.Results[j]
			if !res.Bad() {
				continue
			}
			if n++; n == 1 {
				b.WriteString("\n| clause | level | its text | what the server does |\n| --- | --- | --- | --- |\n")
			}
			fmt.Fprintf(b, "| RFC %d section %s (%s) | %s | %s | %s |\n", res.Check.RFC, res.Check.Section, res.Case.Script, res.Check.Level, cell(res.Check.Quote), cell(res.Known))
		}
		if n == 0 {
			b.WriteString("\nKeeps all that it was asked for.\n")
		}
	}
	return b.Flush()
}

// cell makes text fit for a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "*", `\*`).Replace(strings.Join(strings.Fields(s), " "))
}
