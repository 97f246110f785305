package explain

import (
	"regexp"
	"strconv"
	"strings"
)

// imapCommands are all that RFCs know, with the section that each is from.
var imapCommands = map[string]string{
	"CAPABILITY": "RFC 9051 section 6.1.1", "NOOP": "RFC 9051 section 6.1.2", "LOGOUT": "RFC 9051 section 6.1.3", "STARTTLS": "RFC 9051 section 6.2.1",
	"AUTHENTICATE": "RFC 9051 section 6.2.2", "LOGIN": "RFC 9051 section 6.2.3", "ENABLE": "RFC 9051 section 6.3.1", "SELECT": "RFC 9051 section 6.3.2",
	"EXAMINE": "RFC 9051 section 6.3.3", "CREATE": "RFC 9051 section 6.3.4", "DELETE": "RFC 9051 section 6.3.5", "RENAME": "RFC 9051 section 6.3.6",
	"SUBSCRIBE": "RFC 9051 section 6.3.7", "UNSUBSCRIBE": "RFC 9051 section 6.3.8", "LIST": "RFC 9051 section 6.3.9", "NAMESPACE": "RFC 9051 section 6.3.10",
	"STATUS": "RFC 9051 section 6.3.11", "APPEND": "RFC 9051 section 6.3.12", "IDLE": "RFC 9051 section 6.3.13", "CLOSE": "RFC 9051 section 6.4.1",
	"UNSELECT": "RFC 9051 section 6.4.2", "EXPUNGE": "RFC 9051 section 6.4.3", "SEARCH": "RFC 9051 section 6.4.4", "FETCH": "RFC 9051 section 6.4.5",
	"STORE": "RFC 9051 section 6.4.6", "COPY": "RFC 9051 section 6.4.7", "MOVE": "RFC 9051 section 6.4.8", "UID": "RFC 9051 section 6.4.9",
	"LSUB": "RFC 3501 section 6.3.9", "CHECK": "RFC 3501 section 6.4.1", "SORT": "RFC 5256 section 3", "THREAD": "RFC 5256 section 3",
	"GETQUOTA": "RFC 9208 section 4.1.2", "GETQUOTAROOT": "RFC 9208 section 4.1.3", "SETQUOTA": "RFC 9208 section 4.1.1", "GETACL": "RFC 4314 section 3.3",
	"SETACL": "RFC 4314 section 3.1", "DELETEACL": "RFC 4314 section 3.2", "LISTRIGHTS": "RFC 4314 section 3.4", "MYRIGHTS": "RFC 4314 section 3.5",
	"GETMETADATA": "RFC 5464 section 4.2", "SETMETADATA": "RFC 5464 section 4.3", "ID": "RFC 2971 section 3.1", "COMPRESS": "RFC 4978 section 3",
	"NOTIFY": "RFC 5465 section 3", "CONVERT": "RFC 5259 section 6", "CONVERSIONS": "RFC 5259 section 5", "GENURLAUTH": "RFC 4467 section 7", "RESETKEY": "RFC 4467 section 7",
	"URLFETCH": "RFC 4467 section 7", "LANGUAGE": "RFC 5255 section 3.2", "COMPARATOR": "RFC 5255 section 4.7", "ESEARCH": "RFC 7377 section 2.1",
	"CANCELUPDATE": "RFC 5267 section 4.3.5", "REPLACE": "RFC 8508 section 3", "UNAUTHENTICATE": "RFC 8437 section 3", "GETJMAPACCESS": "RFC 9698",
	"UIDBATCHES": "RFC 9979", "XLIST": "",
}

var literalEnd = regexp.MustCompile(`~?\{(\d{1,18})([+-])?\}$`)

func isLiteral(s string) bool { return literalEnd.FindString(s) == s }

// imap follows IMAP. Phases: connect, notauth, auth, selected, idle, sasl, tls, closed.
type imap struct {
	s       *Session
	phase   string
	back    string // the phase that idle and sasl come from
	pending []imapCommand
	cur     *imapCommand // whose line goes on behind a literal
	waiting bool         // for the "+" that lets a literal be sent
	rest    bool         // the client's next line goes on behind a literal
	letter  letter
	srest   bool   // the same of the server
	answer  string // the response that goes on: "FETCH"
	step    int
	bye     bool
}

type imapCommand struct {
	tag, verb string
	uid       bool
	mech      string
	message   bool // has a message as a literal
}

func (p *imap) state() State {
	st := State{"imap." + p.phase, "client.speaks"}
	switch {
	case p.phase == "closed":
		st.Client = "client.gone"
	case p.phase == "connect":
		st.Client = "client.listens"
	case p.phase == "idle":
		st.Client = "client.idles"
	case p.phase == "sasl" || p.phase == "tls":
		st.Client = "client.answers"
	case p.cur != nil && !p.waiting:
		st.Client = "client.sends"
	case len(p.pending) > 0 || p.cur != nil:
		st.Client = "client.waits"
	}
	return st
}

func (p *imap) to(phase string) bool {
	if !p.s.way(p.phase, phase) {
		return false
	}
	p.phase = phase
	return true
}

func (p *imap) dotted(Side) bool { return false } // literals are counted

func (p *imap) secured() {
	p.phase, p.pending, p.cur, p.rest, p.srest, p.waiting = "notauth", nil, nil, false, false, false
}

func (p *imap) client(n *Note, line string) {
	switch {
	case p.s.counted:
		p.octets(n, line)
	case p.rest && p.cur != nil:
		n.say("imap.command-goes-on")
		n.cite("RFC 9051 section 4.3")
		if p.cur.verb == "LOGIN" {
			n.Text = printable(cut(loginRest(p.s, line)))
		} else {
			p.words(n, p.cur.verb, tokens(line))
		}
		p.literal(n, line)
	case p.phase == "idle":
		n.cite("RFC 9051 section 6.3.13")
		if !strings.EqualFold(strings.TrimSpace(line), "DONE") {
			n.mistake("mistake.imap-idle")
			return
		}
		n.say("imap.done")
		p.to(p.back)
	case p.phase == "sasl":
		n.Kind = Exchange
		n.cite("RFC 9051 section 6.2.2")
		mech := ""
		if len(p.pending) > 0 {
			mech = p.pending[0].mech
		}
		p.s.response(n, mech, p.step, line)
		p.step++
	default:
		p.command(n, line)
	}
}

func (p *imap) push(c imapCommand) {
	if len(p.pending) < maxPending {
		p.pending = append(p.pending, c)
	}
}

// octets is a line within a literal.
func (p *imap) octets(n *Note, line string) {
	n.Kind = Literal
	n.cite("RFC 9051 section 4.3")
	if p.cur != nil && p.cur.message {
		n.Place = "mua>mailbox"
		p.letter.line(n, line)
		n.Mistakes, n.Kind = nil, Literal
	}
	if p.cur != nil && p.cur.verb == "LOGIN" {
		p.s.remember(line)
		n.Text = Mask
	}
	if len(n.Says) == 0 {
		n.say("imap.literal-octets")
	}
}

// loginRest masks what follows a literal in LOGIN.
func loginRest(s *Session, line string) string {
	trimmed := strings.TrimSpace(line)
	if trimmed == "" || isLiteral(trimmed) {
		return line
	}
	s.remember(trimmed)
	return Mask
}

// literal begins a literal if the line announces one, and ends the command otherwise.
func (p *imap) literal(n *Note, line string) {
	m := literalEnd.FindStringSubmatch(line)
	if m == nil {
		if p.cur != nil {
			p.push(*p.cur)
		}
		p.cur, p.rest, p.waiting = nil, false, false
		return
	}
	size, _ := strconv.ParseInt(m[1], 10, 64)
	n.word(m[0], "imap.literal", m[1])
	if p.waiting = m[2] == ""; p.waiting {
		n.say("imap.literal-waits", m[1])
	} else {
		n.say("imap.literal-now", m[1])
	}
	n.cite("RFC 9051 section 4.3")
	p.rest, p.letter = true, letter{}
	p.s.count(Client, size)
}

func (p *imap) command(n *Note, line string) {
	n.Text = printable(cut(p.s.mask(line)))
	trimmed := strings.TrimLeft(line, " \t")
	tag, after, spaced := strings.Cut(trimmed, " ")
	verb, args, _ := strings.Cut(strings.TrimLeft(after, " "), " ")
	upper := strings.ToUpper(strings.TrimSpace(verb))
	if trimmed == "" {
		n.mistake("mistake.empty-line")
		return
	}
	if imapCommands[upper] == "" && imapCommands[strings.ToUpper(tag)] != "" {
		n.mistake("mistake.no-tag", strings.ToUpper(tag))
		n.cite("RFC 9051 section 2.2.1")
		p.push(imapCommand{tag: tag})
		return
	}
	if trimmed != line {
		n.mistake("mistake.leading-space")
	}
	cmd := imapCommand{tag: tag, verb: upper}
	if upper == "UID" {
		sub, rest, _ := strings.Cut(strings.TrimLeft(args, " "), " ")
		cmd.verb, cmd.uid, args = strings.ToUpper(sub), true, rest
	}
	ref, ok := imapCommands[cmd.verb]
	if !ok {
		p.push(imapCommand{tag: tag})
		p.unknown(n, trimmed, tag, verb, spaced)
		return
	}
	n.word(tag, "imap.tag")
	if cmd.uid {
		n.word("UID", "imap.uid")
	}
	n.say("imap.cmd." + cmd.verb)
	n.cite(ref)
	for _, c := range p.pending {
		if c.tag == tag {
			n.mistake("mistake.tag-twice", tag)
			n.cite("RFC 9051 section 2.2.1")
		}
	}
	p.order(n, cmd.verb)
	cmd.message = cmd.verb == "APPEND" || cmd.verb == "REPLACE"
	p.arguments(n, &cmd, strings.TrimSpace(args))
	p.cur = &cmd
	p.literal(n, line)
}

var (
	needsLogin   = words("SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE LIST LSUB NAMESPACE STATUS APPEND IDLE ENABLE")
	needsMailbox = words("CLOSE UNSELECT EXPUNGE SEARCH FETCH STORE COPY MOVE CHECK SORT THREAD")
	beforeLogin  = words("LOGIN AUTHENTICATE STARTTLS")
)

func words(s string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// order finds a command at the wrong time.
func (p *imap) order(n *Note, verb string) {
	if len(p.pending) > 0 {
		return
	}
	switch {
	case p.phase == "connect":
		n.mistake("mistake.early")
	case p.phase == "notauth" && (needsLogin[verb] || needsMailbox[verb]):
		n.mistake("mistake.imap-login-first", verb)
	case p.phase == "auth" && needsMailbox[verb]:
		n.mistake("mistake.imap-select-first", verb)
	case p.phase != "notauth" && beforeLogin[verb]:
		n.mistake("mistake.imap-logged-in", verb)
	default:
		return
	}
	n.cite("RFC 9051 section 3")
}

func (p *imap) unknown(n *Note, line, tag, verb string, spaced bool) {
	n.cite("RFC 9051 section 2.2.1")
	up := strings.ToUpper(tag)
	near := nearest(strings.ToUpper(verb), imapCommands)
	nearTag := nearest(up, imapCommands)
	switch {
	case near != "":
		n.mistake("mistake.typo", verb, near)
	case httpMethod(up):
		n.mistake("mistake.is-http")
	case foreign(up, smtpCommands) || foreign(up, pop3Commands):
		n.mistake("mistake.is-not-imap", up)
	case !spaced || verb == "":
		n.mistake("mistake.tag-alone", line)
	case nearTag != "":
		n.mistake("mistake.no-tag", nearTag)
	default:
		n.mistake("mistake.unknown-command", verb)
	}
}

func (p *imap) arguments(n *Note, cmd *imapCommand, args string) {
	toks := tokens(args)
	switch cmd.verb {
	case "LOGIN":
		if len(toks) > 0 && !isLiteral(toks[0]) {
			n.word(toks[0], "word.user")
		}
		if len(toks) > 1 && !isLiteral(toks[1]) {
			n.word(Mask, "word.password")
		}
		if len(toks) < 2 && !strings.HasSuffix(args, "}") {
			n.mistake("mistake.imap-login-arguments")
		}
		if !p.s.secure {
			n.say("sasl.in-the-clear")
		}
		return
	case "AUTHENTICATE":
		if len(toks) == 0 {
			n.mistake("mistake.auth-mechanism")
			return
		}
		cmd.mech, p.step = toks[0], 0
		mechanism(n, toks[0])
		if len(toks) > 1 {
			text := n.Text
			p.s.response(n, toks[0], 0, toks[1])
			n.Text, p.step = text, 1
			n.word(Mask, "word.initial")
		}
		return
	case "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "STATUS", "SUBSCRIBE", "UNSUBSCRIBE", "APPEND", "COPY", "MOVE", "FETCH", "STORE", "SEARCH":
		if len(toks) == 0 {
			n.mistake("mistake.argument", cmd.verb)
			return
		}
	}
	p.words(n, cmd.verb, toks)
}
