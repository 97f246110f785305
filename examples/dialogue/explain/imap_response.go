package explain

import (
	"strconv"
	"strings"
)

func (p *imap) server(n *Note, line string) {
	switch {
	case p.s.counted:
		n.Kind = Literal
		n.cite("RFC 9051 section 4.3")
		if p.answer == "FETCH" {
			n.Place = "mailbox>reader"
			p.letter.line(n, line)
			n.Mistakes, n.Kind = nil, Literal
			if p.s.counting(Server) == 0 {
				n.Place = "reader"
			}
		}
		if len(n.Says) == 0 {
			n.say("imap.literal-octets")
		}
	case p.srest:
		n.cite("RFC 9051 section 7")
		n.say("imap.response-goes-on")
		p.words(n, p.answer, tokens(line))
		p.counts(n, line)
	case line == "+" || strings.HasPrefix(line, "+ "):
		p.goOn(n, strings.TrimSpace(line[1:]))
	case strings.HasPrefix(line, "* "):
		p.untagged(n, line[2:])
		p.counts(n, line)
	default:
		p.tagged(n, line)
	}
}

// counts begins a literal if the line announces one.
func (p *imap) counts(n *Note, line string) {
	m := literalEnd.FindStringSubmatch(line)
	if p.srest = m != nil; m == nil {
		return
	}
	size, _ := strconv.ParseInt(m[1], 10, 64)
	n.word(m[0], "imap.literal", m[1])
	n.say("imap.literal-comes", m[1])
	p.letter = letter{}
	p.s.count(Server, size)
}

// goOn is a continuation request.
func (p *imap) goOn(n *Note, text string) {
	n.cite("RFC 9051 section 7.6")
	n.word("+", "word.continue")
	switch {
	case p.waiting:
		p.waiting = false
		n.say("imap.continue.literal")
	case len(p.pending) > 0 && p.pending[0].verb == "IDLE":
		n.say("imap.continue.idle")
		if back := p.phase; p.to("idle") {
			p.back = back
		}
	case len(p.pending) > 0 && p.pending[0].verb == "AUTHENTICATE":
		if p.phase != "sasl" {
			if back := p.phase; p.to("sasl") {
				p.back = back
			}
		}
		challenge(n, text)
	default:
		n.say("imap.continue")
	}
}

func (p *imap) untagged(n *Note, line string) {
	n.word("*", "imap.untagged")
	first, rest, _ := strings.Cut(line, " ")
	upper := strings.ToUpper(first)
	if isDigits(first) {
		what, more, _ := strings.Cut(rest, " ")
		what = strings.ToUpper(what)
		n.word(first, map[bool]string{true: "imap.number", false: "word.messages"}[what == "FETCH" || what == "UIDFETCH" || what == "EXPUNGE"])
		n.cite("RFC 9051 section 7")
		if key := "imap.untagged." + what; known(key) {
			n.say(key, first)
			p.answer = strings.TrimPrefix(what, "UID")
			p.words(n, p.answer, tokens(more))
			return
		}
		n.say("imap.untagged.other", what)
		return
	}
	p.answer = upper
	switch upper {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		p.status(n, upper, rest)
		n.cite("RFC 9051 section 7.1")
		switch {
		case p.phase == "connect":
			n.say("imap.greeting." + upper)
			switch upper {
			case "OK":
				p.to("notauth")
			case "PREAUTH":
				p.to("auth")
			default:
				p.to("closed")
			}
		case upper == "BYE":
			n.say("imap.untagged.BYE")
			if p.bye = true; len(p.pending) == 0 || p.pending[0].verb != "LOGOUT" {
				p.to("closed")
			}
		default:
			n.say("imap.untagged." + upper)
		}
		return
	}
	n.cite("RFC 9051 section 7")
	if key := "imap.untagged." + upper; known(key) {
		n.say(key)
		if upper == "STATUS" || upper == "LIST" || upper == "LSUB" {
			p.listed(n, upper, tokens(rest))
			return
		}
		p.words(n, upper, tokens(rest))
		return
	}
	n.say("imap.untagged.other", first)
}

// listed explains the words of LIST and STATUS responses: the mailbox's name among them.
func (p *imap) listed(n *Note, upper string, toks []string) {
	if upper == "STATUS" {
		p.words(n, upper, toks)
		return
	}
	depth, outside := 0, 0
	for _, t := range toks {
		switch {
		case t == "(":
			depth++
		case t == ")":
			depth--
		case depth > 0:
			if strings.HasPrefix(t, `\`) {
				flag(n, t)
			}
		case outside == 0:
			outside++
			n.word(t, "word.delimiter")
		case outside == 1:
			outside++
			if !isLiteral(t) {
				n.word(t, "word.mailbox")
			}
		}
	}
}

// status explains the code in a status response.
func (p *imap) status(n *Note, kind, text string) {
	n.word(kind, "imap.status-word."+kind)
	if !strings.HasPrefix(text, "[") {
		return
	}
	code, _, ok := strings.Cut(text[1:], "]")
	if !ok {
		return
	}
	name, args, _ := strings.Cut(code, " ")
	key := "imap.code." + strings.ToUpper(name)
	if !known(key) {
		key = "imap.code"
	}
	n.word("["+code+"]", key)
	switch strings.ToUpper(name) {
	case "CAPABILITY":
		for t := range strings.FieldsSeq(args) {
			if len(n.Words) >= maxWords {
				return
			}
			capa(n, t)
		}
	case "PERMANENTFLAGS":
		p.words(n, "FLAGS", tokens(args))
	}
}

func (p *imap) tagged(n *Note, line string) {
	tag, rest, _ := strings.Cut(line, " ")
	kind, text, _ := strings.Cut(rest, " ")
	kind = strings.ToUpper(kind)
	if kind != "OK" && kind != "NO" && kind != "BAD" {
		n.mistake("mistake.server-imap")
		return
	}
	n.cite("RFC 9051 section 7.1")
	var cmd imapCommand
	found := false
	for i, c := range p.pending {
		if c.tag == tag {
			cmd, found = c, true
			p.pending = append(p.pending[:i:i], p.pending[i+1:]...)
			break
		}
	}
	if !found && p.cur != nil && p.cur.tag == tag { // a literal is refused
		cmd, found = *p.cur, true
		p.cur, p.rest, p.waiting = nil, false, false
		p.s.count(Client, 0)
	}
	n.word(tag, "imap.tag-again")
	p.status(n, kind, text)
	switch key := "imap.done." + cmd.verb + "." + kind; {
	case !found:
		n.say("imap.tag-unknown", tag)
	case known(key):
		n.say(key)
	case cmd.verb == "":
		n.say("imap.tagged." + kind + ".that")
	default:
		n.say("imap.tagged."+kind, cmd.verb)
	}
	p.move(n, cmd, kind)
}

// move goes where a tagged response leads.
func (p *imap) move(n *Note, cmd imapCommand, kind string) {
	if p.phase == "sasl" && cmd.verb == "AUTHENTICATE" || p.phase == "idle" && cmd.verb == "IDLE" {
		p.to(p.back)
	}
	ok := kind == "OK"
	switch cmd.verb {
	case "LOGIN", "AUTHENTICATE":
		if ok && p.phase == "notauth" {
			p.to("auth")
		}
	case "SELECT", "EXAMINE":
		if p.phase == "auth" || p.phase == "selected" {
			if ok {
				p.to("selected")
			} else if kind == "NO" {
				p.to("auth")
			}
		}
	case "CLOSE", "UNSELECT":
		if ok && p.phase == "selected" {
			p.to("auth")
		}
	case "UNAUTHENTICATE":
		if ok {
			p.to("notauth")
		}
	case "APPEND":
		if n.Place = "mailbox"; !ok {
			n.Place = "mua"
		}
	case "STARTTLS":
		if ok {
			p.s.opaque = p.to("tls")
		}
	case "COMPRESS":
		if ok {
			p.s.opaque = true
		}
	case "LOGOUT":
		if ok || p.bye {
			p.to("closed")
		}
	}
}
