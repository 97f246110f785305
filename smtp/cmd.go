package smtp

import (
	"strings"

	"github.com/buuta/mail"
)

// dispatch works on a command and returns its reply; nil when the command has replied itself.
func (c *Conn) dispatch(v verb, name, args string) *Reply {
	switch v {
	case verbHELO, verbEHLO, verbLHLO:
		return c.cmdHello(v, args)
	case verbSTARTTLS:
		return c.cmdStartTLS(args)
	case verbAUTH:
		return c.cmdAuth(args)
	case verbMAIL:
		return c.cmdMail(args)
	case verbRCPT:
		return c.cmdRcpt(args)
	case verbDATA:
		return c.cmdData(args)
	case verbBURL:
		return c.cmdBurl(args)
	case verbRSET:
		return c.cmdRset(args)
	case verbNOOP:
		return replyOK
	case verbVRFY:
		return c.cmdVrfy(args)
	case verbEXPN:
		return c.cmdExpn(args)
	case verbHELP:
		return c.cmdHelp(args)
	case verbETRN:
		return c.cmdEtrn(args)
	case verbXCLIENT:
		return c.cmdXclient(args)
	case verbXFORWARD:
		return c.cmdXforward(args)
	case verbQUIT:
		return c.cmdQuit(args)
	}
	if s, ok := ability[CommandSession](c.session); ok {
		c.work()
		defer c.rest()
		if r := s.Command(c.ctx, strings.ToUpper(name), args); r != nil {
			return r
		}
	}
	if c.forbidden(strings.ToUpper(name)) {
		// A browser that has been made to speak to a mail server, with SMTP in what it posts, or what should have been a message: what
		// follows is not looked at, as Postfix does by smtpd_forbidden_commands.
		c.errors++
		c.finish(CauseRefused, nil)
		return replyForbidden
	}
	return replyNoCommand
}

// forbidden reports whether a command is none of a mail client.
func (c *Conn) forbidden(name string) bool {
	if len(name) > 1 && name[len(name)-1] == ':' { // a header field
		return true
	}
	if c.srv.Forbidden != nil {
		return c.srv.Forbidden(name)
	}
	return name == "GET" || name == "POST" || name == "CONNECT"
}

// cmdRset ends the transaction (RFC 5321 section 4.1.1.5).
func (c *Conn) cmdRset(args string) *Reply {
	if strings.TrimSpace(args) != "" {
		return syntaxReply("RSET")
	}
	c.abort()
	return replyOK
}

// cmdQuit ends the connection (RFC 5321 section 4.1.1.10).
func (c *Conn) cmdQuit(args string) *Reply {
	if strings.TrimSpace(args) != "" {
		return syntaxReply("QUIT")
	}
	c.abort()
	c.last = "QUIT"
	c.finish(CauseQuit, nil)
	return replyBye
}

// cmdVrfy answers VRFY (RFC 5321 section 4.1.1.6).
func (c *Conn) cmdVrfy(args string) *Reply {
	name, ok := c.utf8Argument(args)
	switch {
	case name == "":
		return syntaxReply("VRFY address [SMTPUTF8]")
	case !ok:
		return replyUTF8Needed
	}
	v, able := ability[Verifier](c.session)
	if !able || c.srv.Without.Has(VRFY) {
		return replyNoVRFY
	}
	c.work()
	defer c.rest()
	r := v.Verify(c.ctx, name)
	if r == nil {
		r = NewReply(252, EnhancedCode{2, 0, 0}, name)
	}
	return r
}

// cmdExpn answers EXPN (RFC 5321 section 4.1.1.7).
func (c *Conn) cmdExpn(args string) *Reply {
	name, ok := c.utf8Argument(args)
	switch {
	case name == "":
		return syntaxReply("EXPN list [SMTPUTF8]")
	case !ok:
		return replyUTF8Needed
	}
	e, able := ability[Expander](c.session)
	if !able || c.srv.Without.Has(EXPN) {
		return NewReply(502, EnhancedCode{5, 5, 1}, "EXPN command is disabled")
	}
	c.work()
	defer c.rest()
	r := e.Expand(c.ctx, name)
	if r == nil {
		r = NewReply(550, EnhancedCode{5, 1, 1}, "Error: no such list")
	}
	return r
}

// utf8Argument takes the SMTPUTF8 parameter off the argument of VRFY or EXPN (RFC 6531 section 3.7.4.2), and reports
// whether what is left may be as it is. Angle brackets are taken off too.
func (c *Conn) utf8Argument(args string) (string, bool) {
	name := strings.TrimSpace(args)
	utf8 := false
	if i := strings.LastIndexByte(name, ' '); i >= 0 && strings.EqualFold(name[i+1:], "SMTPUTF8") && c.exts.Has(SMTPUTF8) {
		name, utf8 = strings.TrimSpace(name[:i]), true
	}
	if len(name) > 1 && name[0] == '<' && name[len(name)-1] == '>' {
		name = name[1 : len(name)-1]
	}
	return name, utf8 || isASCII(name)
}

// cmdHelp answers HELP (RFC 5321 section 4.1.1.8).
func (c *Conn) cmdHelp(args string) *Reply {
	text := c.srv.HelpText
	if h, ok := ability[Helper](c.session); ok {
		c.work()
		text = h.Help(c.ctx, strings.TrimSpace(args))
		c.rest()
	}
	if text == "" {
		text = "Commands: " + c.commandNames()
	}
	return NewReply(214, EnhancedCode{2, 0, 0}, text)
}

func (c *Conn) commandNames() string {
	names := make([]string, 0, numVerbs)
	for v := range verbUnknown {
		switch {
		case (v == verbEHLO || v == verbHELO) && c.srv.LMTP, v == verbLHLO && !c.srv.LMTP,
			v == verbSTARTTLS && !c.exts.Has(StartTLS), v == verbAUTH && !c.exts.Has(Auth), v == verbBDAT && !c.exts.Has(Chunking),
			v == verbBURL && !c.exts.Has(BURL), v == verbEXPN && !c.exts.Has(EXPN), v == verbETRN && !c.exts.Has(ETRN),
			v == verbXCLIENT && !c.exts.Has(XClient), v == verbXFORWARD && !c.exts.Has(XForward):
		default:
			names = append(names, verbUpper[v])
		}
	}
	return strings.Join(names, " ")
}

// cmdEtrn starts the delivery of what waits (RFC 1985 section 5).
func (c *Conn) cmdEtrn(args string) *Reply {
	f, able := ability[Flusher](c.session)
	dest := strings.TrimSpace(args)
	switch {
	case !able || c.srv.Without.Has(ETRN):
		return NewReply(502, EnhancedCode{5, 5, 1}, "ETRN command is disabled")
	case c.needsHello():
		return replyHelloFirst
	case c.tx != nil:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: MAIL transaction in progress")
	case dest == "" || strings.ContainsAny(dest, " "):
		return NewReply(500, EnhancedCode{5, 5, 4}, "Syntax: ETRN domain")
	case dest[0] != '#' && !validDomain(strings.TrimPrefix(dest, "@"), false):
		return NewReply(501, EnhancedCode{5, 5, 4}, "Error: invalid parameter syntax")
	}
	c.work()
	defer c.rest()
	r := f.Flush(c.ctx, dest)
	if r == nil {
		r = replyQueuing
	}
	return r
}

// replyTo makes the reply to a step that a session has answered with err.
func replyTo(err error, yes *Reply) *Reply {
	if err == nil {
		return yes
	}
	return mail.ReplyOf(err)
}
