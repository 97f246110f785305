package foldername

import (
	"fmt"
	"strconv"
	"strings"
)

// TrashName is where Dovecot, too, puts what is being deleted. No mailbox can have this name.
const TrashName = "..DOVECOT-TRASHED"

// reserved reports whether a folder of this name would be in the way of what a mailbox is made of.
func reserved(part string) bool {
	switch part {
	case "cur", "new", "tmp", "subscriptions", "maildirsize", "maildirfolder", TrashName:
		return true
	}
	return strings.HasPrefix(part, "dovecot") || strings.HasPrefix(part, "buuta.") || strings.HasPrefix(part, "courierimap") ||
		strings.HasPrefix(part, "maildirsize.")
}

// escapeReserved writes a level of its own as listescape would, "\" and two hexadecimal digits, where it needs to be another:
// "new" becomes "\6eew".
func escapeReserved(level string) string {
	var b strings.Builder
	for i := range len(level) {
		if level[i] == '\\' && isEscape(level[i:]) || i == 0 && reserved(level) {
			fmt.Fprintf(&b, `\%02x`, level[i])
		} else {
			b.WriteByte(level[i])
		}
	}
	return b.String()
}

func unescapeAll(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && isEscape(s[i:]) {
			n, _ := strconv.ParseUint(s[i+1:i+3], 16, 8)
			b.WriteByte(byte(n))
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isEscape(s string) bool {
	if len(s) < 3 {
		return false
	}
	for _, c := range []byte(s[1:3]) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
