package config

import (
	"path/filepath"
	"slices"
	"strings"
)

// Paths returns every absolute path that a parameter's value or a service of master.cf names, files of tables among them, without doubles. Not those
// of mail_location, which is a pattern.
func (c *Config) Paths() []string {
	var out []string
	add := func(text string) {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\n,{}()", r) }) {
			if i := strings.Index(word, "/"); i >= 0 && (i == 0 || strings.ContainsRune(":=<", rune(word[i-1]))) {
				out = append(out, filepath.Clean(word[i:]))
			}
		}
	}
	for _, row := range Groups() {
		if row.Name != "mail_location" && row.Inert == "" {
			v, _ := c.Value(row.Name)
			add(v)
			if row.Name == "myorigin" { // a file that has it
				add(c.given[row.Name].text)
			}
		}
	}
	for _, s := range c.master {
		if !c.Disabled(s) {
			for _, o := range s.Overrides {
				add(o.Value)
			}
			add(strings.Join(s.Args, " "))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
