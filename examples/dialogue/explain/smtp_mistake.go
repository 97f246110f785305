package explain

import "strings"

// order finds a command that comes at the wrong time. Servers may be more patient; what they say comes next.
func (p *smtp) order(n *Note, verb string) {
	switch {
	case p.phase == "greeted" && (verb == "MAIL" || verb == "RCPT" || verb == "DATA" || verb == "AUTH" || verb == "BDAT"):
		n.mistake("mistake.hello-first", p.hello())
		n.cite("RFC 5321 section 4.1.4")
	case (p.phase == "mail" || p.phase == "rcpt") && verb == "MAIL":
		n.mistake("mistake.nested-mail")
	case p.phase == "ready" && (verb == "RCPT" || verb == "DATA" || verb == "BDAT"):
		n.mistake("mistake.mail-first", verb)
	case p.phase == "mail" && (verb == "DATA" || verb == "BDAT"):
		n.mistake("mistake.rcpt-first", verb)
	case verb == "STARTTLS" && p.s.secure:
		n.mistake("mistake.tls-twice")
	case verb == "AUTH" && p.authed:
		n.mistake("mistake.auth-twice")
	case verb == "AUTH" && (p.phase == "mail" || p.phase == "rcpt"):
		n.mistake("mistake.auth-late")
	default:
		return
	}
	n.cite("RFC 5321 section 4.1.4")
}

// unknown says what a line may have been meant to be.
func (p *smtp) unknown(n *Note, line, verb, upper string) {
	near, tag := nearest(upper, smtpCommands), tagged(line)
	name, _, colon := strings.Cut(line, ":")
	switch {
	case line == "":
		n.mistake("mistake.empty-line")
	case strings.HasPrefix(upper, "MAILFROM") || strings.HasPrefix(upper, "RCPTTO"):
		n.mistake("mistake.missing-space", upper[:4])
	case near != "":
		n.mistake("mistake.typo", verb, near)
	case foreign(upper, pop3Commands):
		n.mistake("mistake.is-pop3", upper)
	case tag != "":
		n.mistake("mistake.is-imap", tag)
	case httpMethod(upper):
		n.mistake("mistake.is-http")
	case line == ".":
		n.mistake("mistake.dot-outside")
	case colon && fieldName(name):
		n.mistake("mistake.header-outside", name)
	case line != "" && line[0] >= 0x80 || strings.HasPrefix(line, "\x16\x03"):
		n.mistake("mistake.is-tls")
	default:
		n.mistake("mistake.unknown-command", verb)
	}
	n.cite("RFC 5321 section 4.2.4")
}

func foreign(word string, commands map[string]string) bool { _, ok := commands[word]; return ok }

func httpMethod(word string) bool {
	switch word {
	case "GET", "POST", "PUT", "OPTIONS", "CONNECT":
		return true
	}
	return false
}

// tagged is the IMAP command in a line that begins with a tag; "" where there is none.
func tagged(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return ""
	}
	if upper := strings.ToUpper(words[1]); imapCommands[upper] != "" {
		return upper
	}
	return ""
}

// nearest is the command that is one or two letters away from a word of at least three; "" where there is none.
func nearest(word string, commands map[string]string) string {
	if len(word) < 3 || len(word) > 14 {
		return ""
	}
	best, at := "", 2
	if len(word) > 5 {
		at = 3
	}
	for c := range commands {
		if d := distance(word, c); d > 0 && (d < at || d == at-1 && c < best) {
			best, at = c, d+1
		}
	}
	return best
}

// distance is how many letters have to be changed, put in, left out, or swapped with the next one.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
