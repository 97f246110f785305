package explain

import (
	"strconv"
	"strings"
)

// pop2Commands are POP2's, of RFC 937.
var pop2Commands = map[string]string{
	"HELO": "RFC 937", "FOLD": "RFC 937", "READ": "RFC 937", "RETR": "RFC 937", "ACKS": "RFC 937", "ACKD": "RFC 937", "NACK": "RFC 937", "QUIT": "RFC 937",
}

// maxPOP2 bounds the size of a message that is believed.
const maxPOP2 = 1 << 40

// pop2 follows POP2. Phases, after RFC 937's states: connect, call, nmbr, size, xfer, closed.
type pop2 struct {
	s       *Session
	phase   string
	pending []string
	size    int64
	letter  letter
}

func (p *pop2) state() State {
	st := State{"pop2." + p.phase, "client.speaks"}
	switch {
	case p.phase == "closed":
		st.Client = "client.gone"
	case p.phase == "connect":
		st.Client = "client.listens"
	case len(p.pending) > 0 || p.s.counting(Server) > 0:
		st.Client = "client.waits"
	}
	return st
}

func (p *pop2) to(phase string) bool {
	if !p.s.way(p.phase, phase) {
		return false
	}
	p.phase = phase
	return true
}

func (p *pop2) dotted(Side) bool { return false } // messages are counted

func (p *pop2) secured() { p.phase, p.pending = "call", nil }

func (p *pop2) client(n *Note, line string) {
	trimmed := strings.TrimSpace(line)
	verb, rest, _ := strings.Cut(trimmed, " ")
	upper, rest := strings.ToUpper(verb), strings.TrimSpace(rest)
	n.Text = printable(cut(p.s.mask(line)))
	n.cite("RFC 937")
	if upper == "HELO" {
		user, password, _ := strings.Cut(rest, " ")
		p.s.remember(strings.TrimSpace(password))
		n.Text = printable(cut(verb + " " + user + " " + Mask))
		n.word(user, "word.user")
		n.word(Mask, "word.password")
		if password == "" {
			n.mistake("mistake.pop2-helo")
		}
	} else if rest != "" && pop2Commands[upper] != "" {
		n.word(rest, map[bool]string{true: "word.number", false: "word.argument"}[isDigits(rest)])
	}
	if _, ok := pop2Commands[upper]; !ok {
		near := nearest(upper, pop2Commands)
		switch {
		case near != "":
			n.mistake("mistake.typo", verb, near)
		case foreign(upper, pop3Commands):
			n.mistake("mistake.is-pop3-not-pop2", upper)
		default:
			n.mistake("mistake.unknown-command", verb)
		}
		p.push(upper)
		return
	}
	n.say("pop2.cmd." + upper)
	if len(p.pending) == 0 {
		p.order(n, upper)
	}
	if upper == "RETR" && p.phase == "size" && p.size > 0 && len(p.pending) == 0 {
		p.s.count(Server, p.size)
		p.to("xfer")
		p.letter, n.Place = letter{}, "mailbox>reader"
		return
	}
	p.push(upper)
}

func (p *pop2) push(verb string) {
	if len(p.pending) < maxPending {
		p.pending = append(p.pending, verb)
	}
}

// order finds a command at the wrong time: RFC 937's diagram has few ways.
func (p *pop2) order(n *Note, verb string) {
	allowed := map[string]string{"connect": "", "call": "HELO QUIT", "nmbr": "FOLD READ QUIT", "size": "FOLD READ RETR QUIT", "xfer": "ACKS ACKD NACK QUIT"}[p.phase]
	if p.phase == "connect" {
		n.mistake("mistake.early")
	} else if allowed != "" && !strings.Contains(" "+allowed+" ", " "+verb+" ") {
		n.mistake("mistake.pop2-order", verb, allowed)
	}
}

func (p *pop2) server(n *Note, line string) {
	n.cite("RFC 937")
	if p.s.counted {
		n.Kind, n.Place = Literal, "mailbox>reader"
		p.letter.line(n, line)
		n.Mistakes = nil
		if len(n.Says) == 0 {
			n.say("letter.body")
		}
		n.Kind = Literal
		if p.s.counting(Server) == 0 {
			n.say("pop2.all", strconv.FormatInt(p.size, 10))
			n.Place = "reader"
		}
		return
	}
	verb := ""
	if len(p.pending) > 0 {
		verb, p.pending = p.pending[0], p.pending[1:]
	}
	if line == "" {
		n.mistake("mistake.server-pop2")
		return
	}
	number, _, _ := strings.Cut(line[1:], " ")
	switch {
	case line[0] == '+' && p.phase == "connect":
		n.word("+", "word.plus")
		n.say("pop2.greeting")
		p.to("call")
	case line[0] == '+':
		n.word("+", "word.plus")
		n.say("pop2.bye")
		p.to("closed")
	case line[0] == '#' && isDigits(number):
		n.word("#"+number, "word.messages")
		n.say("pop2.count", number)
		p.to("nmbr")
	case line[0] == '=' && isDigits(number):
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil || v > maxPOP2 {
			v = 0
		}
		n.word("="+number, "word.octets")
		if p.size = v; v == 0 {
			n.say("pop2.no-more")
		} else {
			n.say("pop2.told", number)
		}
		p.to("size")
	case line[0] == '-':
		n.word("-", "word.minus")
		n.say("pop2.error")
		if verb != "" || p.phase == "connect" {
			p.to("closed")
		}
	default:
		n.mistake("mistake.server-pop2")
	}
}
