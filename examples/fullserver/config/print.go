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

// PrintOptions are postconf's flags. The zero value prints every parameter as it was written.
type PrintOptions struct {
	OnlyGiven  bool // -n: without those that have their default
	Defaults   bool // -d: the defaults, whatever was set
	Expanded   bool // -x: with the values of $names
	ValuesOnly bool // -h: without names
	NamesOnly  bool // -H: without values
}

// Print writes parameters as postconf does: "name = value", sorted, with $names as they were written and white space made one space. With names it
// writes these alone. It returns those that don't exist, each with what may have been meant.
func (c *Config) Print(w io.Writer, o PrintOptions, names ...string) (unknown []string, err error) {
	if len(names) == 0 {
		names = c.printable(o)
	}
	bw := bufio.NewWriter(w)
	for _, n := range names {
		e, given := c.given[n]
		p := c.param(n)
		text := e.text
		switch {
		case p == nil && (!given || o.Defaults):
			unknown = append(unknown, n+": unknown parameter"+c.suggest(n))
			continue
		case o.OnlyGiven && !given:
			continue
		case o.Defaults || !given:
			if text = p.Default; n == "mydomain" { // myhostname's default is computed when the file is read
				text = c.values[n]
			}
			if n == "mydomain" && o.Defaults {
				_, text, _ = strings.Cut(c.param("myhostname").Default, ".")
			}
		}
		if o.Expanded && !o.Defaults {
			text = c.values[n]
		}
		text = strings.Join(strings.Fields(text), " ")
		switch {
		case o.NamesOnly:
			text = n
		case !o.ValuesOnly:
			text = strings.TrimRight(n+" = "+text, " ")
		}
		fmt.Fprintln(bw, text)
	}
	return unknown, bw.Flush()
}

// printable returns the names of all parameters, of the site's own too, if their values are used.
func (c *Config) printable(o PrintOptions) []string {
	var names []string
	for _, p := range c.params {
		names = append(names, p.Name)
	}
	for n := range c.given {
		if c.param(n) == nil && !o.Defaults && !c.unused[n] {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// WriteCommented writes a main.cf that explains every parameter: those in values are set, the others stand there as
// comments with their defaults.
func WriteCommented(w io.Writer, preamble string, values map[string]string) error {
	bw := bufio.NewWriter(w)
	comment(bw, preamble)
	group := ""
	for _, p := range Groups() {
		if p.Refuse != "" || p.Inert != "" || p.Group == "Postfix" || p.Name == "virtual_maps" {
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
