package script

import (
	"slices"
	"strings"
)

// Commands returns the names of the IMAP commands that a case sends, sorted, "UID FETCH" apart from "FETCH".
func (c *Case) Commands() []string {
	var out []string
	for _, check := range c.Checks {
		for _, s := range check.steps {
			words := strings.Fields(strings.ToUpper(s.text))
			switch {
			case c.protocol(s.conn) != IMAP:
			case s.kind == authenticate:
				out = append(out, "AUTHENTICATE")
			case s.kind != send || len(words) < 2:
			case words[1] == "UID" && len(words) > 2:
				out = append(out, "UID "+words[2])
			default:
				out = append(out, words[1])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
