package archive

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/buuta/mail"
)

// mbox keeps flags in header fields, as mutt, Dovecot and many others do. Of each we write one, as the first fields, and read and
// take away the first: what a message has of its own below stays.
const (
	statusField   = "Status"
	xStatusField  = "X-Status"
	keywordsField = "X-Keywords"
)

var xStatus = []struct {
	letter byte
	flag   mail.SystemFlags
}{{'A', mail.Answered}, {'F', mail.Flagged}, {'D', mail.Deleted}, {'T', mail.Draft}}

// formatStatus writes the fields, with LF.
func formatStatus(f mail.Flags) string {
	status := "O" // it is not new: we know of it
	if f.System&mail.Seen != 0 {
		status = "RO"
	}
	var x []byte
	for _, l := range xStatus {
		if f.System&l.flag != 0 {
			x = append(x, l.letter)
		}
	}
	// A message may begin with what looks like the rest of a field: it comes behind the one that can't be folded.
	return fmt.Sprintf("%s: %s\n%s: %s\n%s: %s\n", keywordsField, strings.Join(f.Keywords, " "), xStatusField, x, statusField, status)
}

// takeStatus takes the fields out of a header with any line ends.
func takeStatus(header []byte) (rest []byte, f mail.Flags) {
	rest = header[:0]
	var took [3]bool
	var keywords []string
	taking := false
	for line := range bytes.Lines(header) {
		if taking && (line[0] == ' ' || line[0] == '\t') {
			keywords = appendKeywords(keywords, line)
			continue
		}
		taking = false
		name, value, _ := bytes.Cut(line, []byte(":"))
		field := -1
		for i, n := range []string{statusField, xStatusField, keywordsField} {
			if strings.EqualFold(string(bytes.TrimSpace(name)), n) && !took[i] {
				field = i
			}
		}
		switch field {
		case 0:
			if bytes.IndexByte(value, 'R') >= 0 {
				f.System |= mail.Seen
			}
		case 1:
			for _, l := range xStatus {
				if bytes.IndexByte(value, l.letter) >= 0 {
					f.System |= l.flag
				}
			}
		case 2:
			keywords = appendKeywords(keywords, value)
			taking = true
		default:
			rest = append(rest, line...)
			continue
		}
		took[field] = true
	}
	f.Keywords = mail.NewFlags(keywords...).Keywords
	return rest, f
}

func appendKeywords(to []string, value []byte) []string {
	for _, k := range strings.FieldsFunc(string(value), func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\r' || r == '\n' }) {
		if mail.ValidKeyword(k) && len(to) < 100 {
			to = append(to, k)
		}
	}
	return to
}
