package explain

import (
	"regexp"
	"strings"
)

var (
	enhancedCode = regexp.MustCompile(`^([245])\.(\d{1,3})\.(\d{1,3})(?: |$)`)
	queueID      = regexp.MustCompile(`(?i)\bqueued as ([0-9A-Za-z]+)`)
)

// replyWords explains the code of a reply, its enhanced code, and whether more lines come.
func (p *smtp) replyWords(n *Note, line string) (code string, more, ok bool) {
	n.cite("RFC 5321 section 4.2")
	if len(line) < 3 || !isDigits(line[:3]) || line[0] < '2' || line[0] > '5' || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		n.mistake("mistake.server-reply")
		return "", false, false
	}
	code = line[:3]
	key := "smtp.code." + code
	if !known(key) {
		key = "smtp.code"
	}
	n.word(code, key, code)
	n.Words = append(n.Words, Word{code[:1], say("smtp.class." + code[:1])})
	if d := "smtp.digit." + code[1:2]; known(d) {
		n.Words = append(n.Words, Word{code[1:2], say(d)})
	}
	if len(line) == 3 {
		return code, false, true
	}
	if more = line[3] == '-'; more {
		n.word("-", "word.more")
	} else if p.reply > 0 {
		n.word("␠", "word.last")
	}
	enhanced(n, line[4:])
	if m := queueID.FindStringSubmatch(line); m != nil {
		n.word(m[1], "word.queue-id")
	}
	return code, more, true
}

// enhanced explains an enhanced status code at the beginning of a text (RFC 3463).
func enhanced(n *Note, text string) {
	m := enhancedCode.FindStringSubmatch(text)
	if m == nil {
		return
	}
	code := strings.TrimSpace(m[0])
	key := "enh." + m[2] + "." + m[3]
	if !known(key) {
		if key = "enh.subject." + m[2]; !known(key) {
			key = "enh.subject.0"
		}
	}
	n.word(code, key)
	n.Words = append(n.Words, Word{m[1], say("enh.class." + m[1])})
	n.cite("RFC 3463 section 3")
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// meaning says what a reply means as the answer to its command.
func (p *smtp) meaning(n *Note, cmd smtpCommand, code, line string, first bool) {
	class := code[:1]
	verb := cmd.verb
	switch {
	case p.phase == "connect":
		verb = "greeting"
	case verb == "." || verb == "BDAT" && cmd.last:
		verb = "end"
		if p.lmtp {
			verb = "lmtp-end"
		}
	case verb == "=":
		verb = "AUTH"
	case verb == "":
		if code == "421" {
			n.say("smtp.reply.421")
			return
		}
		n.say("smtp.unasked")
		return
	case verb == "SEND" || verb == "SOML" || verb == "SAML":
		verb = "MAIL"
	}
	if !first {
		if (verb == "EHLO" || verb == "LHLO") && class == "2" && len(line) > 4 {
			extension(n, line[4:])
			return
		}
		n.say("smtp.reply.goes-on")
		return
	}
	key := "smtp.reply." + verb + "." + class
	switch {
	case code == "421":
		key = "smtp.reply.421"
	case code == "334":
		challenge(n, strings.TrimSpace(line[min(4, len(line)):]))
		return
	case !known(key):
		key = "smtp.reply." + class
	}
	n.say(key)
	if special := "smtp.why." + code; known(special) && class >= "4" {
		n.say(special)
	}
}

// extension explains a line of the answer to EHLO.
func extension(n *Note, text string) {
	n.cite("RFC 5321 section 4.1.1.1")
	words := strings.Fields(text)
	if len(words) == 0 {
		n.say("smtp.reply.goes-on")
		return
	}
	name := strings.ToUpper(words[0])
	name, rest, equals := strings.Cut(name, "=")
	key := "smtp.ext." + name
	if !known(key) {
		n.say("smtp.ext.offers", words[0])
		return
	}
	n.say(key)
	if name == "AUTH" {
		for _, m := range words[1:] {
			mechanism(n, m)
		}
		if equals && rest != "" {
			mechanism(n, rest)
		}
	} else if len(words) > 1 {
		key := "smtp.ext-value." + name
		if !known(key) {
			key = "word.value"
		}
		n.word(strings.Join(words[1:], " "), key)
	}
}
