package postscreen

import (
	"fmt"
	"slices"
	"strings"
)

// commandOf returns what works on a command, nil where there is no such command.
func commandOf(name string) func(x *conversation, args string) {
	switch name {
	case "HELO", "EHLO":
		return func(x *conversation, args string) { x.hello(name, args) }
	case "MAIL":
		return (*conversation).mail
	case "RCPT":
		return (*conversation).rcpt
	case "DATA", "BDAT":
		return func(x *conversation, args string) { x.data(name, args) }
	case "STARTTLS":
		return (*conversation).startTLS
	case "RSET":
		return func(x *conversation, _ string) { x.sender = nil; x.v.say("250 2.0.0 Ok") }
	case "NOOP":
		return func(x *conversation, _ string) { x.v.say("250 2.0.0 Ok") }
	case "VRFY":
		return (*conversation).vrfy
	case "ETRN":
		return (*conversation).etrn
	case "QUIT":
		return func(x *conversation, _ string) { x.end("221 2.0.0 Bye") }
	}
	return nil
}

// beforeTLS reports whether a command may come before TLS where that is required.
func beforeTLS(name string) bool {
	return slices.Contains([]string{"HELO", "EHLO", "NOOP", "QUIT", "STARTTLS"}, name)
}

// hello answers HELO and EHLO. PIPELINING is not among what is offered: who uses it would fail.
func (x *conversation) hello(name, args string) {
	v, s := x.v, x.v.s
	word, _, _ := strings.Cut(args, " ")
	if word == "" {
		v.say("501 Syntax: " + name + " hostname")
		return
	}
	x.helo, x.extended, x.sender = word, name == "EHLO", nil
	if !x.extended {
		v.say("250 " + s.host())
		return
	}
	lines := []string{s.host()}
	offer := func(keyword, more string) {
		if !slices.Contains(s.Without, keyword) {
			lines = append(lines, keyword+more)
		}
	}
	switch size := s.MessageSize; {
	case size == 0:
		offer("SIZE", " 10240000")
	case size > 0:
		offer("SIZE", fmt.Sprint(" ", size))
	default:
		offer("SIZE", "")
	}
	offer("VRFY", "")
	offer("ETRN", "")
	if s.TLSConfig != nil && !x.secure {
		offer("STARTTLS", "")
	}
	for _, keyword := range []string{"ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"} {
		offer(keyword, "")
	}
	var b strings.Builder
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		b.WriteString("250" + sep + line + "\r\n")
	}
	v.write(b.String())
}

// mail answers MAIL.
func (x *conversation) mail(args string) {
	v := x.v
	address, ok := path(args)
	switch {
	case v.s.HeloRequired && x.helo == "":
		v.say("503 5.5.1 Error: send HELO/EHLO first")
	case x.sender != nil:
		v.say("503 5.5.1 Error: nested MAIL command")
	case !ok:
		v.say("501 5.5.4 Syntax: MAIL FROM:<address>")
	default:
		x.sender = &address
		v.say("250 2.1.0 Ok")
	}
}

// rcpt answers RCPT: never with yes.
func (x *conversation) rcpt(args string) {
	v := x.v
	address, ok := path(args)
	switch {
	case x.sender == nil:
		v.say("503 5.5.1 Error: need MAIL command")
	case !ok:
		v.say("501 5.5.4 Syntax: RCPT TO:<address>")
	default:
		proto := "SMTP"
		if x.extended {
			proto = "ESMTP"
		}
		v.s.log(fmt.Sprintf("NOQUEUE: reject: RCPT from %s: %s; from=<%s>, to=<%s>, proto=%s, helo=<%s>", v, v.rcptReply,
			escape([]byte(*x.sender), 256), escape([]byte(address), 256), proto, escape([]byte(x.helo), 256)))
		v.say(v.rcptReply)
	}
}

// path is the address behind "FROM:" or "TO:".
func path(args string) (string, bool) {
	_, rest, ok := strings.Cut(args, ":")
	rest = strings.TrimLeft(rest, " ")
	if inner, bracketed := strings.CutPrefix(rest, "<"); bracketed {
		address, _, closed := strings.Cut(inner, ">")
		return address, ok && closed
	}
	address, _, _ := strings.Cut(rest, " ")
	return address, ok && address != ""
}

// data answers DATA and BDAT, which can't have had a recipient: it is the end.
func (x *conversation) data(name, args string) {
	v := x.v
	v.s.log(name + " without valid RCPT from " + v.String())
	switch {
	case name == "DATA" && args != "":
		x.end("501 5.5.4 Syntax: DATA")
	case name == "BDAT" && args == "":
		x.end("501 5.5.4 Syntax: BDAT count [LAST]")
	case x.sender == nil:
		x.end("503 5.5.1 Error: need RCPT command")
	default:
		x.end("554 5.5.1 Error: no valid recipients")
	}
}

// vrfy answers VRFY.
func (x *conversation) vrfy(args string) {
	switch {
	case x.v.s.NoVerify:
		x.v.say("502 5.5.1 VRFY command is disabled")
	case args == "":
		x.v.say("501 5.5.4 Syntax: VRFY address")
	default:
		x.v.say(x.v.rcptReply)
	}
}

// etrn answers ETRN.
func (x *conversation) etrn(args string) {
	if args == "" {
		x.v.say("500 Syntax: ETRN domain")
		return
	}
	x.v.say("458 Unable to queue messages")
}
