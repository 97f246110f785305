package maildir

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/buuta/mail"
)

// parseKeywords reads a dovecot-keywords file: "<0..25> <keyword>" a line. What can't be read is left out.
func parseKeywords(b []byte) []string {
	var out []string
	for line := range bytes.Lines(b) {
		num, name, ok := bytes.Cut(bytes.TrimRight(line, "\n"), []byte(" "))
		n, err := strconv.ParseUint(string(num), 10, 8)
		if !ok || err != nil || n >= maxKeywords || !mail.ValidKeyword(string(name)) {
			continue
		}
		for len(out) <= int(n) {
			out = append(out, "")
		}
		out[n] = string(name)
	}
	return out
}

// formatKeywords writes a dovecot-keywords file.
func formatKeywords(keywords []string) []byte {
	var b []byte
	for i, k := range keywords {
		if k != "" {
			b = fmt.Appendf(b, "%d %s\n", i, k)
		}
	}
	return b
}
