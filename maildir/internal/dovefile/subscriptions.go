package dovefile

import (
	"bytes"
	"slices"
	"strings"
)

// ParseSubscriptions reads a subscriptions file: in version 2 a head "V\t2", an empty line, and a name a line with a tab
// between its levels; in version 1 a name a line with the separator between them. Names are returned with the separator.
func ParseSubscriptions(raw []byte, separator string) []string {
	var out []string
	rest, v2 := bytes.CutPrefix(raw, []byte("V\t2\n"))
	for line := range bytes.Lines(rest) {
		name := strings.TrimRight(string(line), "\r\n")
		if name == "" {
			continue
		}
		if v2 {
			name = unescape.Replace(strings.ReplaceAll(name, "\t", separator))
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// FormatSubscriptions writes version 2.
func FormatSubscriptions(names []string, separator string) []byte {
	b := []byte("V\t2\n\n")
	for _, name := range names {
		for i, level := range strings.Split(name, separator) {
			if i > 0 {
				b = append(b, '\t')
			}
			b = append(b, escape.Replace(level)...)
		}
		b = append(b, '\n')
	}
	return b
}
