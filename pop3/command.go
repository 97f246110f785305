package pop3

import (
	"strings"
	"unicode/utf8"
)

// states says in which states of RFC 1939 a command may be given.
type states uint8

const (
	inAuthorization states = 1 << iota
	inTransaction
)

// handler is one command. arg is what stands behind the keyword and its space, as the client wrote it.
type handler struct {
	states states
	do     func(c *Conn, arg string)
}

// handlerOf returns the command of a keyword in upper case.
func handlerOf(keyword string) (h handler, ok bool) {
	switch keyword {
	case "USER":
		h = handler{inAuthorization, (*Conn).userName}
	case "PASS":
		h = handler{inAuthorization, (*Conn).pass}
	case "APOP":
		h = handler{inAuthorization, (*Conn).apop}
	case "AUTH":
		h = handler{inAuthorization, (*Conn).auth}
	case "XCLIENT":
		h = handler{inAuthorization, (*Conn).xclient}
	case "STLS":
		h = handler{inAuthorization, (*Conn).stls}
	case "UTF8":
		h = handler{inAuthorization | inTransaction, (*Conn).useUTF8}
	case "CAPA":
		h = handler{inAuthorization | inTransaction, (*Conn).capa}
	case "LANG":
		h = handler{inAuthorization | inTransaction, (*Conn).setLanguage}
	case "QUIT":
		h = handler{inAuthorization | inTransaction, (*Conn).quit}
	case "STAT":
		h = handler{inTransaction, (*Conn).stat}
	case "LIST":
		h = handler{inTransaction, (*Conn).list}
	case "UIDL":
		h = handler{inTransaction, (*Conn).uidl}
	case "RETR":
		h = handler{inTransaction, (*Conn).retr}
	case "TOP":
		h = handler{inTransaction, (*Conn).top}
	case "DELE":
		h = handler{inTransaction, (*Conn).dele}
	case "NOOP":
		h = handler{inTransaction, (*Conn).noop}
	case "RSET":
		h = handler{inTransaction, (*Conn).rset}
	default:
		return h, false
	}
	return h, true
}

// command works on one command line (RFC 2449 section 3: command = keyword *(SP param)).
func (c *Conn) command(line string) {
	word, arg, _ := strings.Cut(line, " ")
	keyword := strings.ToUpper(word)
	h, known := handlerOf(keyword)
	c.trace(keyword, line, known)
	if keyword != "PASS" {
		c.user = "" // PASS comes "immediately after a successful USER command" (RFC 1939 section 7)
	}
	if !known {
		c.unknown(line)
		return
	}
	if keyword != "AUTH" && len(line)+2 > limit(c.srv.Limits.CommandLine, 512) {
		c.fail(keyword, "", nil, "line too long")
		return
	}
	if !validText(line, keyword) {
		c.fail(keyword, "", nil, "invalid characters")
		return
	}
	state := inAuthorization
	if c.drop != nil {
		state = inTransaction
	}
	if h.states&state == 0 {
		if state == inAuthorization {
			c.fail(keyword, "", nil, "log in first")
		} else {
			c.fail(keyword, "", nil, "you have logged in already")
		}
		return
	}
	if keyword != "PASS" {
		arg = strings.TrimRight(arg, " ")
	}
	h.do(c, arg)
}

// unknown answers what is no command. An HTTP client that somebody has aimed at this port is not talked to (its body
// could be commands of an attacker's choice).
func (c *Conn) unknown(line string) {
	c.fail("", "", nil, "unknown command")
	if c.drop == nil && c.commands == 1 && strings.Contains(line, " HTTP/") {
		c.finish(CauseErrors, nil)
	}
}

// validText refuses control characters everywhere, and all but ASCII in what isn't a name or a password (RFC 6856
// section 2.2).
func validText(line, keyword string) bool {
	ascii := true
	for i := range len(line) {
		if line[i] < ' ' || line[i] == 0x7f {
			return false
		}
		ascii = ascii && line[i] < 0x80
	}
	switch keyword {
	case "USER", "PASS", "APOP":
		return ascii || utf8.ValidString(line)
	}
	return ascii
}

// trace shows a command without its secrets.
func (c *Conn) trace(keyword, line string, known bool) {
	if c.srv.Trace == nil {
		return
	}
	switch {
	case keyword == "PASS":
		line = line[:4] + " ***"
	case keyword == "APOP":
		if i := strings.LastIndexByte(line, ' '); i > 4 {
			line = line[:i] + " ***"
		}
	case keyword == "AUTH":
		if f := strings.SplitN(line, " ", 3); len(f) == 3 {
			line = f[0] + " " + f[1] + " ***"
		}
	case !known:
		// A password may have come where a command was expected.
		line = printable(strings.ToValidUTF8(keyword, "?"))
		if len(line) > 4 {
			line = "***"
		}
	}
	c.srv.Trace(c, false, line)
}

// noArg refuses an argument where none belongs.
func (c *Conn) noArg(command, arg string) bool {
	if arg != "" {
		c.fail(command, "", nil, "%s takes no argument", command)
		return false
	}
	return true
}

// message returns the message that arg names and its index: a number from 1, not marked as deleted. Otherwise it
// answers.
func (c *Conn) message(command, arg string) (int, *message) {
	n := 0
	for i := range len(arg) {
		if d := arg[i]; d < '0' || d > '9' || n > len(c.drop.messages) {
			n = -1
			break
		}
		n = 10*n + int(arg[i]-'0')
	}
	switch {
	case arg == "" || n < 0 && strings.Trim(arg, "0123456789") != "":
		c.fail(command, "", nil, "%s needs a message-number", command)
	case n < 1 || n > len(c.drop.messages):
		c.fail(command, "", nil, "no such message, only %d messages in maildrop", len(c.drop.messages))
	case c.drop.messages[n-1].deleted:
		c.fail(command, "", nil, "message %d is deleted", n)
	default:
		return n - 1, &c.drop.messages[n-1]
	}
	return 0, nil
}
