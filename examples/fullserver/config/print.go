package config

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Given reports whether a parameter was set, by the file or on the command line.
func (c *Config) Given(name string) bool {
	_, ok := c.given[name]
	return ok
}

// Value returns a parameter's value with its $names expanded, and whether there is such a parameter.
func (c *Config) Value(name string) (string, bool) {
	v, ok := c.values[name]
	return v, ok
}

// Print writes parameters as postconf does: "name = value", sorted, with $names as they were written. With onlyGiven
// (-n) it leaves out those that have their default. With names it writes these alone; one that doesn't exist is an
// error, after the others have been written.
func (c *Config) Print(w io.Writer, onlyGiven bool, names ...string) error {
	var missing error
	all := len(names) == 0
	if all {
		for _, p := range c.params {
			names = append(names, p.Name)
		}
		for n := range c.given {
			if c.param(n) == nil {
				names = append(names, n)
			}
		}
		slices.Sort(names)
	}
	bw := bufio.NewWriter(w)
	for _, n := range names {
		e, given := c.given[n]
		p := c.param(n)
		switch {
		case given:
			fmt.Fprintln(bw, n+" = "+e.text)
		case p == nil:
			missing = fmt.Errorf("%s: unknown parameter%s", n, c.suggest(n))
		case !onlyGiven:
			text := p.Default
			if text == "" {
				text = c.values[n] // computed: myhostname, mydomain
			}
			fmt.Fprintln(bw, n+" = "+text)
		}
	}
	if err := bw.Flush(); err != nil {
		return err
	}
	return missing
}

// WriteCommented writes a main.cf that explains every parameter: those in values are set, the others stand there as
// comments with their defaults.
func WriteCommented(w io.Writer, preamble string, values map[string]string) error {
	bw := bufio.NewWriter(w)
	comment(bw, preamble)
	group := ""
	for _, p := range Groups() {
		if p.Refuse != "" {
			continue
		}
		if p.Group != group {
			group = p.Group
			fmt.Fprintf(bw, "\n# ---- %s ----\n", group)
		}
		fmt.Fprintln(bw)
		comment(bw, p.Help)
		if v, ok := values[p.Name]; ok {
			fmt.Fprintln(bw, strings.TrimRight(p.Name+" = "+v, " "))
		} else {
			fmt.Fprintln(bw, strings.TrimRight("#"+p.Name+" = "+p.Default, " "))
		}
	}
	return bw.Flush()
}

// comment writes text as comment lines of at most 100 characters.
func comment(w io.Writer, text string) {
	for para := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line := "#"
		for word := range strings.FieldsSeq(para) {
			if len(line)+1+len(word) > 100 {
				fmt.Fprintln(w, line)
				line = "#"
			}
			line += " " + word
		}
		fmt.Fprintln(w, line)
	}
}
