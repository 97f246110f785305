package explain

import (
	"strings"
)

func (p *pop3) server(n *Note, line string) {
	if p.listing != "" {
		p.listed(n, line)
		return
	}
	n.cite("RFC 1939 section 3")
	var cmd pop3Command
	if len(p.pending) > 0 {
		cmd = p.pending[0]
	}
	if (cmd.verb == "AUTH" || cmd.verb == "=") && p.phase != "trans" && p.phase != "connect" && (line == "+" || strings.HasPrefix(line, "+ ")) {
		p.pop()
		p.to("sasl")
		n.word("+", "word.continue")
		challenge(n, strings.TrimPrefix(line[1:], " "))
		n.cite("RFC 5034 section 4")
		return
	}
	status, text, _ := strings.Cut(line, " ")
	good := strings.EqualFold(status, "+OK")
	if !good && !strings.EqualFold(status, "-ERR") {
		n.mistake("mistake.server-pop3")
		return
	}
	p.pop()
	if good {
		n.word(status, "pop3.ok")
	} else {
		n.word(status, "pop3.err")
	}
	if code, _, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && strings.HasPrefix(text, "[") {
		name, _, _ := strings.Cut(strings.ToUpper(code), " ")
		key := "pop3.code." + name
		if !known(key) {
			key = "pop3.code"
		}
		n.word("["+code+"]", key)
		n.cite("RFC 2449 section 8")
	}
	p.meaning(n, cmd, good, text)
	p.move(n, cmd, good)
}

func (p *pop3) pop() {
	if len(p.pending) > 0 {
		p.pending = p.pending[1:]
	}
}

func (p *pop3) meaning(n *Note, cmd pop3Command, good bool, text string) {
	verb, suffix := cmd.verb, ".ok"
	if !good {
		suffix = ".err"
	}
	switch {
	case p.phase == "connect":
		verb = "greeting"
		if open := strings.IndexByte(text, '<'); good && open >= 0 {
			if end := strings.IndexByte(text[open:], '>'); end > 0 {
				n.word(text[open:open+end+1], "word.timestamp")
			}
		}
	case verb == "":
		n.say("smtp.unasked")
		return
	case verb == "=":
		verb = "AUTH"
	case good && !cmd.many && (verb == "LIST" || verb == "UIDL"):
		verb += "-one"
	}
	key := "pop3.reply." + verb + suffix
	if !known(key) {
		key = "pop3.reply" + suffix
	}
	n.say(key)
	if good && cmd.verb == "STAT" || good && verb == "LIST-one" || good && verb == "UIDL-one" {
		words := strings.Fields(text)
		keys := map[string][]string{"STAT": {"word.messages", "word.octets"}, "LIST-one": {"word.number", "word.octets"}, "UIDL-one": {"word.number", "word.uid"}}[verb]
		for i, w := range words[:min(2, len(words))] {
			n.word(w, keys[i])
		}
	}
}

func (p *pop3) move(n *Note, cmd pop3Command, good bool) {
	switch verb := cmd.verb; {
	case p.phase == "connect":
		if !good {
			p.to("closed")
		} else {
			p.to("auth")
		}
	case verb == "QUIT":
		p.to("closed")
	case p.phase == "closed" || p.phase == "tls":
	case verb == "USER" && good && p.phase != "trans" && p.phase != "sasl":
		p.to("user")
	case (verb == "PASS" || verb == "APOP" || verb == "=" || verb == "AUTH" && !cmd.many) && p.phase != "trans":
		if good {
			p.to("trans")
		} else {
			p.to("auth")
		}
	case verb == "STLS" && good && (p.phase == "auth" || p.phase == "user"):
		p.s.opaque = p.to("tls")
	}
	if good && cmd.many {
		p.listing, p.letter = cmd.verb, letter{}
		if cmd.verb == "RETR" || cmd.verb == "TOP" {
			n.Place = "mailbox>reader"
		}
	}
}

// listed explains a line of an answer of several lines.
func (p *pop3) listed(n *Note, line string) {
	n.cite("RFC 1939 section 3")
	content := p.listing == "RETR" || p.listing == "TOP"
	if content {
		n.Place = "mailbox>reader"
	}
	if line == "." {
		n.Kind = End
		n.word(".", "word.dot")
		n.say("pop3.end")
		if content {
			n.Place = "reader"
		}
		p.listing = ""
		return
	}
	n.Kind = Listing
	if strings.HasPrefix(line, ".") {
		n.word(".", "word.stuffed")
		n.say("pop3.stuffed")
		line = line[1:]
	}
	words := strings.Fields(line)
	switch {
	case content:
		p.letter.line(n, line)
		n.Mistakes = nil // of the message's author, if anybody's
		if len(n.Says) == 0 {
			n.say("letter.body")
		}
		return
	case p.listing == "CAPA" && len(words) > 0:
		capability(n, words)
	case p.listing == "LIST" && len(words) > 1:
		n.word(words[0], "word.number")
		n.word(words[1], "word.octets")
		n.say("pop3.listed.LIST", words[0], words[1])
	case p.listing == "UIDL" && len(words) > 1:
		n.word(words[0], "word.number")
		n.word(words[1], "word.uid")
		n.say("pop3.listed.UIDL", words[0])
	case p.listing == "AUTH" && len(words) > 0:
		mechanism(n, words[0])
		n.say("pop3.listed.AUTH")
	default:
		n.say("pop3.listed")
	}
}

// capability explains a line of the answer to CAPA.
func capability(n *Note, words []string) {
	n.cite("RFC 2449 section 6")
	name := strings.ToUpper(words[0])
	key := "pop3.capa." + name
	if !known(key) {
		n.say("pop3.capa", words[0])
		return
	}
	n.say(key)
	for _, w := range words[1:] {
		if name == "SASL" {
			mechanism(n, w)
		} else {
			n.word(w, "word.value")
		}
	}
}
