// Package source reads the text of lookup tables: logical lines, lists with braces, and what is wrong with them.
package source

import (
	"strconv"
	"strings"
)

// Problem is something wrong with a table's text. It is an error where the table can't be used because of it, and a warning where
// only its line is left out.
type Problem struct {
	File   string // the file's name or, for tables inside main.cf, "type:{…}"
	Line   int    // 1 is the first; 0: the file as a whole
	Reason string // what is wrong and, where that is not plain, how to mend it
	Err    error  // what the operating system said, or nil
}

// Error is "file:line: reason".
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		b.WriteByte(':')
		b.WriteString(strconv.Itoa(p.Line))
	}
	b.WriteString(": ")
	b.WriteString(p.Reason)
	return b.String()
}

func (p *Problem) Unwrap() error { return p.Err }

// Quote shows a piece of input on one line, cut where it is long.
func Quote(s string) string {
	const most = 60
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(strings.ToValidUTF8(s, "?"))
}
