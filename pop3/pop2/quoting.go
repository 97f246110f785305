package pop2

import "strings"

// unquote takes the quoting off an argument: a backslash stands before a character that is meant as itself (RFC 937,
// Quoting). ok is false when one stands at the end, and for characters that no argument may have.
func unquote(s string) (out string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i++; i == len(s) {
				return "", false
			}
		}
		if s[i] < ' ' || s[i] == 0x7f {
			return "", false
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

// quote is its reverse for a word, which may not have a space of its own.
func quote(s string) string { return strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(s) }

// parseHelo reads "user password".
func parseHelo(arg string) (user, password string, ok bool) {
	for i := 0; i < len(arg); i++ {
		switch arg[i] {
		case '\\':
			i++
		case ' ':
			user, ok1 := unquote(arg[:i])
			password, ok2 := unquote(arg[i+1:])
			if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(arg[i+1:], `\\`, ""), `\ `, ""), " ") {
				return "", "", false // a third word
			}
			return user, password, ok1 && ok2 && user != "" && password != ""
		}
	}
	return "", "", false
}
