package milter

import (
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// The replies of filters that have none of their own, with Postfix's words.
var (
	rejected    = mail.NewReply(550, mail.EnhancedCode{5, 7, 1}, "Command rejected")
	unavailable = mail.NewReply(451, mail.EnhancedCode{4, 7, 1}, "Service unavailable - try again later")
	unusable    = mail.NewReply(550, mail.EnhancedCode{5, 5, 0}, "Service unavailable")
	shutdown    = mail.NewReply(421, mail.EnhancedCode{4, 7, 0}, "Server closing connection")
)

// parseReply reads what a filter wants said: "550 5.7.1 no", perhaps in several lines. "%%" is a percent sign, as libmilter's callers write it.
func parseReply(text string) (*mail.Reply, error) {
	var r mail.Reply
	var lines []string
	text = strings.TrimRight(text, "\r\n")
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if len(line) < 3 {
			return nil, errPacket
		}
		code, err := strconv.Atoi(line[:3])
		if err != nil || code < 400 || code > 599 || r.Code != 0 && code != r.Code || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
			return nil, errPacket
		}
		r.Code = code
		rest := line[min(4, len(line)):]
		if word, after, _ := strings.Cut(rest, " "); isCode(word, code) {
			r.Enhanced = parseCode(word)
			rest = after
		}
		lines = append(lines, strings.ReplaceAll(clean(rest), "%%", "%"))
	}
	r.Text = strings.Join(lines, "\n")
	return &r, nil
}

// isCode reports whether a word is an enhanced status code of a reply's class.
func isCode(word string, code int) bool {
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return false
	}
	for _, p := range parts[1:] {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 999 || len(p) > 3 {
			return false
		}
	}
	return true
}

func parseCode(word string) (e mail.EnhancedCode) {
	for i, p := range strings.Split(word, ".") {
		e[i], _ = strconv.Atoi(p)
	}
	return e
}

// clean takes control characters out of a reply.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
