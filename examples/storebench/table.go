package main

import (
	"fmt"
	"strings"
)

// table is what is printed.
type table struct{ rows [][]string }

// add adds a line: what was done, and how fast by calls, over IMAP, and by Dovecot over IMAP.
func (t *table) add(what, calls, imap, dovecot, note string) {
	t.rows = append(t.rows, []string{what, calls, imap, dovecot, note})
}

// String returns the table in Markdown.
func (t *table) String() string {
	var s strings.Builder
	s.WriteString("| | package maildir | the same over IMAP | Dovecot over IMAP | |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range t.rows {
		s.WriteString("| " + strings.Join(r, " | ") + " |\n")
	}
	return s.String()
}

func perSecond(n float64) string {
	switch {
	case n == 0:
		return ""
	case n >= 1e6:
		return fmt.Sprintf("%.1f M/s", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.0f,%03d/s", n/1000-0.5, int(n)%1000)
	}
	return fmt.Sprintf("%.0f/s", n)
}

func millis(ms float64) string {
	switch {
	case ms == 0:
		return ""
	case ms >= 1000:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// times says how many times faster the first is than the second.
func times(a, b float64) string {
	if a == 0 || b == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f x", a/b)
}
