package explain

import (
	"strconv"
	"strings"
)

// smtpCommands are all that RFCs and Postfix know, with the section that each is from.
var smtpCommands = map[string]string{
	"HELO": "RFC 5321 section 4.1.1.1", "EHLO": "RFC 5321 section 4.1.1.1", "LHLO": "RFC 2033 section 4.1", "MAIL": "RFC 5321 section 4.1.1.2",
	"RCPT": "RFC 5321 section 4.1.1.3", "DATA": "RFC 5321 section 4.1.1.4", "RSET": "RFC 5321 section 4.1.1.5", "VRFY": "RFC 5321 section 4.1.1.6",
	"EXPN": "RFC 5321 section 4.1.1.7", "HELP": "RFC 5321 section 4.1.1.8", "NOOP": "RFC 5321 section 4.1.1.9", "QUIT": "RFC 5321 section 4.1.1.10",
	"AUTH": "RFC 4954 section 4", "STARTTLS": "RFC 3207 section 4", "BDAT": "RFC 3030 section 2", "BURL": "RFC 4468 section 3", "ETRN": "RFC 1985 section 5",
	"ATRN": "RFC 2645 section 5", "TURN": "RFC 5321 section F.1", "SEND": "RFC 5321 section F.6", "SOML": "RFC 5321 section F.6", "SAML": "RFC 5321 section F.6",
	"XCLIENT": "", "XFORWARD": "",
}

// noArguments are the commands that stand alone.
var noArguments = map[string]bool{"DATA": true, "RSET": true, "QUIT": true, "STARTTLS": true, "TURN": true}

func (p *smtp) command(n *Note, line string) {
	if p.letterBefore354(n, line) {
		return
	}
	trimmed, verb, rest := p.s.typed(n, line)
	upper := strings.ToUpper(verb)
	cmd := smtpCommand{verb: upper}
	if len(line) > 510 && upper != "AUTH" && smtpCommands[upper] != "" {
		n.say("smtp.long-command")
	}
	ref, ok := smtpCommands[upper]
	if !ok {
		p.push(cmd)
		p.unknown(n, trimmed, verb, upper)
		return
	}
	n.say("smtp.cmd." + upper)
	n.cite(ref)
	if strings.TrimSpace(rest) != "" && noArguments[upper] {
		n.mistake("mistake.no-arguments", upper)
	}
	if p.phase == "connect" {
		n.mistake("mistake.early")
		n.cite("RFC 5321 section 3.1")
	}
	p.arguments(n, &cmd, upper, rest)
	if len(p.pending) == 0 {
		p.order(n, upper)
	} else if p.waitsAlone() {
		n.mistake("mistake.not-pipelined", p.pending[len(p.pending)-1].verb)
		n.cite("RFC 2920 section 3.1")
	} else {
		n.say("smtp.pipelined", strconv.Itoa(len(p.pending)))
	}
	p.push(cmd)
}

// waitsAlone reports whether the last command must be the last before its reply.
func (p *smtp) waitsAlone() bool {
	switch p.pending[len(p.pending)-1].verb {
	case "EHLO", "HELO", "LHLO", "DATA", "STARTTLS", "AUTH", "VRFY", "EXPN", "TURN", "QUIT", "NOOP":
		return true
	}
	return false
}

// letterBefore354 finds a message that is sent before the server has asked for it.
func (p *smtp) letterBefore354(n *Note, line string) bool {
	last := len(p.pending) - 1
	if last < 0 || p.pending[last].verb != "DATA" {
		return false
	}
	verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
	if _, ok := smtpCommands[verb]; ok {
		return false
	}
	n.mistake("mistake.before-354")
	n.cite("RFC 2920 section 3.1")
	return true
}

func (p *smtp) arguments(n *Note, cmd *smtpCommand, verb, rest string) {
	trimmed := strings.TrimSpace(rest)
	switch verb {
	case "HELO", "EHLO", "LHLO":
		if trimmed == "" {
			n.mistake("mistake.hello-name", verb)
			return
		}
		n.word(trimmed, "word.client-name")
		if strings.Contains(trimmed, " ") {
			n.mistake("mistake.hello-space")
		}
		switch {
		case p.lmtp && verb != "LHLO":
			n.mistake("mistake.lmtp-hello", verb)
		case !p.lmtp && verb == "LHLO":
			n.mistake("mistake.smtp-lhlo")
		}
	case "MAIL", "SEND", "SOML", "SAML":
		p.path(n, "FROM:", rest, "word.sender")
	case "RCPT":
		p.path(n, "TO:", rest, "word.recipient")
	case "BDAT":
		size, last, _ := strings.Cut(trimmed, " ")
		v, err := strconv.ParseInt(size, 10, 64)
		if err != nil || v < 0 || v > 1<<40 || last != "" && !strings.EqualFold(last, "LAST") {
			n.mistake("mistake.bdat")
			return
		}
		n.word(size, "word.octets")
		if cmd.last = last != ""; cmd.last {
			n.word(last, "word.bdat-last")
		}
		if v > 0 {
			p.s.count(Client, v)
		}
	case "AUTH":
		name, initial, _ := strings.Cut(trimmed, " ")
		if name == "" {
			n.mistake("mistake.auth-mechanism")
			return
		}
		mechanism(n, name)
		p.mech, p.step = name, 0
		if initial != "" {
			text := n.Text
			p.s.response(n, name, 0, initial)
			if n.Text != Mask {
				n.word(initial, "word.initial")
			} else {
				n.word(Mask, "word.initial")
			}
			n.Text = text
			p.step = 1
		}
		if !p.s.secure && (strings.EqualFold(name, "PLAIN") || strings.EqualFold(name, "LOGIN")) {
			n.say("sasl.in-the-clear")
		}
	case "VRFY", "EXPN", "ETRN":
		if trimmed == "" {
			n.mistake("mistake.argument", verb)
		} else {
			n.word(trimmed, "word."+strings.ToLower(verb))
		}
	default:
		if trimmed != "" && !noArguments[verb] {
			n.word(trimmed, "word.argument")
		}
	}
}

// path explains the address of MAIL or RCPT, and the parameters behind it.
func (p *smtp) path(n *Note, keyword, rest, what string) {
	var body string
	ok := strings.HasPrefix(strings.ToUpper(rest), keyword)
	switch loose := strings.TrimLeft(rest, " \t"); {
	case ok:
		body = rest[len(keyword):]
	case strings.HasPrefix(strings.ToUpper(strings.ReplaceAll(loose, " ", "")), keyword):
		n.mistake("mistake.space-colon", keyword)
		_, body, _ = strings.Cut(rest, ":")
	default:
		n.mistake("mistake.from-to", keyword)
		return
	}
	n.word(rest[:len(rest)-len(body)], "word."+strings.ToLower(strings.TrimSuffix(keyword, ":")))
	if strings.HasPrefix(body, " ") {
		n.mistake("mistake.space-colon", keyword)
		body = strings.TrimLeft(body, " \t")
	}
	address, params := body, ""
	if open := strings.IndexByte(body, '<'); open > 0 && strings.Contains(body[open:], ">") {
		n.mistake("mistake.display-name")
		body = body[open:]
	}
	if strings.HasPrefix(body, "<") {
		end := pathEnd(body)
		if end < 0 {
			n.mistake("mistake.open-bracket")
			return
		}
		address, params = body[:end+1], body[end+1:]
	} else {
		address, params, _ = strings.Cut(body, " ")
		n.mistake("mistake.brackets", keyword, address)
		n.cite("RFC 5321 section 3.3")
	}
	bare := strings.Trim(address, "<>")
	switch {
	case bare == "" && keyword == "FROM:":
		n.word(address, "word.empty-sender")
	case bare == "":
		n.mistake("mistake.no-address")
	case !strings.Contains(bare, "@") && !strings.EqualFold(bare, "postmaster"):
		n.word(address, what)
		n.mistake("mistake.no-at")
	default:
		n.word(address, what)
	}
	for param := range strings.FieldsSeq(params) {
		name, _, _ := strings.Cut(param, "=")
		key := "smtp.param." + strings.ToUpper(name)
		if !known(key) {
			key = "smtp.param"
		}
		n.word(param, key)
	}
}

// pathEnd is where a path in angle brackets ends, whose local part may be quoted; -1 if it doesn't.
func pathEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '>' && !quoted:
			return i
		}
	}
	return -1
}
