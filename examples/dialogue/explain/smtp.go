package explain

import "strings"

// smtp follows SMTP and LMTP. Phases are the machine's nodes without "smtp.": connect, greeted, ready, mail, rcpt, data, auth, tls, closed.
type smtp struct {
	s       *Session
	lmtp    bool
	phase   string
	pending []smtpCommand
	authed  bool
	mech    string // of the authentication under way
	step    int    // what the client has answered in it
	rcpts   int    // taken in the transaction
	reply   int    // lines of the reply under way
	letter  letter
}

// smtpCommand waits for its reply.
type smtpCommand struct {
	verb string // "." ends a message, "=" answers a challenge
	last bool   // of BDAT
	left int    // replies that are to come besides this one: LMTP's
}

func (p *smtp) state() State {
	st := State{"smtp." + p.phase, "client.speaks"}
	switch {
	case p.phase == "closed":
		st.Client = "client.gone"
	case p.phase == "connect":
		st.Client = "client.listens"
	case len(p.pending) > 0 || p.reply > 0:
		st.Client = "client.waits"
	case p.phase == "data":
		st.Client = "client.sends"
	case p.phase == "auth":
		st.Client = "client.answers"
	case p.phase == "tls":
		st.Client = "client.answers"
	}
	return st
}

func (p *smtp) dotted(side Side) bool {
	return side == Client && p.phase == "data" && len(p.pending) == 0 && p.letter.body
}

func (p *smtp) secured() { p.phase, p.pending, p.rcpts = "greeted", nil, 0 }

func (p *smtp) to(phase string) bool {
	if !p.s.way(p.phase, phase) {
		return false
	}
	p.phase = phase
	return true
}

// hello is the command that a session begins with.
func (p *smtp) hello() string {
	if p.lmtp {
		return "LHLO"
	}
	return "EHLO"
}

func (p *smtp) client(n *Note, line string) {
	switch {
	case p.s.counted:
		p.chunk(n, line)
	case p.phase == "data" && len(p.pending) == 0:
		p.content(n, line)
	case p.phase == "auth" && len(p.pending) == 0:
		n.Kind = Exchange
		n.cite("RFC 4954 section 4")
		p.s.response(n, p.mech, p.step, line)
		p.step++
		p.pending = append(p.pending, smtpCommand{verb: "="})
	default:
		p.command(n, line)
	}
}

// chunk is a line of BDAT's octets.
func (p *smtp) chunk(n *Note, line string) {
	n.Kind, n.Place = Literal, p.underWay()
	n.say("smtp.chunk")
	n.cite("RFC 3030 section 2")
}

func (p *smtp) underWay() Place {
	if p.lmtp {
		return "mta>mda"
	}
	return "mua>mta"
}

// content is a line of the message behind DATA.
func (p *smtp) content(n *Note, line string) {
	n.Place = p.underWay()
	if line == "." {
		n.Kind = End
		n.word(".", "word.dot")
		n.say("smtp.end")
		n.cite("RFC 5321 section 4.1.1.4")
		p.letter.finish(n)
		p.letter = letter{}
		replies := 0
		if p.lmtp {
			replies = max(p.rcpts, 1) - 1
		}
		p.pending = append(p.pending, smtpCommand{verb: ".", last: true, left: replies})
		return
	}
	if strings.TrimSpace(line) == "." {
		n.mistake("mistake.dot-space")
	}
	if verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " "); verb == "QUIT" || verb == "RSET" || strings.HasPrefix(verb, "MAIL") && strings.Contains(strings.ToUpper(line), "FROM:<") || strings.HasPrefix(verb, "RCPT") {
		n.mistake("mistake.command-in-data", verbOf(verb))
	}
	if strings.HasPrefix(line, ".") {
		n.cite("RFC 5321 section 4.5.2")
		if strings.HasPrefix(line, "..") {
			n.word(".", "word.stuffed")
			n.say("smtp.stuffed")
		} else {
			n.mistake("mistake.dot-alone")
		}
		line = line[1:]
	}
	if len(line) > 998 {
		n.mistake("mistake.text-line")
	}
	p.letter.line(n, line)
}

// verbOf is a word as a verb of four letters, for a sentence.
func verbOf(s string) string {
	s, _, _ = strings.Cut(s, ":")
	return s
}

// push registers a command that waits for its reply.
func (p *smtp) push(c smtpCommand) {
	if len(p.pending) < maxPending {
		p.pending = append(p.pending, c)
	}
}

func (p *smtp) server(n *Note, line string) {
	first := p.reply == 0
	code, more, ok := p.replyWords(n, line)
	if !ok {
		return
	}
	var cmd smtpCommand
	if len(p.pending) > 0 {
		cmd = p.pending[0]
	}
	p.meaning(n, cmd, code, line, first)
	if more {
		p.reply++
		return
	}
	p.reply = 0
	p.move(n, cmd, code)
}

// move goes where a reply to a command leads.
func (p *smtp) move(n *Note, cmd smtpCommand, code string) {
	if p.phase == "connect" {
		if code[0] == '2' {
			p.to("greeted")
		} else if code == "421" {
			p.to("closed")
		} else {
			p.to("greeted")
		}
		return
	}
	if len(p.pending) > 0 {
		p.pending = p.pending[1:]
		if cmd.left > 0 {
			cmd.left--
			p.pending = append([]smtpCommand{cmd}, p.pending...)
			n.Place = placeAfter(p.lmtp, code)
			return
		}
	}
	good := code[0] == '2'
	switch {
	case p.phase == "closed" || p.phase == "tls":
	case code == "421":
		p.to("closed")
	case cmd.verb == "QUIT" && good:
		p.to("closed")
	case (cmd.verb == "EHLO" || cmd.verb == "HELO" || cmd.verb == "LHLO") && good:
		p.to("ready")
		p.rcpts = 0
	case cmd.verb == "RSET" && good && p.phase != "greeted":
		p.to("ready")
		p.rcpts = 0
	case cmd.verb == "MAIL" && good:
		p.to("mail")
		p.rcpts = 0
	case cmd.verb == "RCPT" && good && (p.phase == "mail" || p.phase == "rcpt"):
		p.to("rcpt")
		p.rcpts++
	case cmd.verb == "DATA" && code[0] == '3':
		p.to("data")
		p.letter = letter{}
	case cmd.verb == ".":
		p.to("ready")
		p.rcpts = 0
		n.Place = placeAfter(p.lmtp, code)
	case cmd.verb == "BDAT" && good && cmd.last:
		p.to("ready")
		p.rcpts = 0
		n.Place = placeAfter(p.lmtp, code)
	case cmd.verb == "BDAT" && !good:
		n.Place = placeAfter(p.lmtp, code)
	case cmd.verb == "STARTTLS" && code == "220":
		p.s.opaque = p.to("tls")
	case (cmd.verb == "AUTH" || cmd.verb == "=") && code == "334":
		p.to("auth")
	case cmd.verb == "AUTH" || cmd.verb == "=":
		p.authed = p.authed || good
		p.to("ready")
	}
}

// placeAfter is where a message is once the server has answered for it.
func placeAfter(lmtp bool, code string) Place {
	switch {
	case code[0] == '2' && lmtp:
		return "mailbox"
	case code[0] == '2':
		return "queue"
	case lmtp:
		return "queue" // the server in front keeps it, or returns it
	}
	return "mua"
}
