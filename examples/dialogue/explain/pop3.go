package explain

import (
	"strings"
)

// pop3Commands are all that RFCs know, with the section that each is from.
var pop3Commands = map[string]string{
	"USER": "RFC 1939 section 7", "PASS": "RFC 1939 section 7", "APOP": "RFC 1939 section 7", "AUTH": "RFC 5034 section 4", "STAT": "RFC 1939 section 5",
	"LIST": "RFC 1939 section 5", "RETR": "RFC 1939 section 5", "DELE": "RFC 1939 section 5", "NOOP": "RFC 1939 section 5", "RSET": "RFC 1939 section 5",
	"QUIT": "RFC 1939 section 6", "TOP": "RFC 1939 section 7", "UIDL": "RFC 1939 section 7", "CAPA": "RFC 2449 section 5", "STLS": "RFC 2595 section 4",
	"LANG": "RFC 6856 section 3.1", "UTF8": "RFC 6856 section 2.1", "LAST": "RFC 1460 section 5", "RPOP": "RFC 1081 section 6", "XCLIENT": "",
}

// transaction are the commands that need a login, and anonymous those that must come before it.
var (
	transaction = map[string]bool{"STAT": true, "LIST": true, "RETR": true, "DELE": true, "NOOP": true, "RSET": true, "TOP": true, "UIDL": true, "LAST": true}
	anonymous   = map[string]bool{"USER": true, "PASS": true, "APOP": true, "AUTH": true, "STLS": true, "RPOP": true}
	needsNumber = map[string]bool{"RETR": true, "DELE": true, "TOP": true}
)

// pop3 follows POP3. Phases: connect, auth, user, sasl, trans, tls, closed.
type pop3 struct {
	s       *Session
	phase   string
	pending []pop3Command
	listing string // the command whose answer of several lines is under way
	letter  letter
	mech    string
	step    int
}

type pop3Command struct {
	verb string
	many bool // its answer has several lines
}

func (p *pop3) state() State {
	st := State{"pop3." + p.phase, "client.speaks"}
	switch {
	case p.phase == "closed":
		st.Client = "client.gone"
	case p.phase == "connect":
		st.Client = "client.listens"
	case len(p.pending) > 0 || p.listing != "":
		st.Client = "client.waits"
	case p.phase == "sasl" || p.phase == "tls":
		st.Client = "client.answers"
	}
	return st
}

func (p *pop3) to(phase string) bool {
	if !p.s.way(p.phase, phase) {
		return false
	}
	p.phase = phase
	return true
}

func (p *pop3) dotted(side Side) bool {
	return side == Server && p.listing != "" && (p.letter.body || p.listing != "RETR" && p.listing != "TOP")
}

func (p *pop3) secured() { p.phase, p.pending = "auth", nil }

func (p *pop3) client(n *Note, line string) {
	if p.phase == "sasl" && len(p.pending) == 0 {
		n.Kind = Exchange
		n.cite("RFC 5034 section 4")
		p.s.response(n, p.mech, p.step, line)
		p.step++
		p.pending = append(p.pending, pop3Command{verb: "="})
		return
	}
	trimmed, verb, rest := p.s.typed(n, line)
	upper, rest := strings.ToUpper(verb), strings.TrimSpace(rest)
	cmd := pop3Command{verb: upper}
	defer func() {
		if len(p.pending) < maxPending {
			p.pending = append(p.pending, cmd)
		}
	}()
	ref, ok := pop3Commands[upper]
	if !ok {
		p.unknown(n, trimmed, verb, upper)
		return
	}
	n.cite(ref)
	if upper == "LIST" || upper == "UIDL" {
		cmd.many = rest == ""
		if rest != "" {
			n.say("pop3.one." + upper)
		}
	}
	if len(n.Says) == 0 {
		n.say("pop3.cmd." + upper)
	}
	switch upper {
	case "RETR", "TOP", "CAPA":
		cmd.many = true
	case "AUTH", "LANG":
		cmd.many = rest == ""
	}
	if p.phase == "connect" {
		n.mistake("mistake.early")
	}
	p.arguments(n, upper, rest)
	if len(p.pending) > 0 {
		return
	}
	switch {
	case transaction[upper] && p.phase != "trans":
		n.mistake("mistake.pop3-login-first", upper)
		n.cite("RFC 1939 section 4")
	case upper == "PASS" && p.phase == "auth":
		n.mistake("mistake.pass-before-user")
	case anonymous[upper] && p.phase == "trans":
		n.mistake("mistake.pop3-logged-in", upper)
	}
}

func (p *pop3) arguments(n *Note, verb, rest string) {
	first, more, _ := strings.Cut(rest, " ")
	switch verb {
	case "USER":
		if rest == "" {
			n.mistake("mistake.argument", verb)
			return
		}
		n.word(rest, "word.user")
	case "PASS":
		if rest == "" {
			n.mistake("mistake.argument", verb)
			return
		}
		n.word(Mask, "word.password")
		if !p.s.secure {
			n.say("sasl.in-the-clear")
		}
	case "APOP":
		n.word(first, "word.user")
		n.word(Mask, "word.digest")
	case "AUTH":
		if rest == "" {
			return
		}
		mechanism(n, first)
		p.mech, p.step = first, 0
		if more != "" {
			text := n.Text
			p.s.response(n, first, 0, more)
			n.Text, p.step = text, 1
			n.word(Mask, "word.initial")
		}
	case "RETR", "DELE", "TOP", "LIST", "UIDL":
		if rest == "" {
			if needsNumber[verb] {
				n.mistake("mistake.number", verb)
			}
			return
		}
		n.word(first, "word.number")
		if !isDigits(first) {
			n.mistake("mistake.number", verb)
		}
		if verb == "TOP" {
			if more == "" {
				n.mistake("mistake.top-lines")
			} else {
				n.word(more, "word.top-lines")
			}
		}
	default:
		if rest != "" {
			n.word(rest, "word.argument")
		}
	}
}

func (p *pop3) unknown(n *Note, line, verb, upper string) {
	near, tag := nearest(upper, pop3Commands), tagged(line)
	switch {
	case line == "":
		n.mistake("mistake.empty-line")
	case foreign(upper, smtpCommands):
		n.mistake("mistake.is-smtp", upper)
	case upper == "DELETE" || upper == "DEL":
		n.mistake("mistake.typo", verb, "DELE")
	case upper == "EXIT" || upper == "LOGOUT" || upper == "BYE":
		n.mistake("mistake.typo", verb, "QUIT")
	case near != "":
		n.mistake("mistake.typo", verb, near)
	case tag != "":
		n.mistake("mistake.is-imap", tag)
	case httpMethod(upper):
		n.mistake("mistake.is-http")
	default:
		n.mistake("mistake.unknown-command", verb)
	}
	n.cite("RFC 1939 section 3")
}
