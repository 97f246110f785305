package smtp

import (
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/wire"
)

// transaction is a mail transaction of a connection.
type transaction struct {
	from    string
	opts    mail.MailOptions
	tx      mail.Transaction
	rcpts   []string
	refused int  // recipients that were refused
	chunks  bool // BDAT has begun

	// What a message needs, here so that it is all one piece of memory.
	dot      wire.DotReader
	chunk    chunkReader
	message  messageReader
	done     Reply
	rcptsBuf [2]string
	params   [4]mail.Parameter
}

// cmdMail begins a transaction (RFC 5321 section 4.1.1.2).
func (c *Conn) cmdMail(args string) *Reply {
	switch {
	case c.needsHello():
		return replyHelloFirst
	case c.tx != nil:
		return replyNested
	case c.srv.RequireAuth && c.identity == nil:
		return replyNeedAuth
	}
	rest, ok := cutPrefixFold(args, "FROM:")
	if !ok {
		return syntaxReply("MAIL FROM:<address>")
	}
	p, ok := parsePath(rest, c.srv.StrictSyntax)
	if !ok {
		return NewReply(501, EnhancedCode{5, 1, 7}, "Bad sender address syntax")
	}
	tx := &transaction{from: p.addr}
	if r := c.mailParams(tx, p); r != nil {
		return r
	}
	if n := c.srv.Limits.Messages; n > 0 && c.messages >= n {
		return replyManyMails
	}
	c.work()
	t, err := c.session.Begin(c.ctx, tx.from, &tx.opts)
	c.rest()
	if err != nil {
		return replyTo(err, nil)
	}
	tx.tx, tx.rcpts, c.tx = t, tx.rcptsBuf[:0], tx
	return replySenderOK
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// mailParams reads the parameters of MAIL into tx.
func (c *Conn) mailParams(tx *transaction, p path) *Reply {
	params, r := parseParams(tx.params[:0], p.rest)
	if r != nil {
		return r
	}
	for _, q := range params {
		if r := c.mailParam(&tx.opts, q); r != nil {
			return r
		}
	}
	o := &tx.opts
	switch {
	case p.utf8 && !o.UTF8:
		return replyUTF8Needed
	case o.Hold.For != 0 && !o.Hold.Until.IsZero():
		return NewReply(501, EnhancedCode{5, 5, 4}, "Error: HOLDFOR and HOLDUNTIL together") // RFC 4865 section 4
	case o.Size > c.srv.maxSize():
		return replySizeFixed // RFC 1870 section 6.1
	case o.DeliverBy != nil && (o.Hold.For != 0 || !o.Hold.Until.IsZero()):
		return NewReply(501, EnhancedCode{5, 5, 4}, "Error: BY and HOLDFOR or HOLDUNTIL together") // RFC 4865 section 5.1
	}
	return nil
}

func (c *Conn) mailParam(o *mail.MailOptions, p mail.Parameter) *Reply {
	need, read := Extension(0), (func(*Conn, *mail.MailOptions, mail.Parameter) *Reply)(nil)
	switch p.Name {
	case "SIZE":
		need, read = Size, (*Conn).paramSize
	case "BODY":
		need, read = EightBitMIME, (*Conn).paramBody
	case "SMTPUTF8":
		need, read = SMTPUTF8, func(_ *Conn, o *mail.MailOptions, p mail.Parameter) *Reply {
			o.UTF8 = true
			return noValue(p)
		}
	case "REQUIRETLS":
		need, read = RequireTLS, func(_ *Conn, o *mail.MailOptions, p mail.Parameter) *Reply {
			o.RequireTLS = true
			return noValue(p)
		}
	case "RET":
		need, read = DSN, (*Conn).paramRet
	case "ENVID":
		need, read = DSN, (*Conn).paramEnvid
	case "AUTH":
		return c.paramAuth(o, p)
	case "BY":
		need, read = DeliverBy, (*Conn).paramBy
	case "MT-PRIORITY":
		need, read = MTPriority, (*Conn).paramPriority
	case "HOLDFOR", "HOLDUNTIL":
		need, read = FutureRelease, (*Conn).paramHold
	default:
		if k, ok := ability[KeywordSession](c.session); ok && c.Extended() && k.Parameter("MAIL", p.Name) {
			o.Extra = append(o.Extra, p)
			return nil
		}
		return unsupported(p)
	}
	if !c.exts.Has(need) || !c.Extended() {
		return unsupported(p)
	}
	return read(c, o, p)
}

func noValue(p mail.Parameter) *Reply {
	if p.HasValue {
		return badParameter(p)
	}
	return nil
}

// paramSize reads SIZE= (RFC 1870 section 3): up to 20 digits.
func (c *Conn) paramSize(o *mail.MailOptions, p mail.Parameter) *Reply {
	if !allDigits(p.Value) || len(p.Value) > 20 {
		return badParameter(p)
	}
	n, err := strconv.ParseInt(p.Value, 10, 64)
	if err != nil {
		return replySizeFixed // more than fits is more than we take
	}
	o.Size = n
	return nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// paramBody reads BODY= (RFC 6152 section 3, RFC 3030 section 3).
func (c *Conn) paramBody(o *mail.MailOptions, p mail.Parameter) *Reply {
	switch b := mail.BodyType(strings.ToUpper(p.Value)); b {
	case mail.Body7Bit, mail.Body8BitMIME:
		o.Body = b
	case mail.BodyBinaryMIME:
		if !c.exts.Has(BinaryMIME) {
			return unsupported(mail.Parameter{Name: "BODY=BINARYMIME"})
		}
		o.Body = b
	default:
		return badParameter(p)
	}
	return nil
}

// paramRet reads RET= (RFC 3461 section 4.3).
func (c *Conn) paramRet(o *mail.MailOptions, p mail.Parameter) *Reply {
	switch v := mail.DSNReturn(strings.ToUpper(p.Value)); v {
	case mail.ReturnFull, mail.ReturnHeaders:
		o.Return = v
		return nil
	}
	return badParameter(p)
}

// paramEnvid reads ENVID= (RFC 3461 section 4.4): xtext of at most 100 characters, printable when decoded.
func (c *Conn) paramEnvid(o *mail.MailOptions, p mail.Parameter) *Reply {
	id, err := DecodeXtext(p.Value)
	if err != nil || id == "" || len(p.Value) > 100 || !isASCII(id) {
		return badParameter(p)
	}
	o.EnvelopeID = id
	return nil
}

// paramAuth reads AUTH= (RFC 4954 section 5). A client that is not authenticated is trusted with nothing: what it says
// then counts as AUTH=<>.
func (c *Conn) paramAuth(o *mail.MailOptions, p mail.Parameter) *Reply {
	if c.authenticator() == nil || !c.Extended() || c.srv.Without.Has(Auth) {
		return unsupported(p)
	}
	who := ""
	if p.Value != "<>" {
		s, err := DecodeXtext(p.Value)
		if err != nil || s == "" {
			return badParameter(p)
		}
		var ok bool
		if who, ok = parseMailbox(s, false); !ok {
			return badParameter(p)
		}
	}
	if c.identity == nil {
		who = ""
	}
	o.Auth = &who
	return nil
}

// paramBy reads BY= (RFC 2852 section 4): seconds, a mode, and perhaps a trace.
func (c *Conn) paramBy(o *mail.MailOptions, p mail.Parameter) *Reply {
	secs, mode, _ := strings.Cut(p.Value, ";")
	digits := strings.TrimPrefix(strings.TrimPrefix(secs, "-"), "+")
	n, err := strconv.ParseInt(strings.TrimPrefix(secs, "+"), 10, 64)
	if err != nil || !allDigits(digits) || len(digits) > 9 || len(digits) < len(secs)-1 {
		return badParameter(p)
	}
	by := &mail.DeliverBy{Time: time.Duration(n) * time.Second}
	switch strings.ToUpper(mode) {
	case "R":
		by.Mode = 'R'
	case "N":
		by.Mode = 'N'
	case "RT":
		by.Mode, by.Trace = 'R', true
	case "NT":
		by.Mode, by.Trace = 'N', true
	default:
		return badParameter(p)
	}
	if by.Mode == 'R' && by.Time <= 0 {
		return badParameter(p) // RFC 2852 section 4: "the by-time MUST be greater than zero" in mode R
	}
	if least := c.srv.Limits.DeliverByMin; by.Mode == 'R' && by.Time < least {
		return NewReply(455, EnhancedCode{4, 4, 7}, "Error: deliver-by time too short") // section 4.1.4
	}
	o.DeliverBy = by
	return nil
}

// paramPriority reads MT-PRIORITY= (RFC 6710 section 4): -9 to 9.
func (c *Conn) paramPriority(o *mail.MailOptions, p mail.Parameter) *Reply {
	v := strings.TrimPrefix(p.Value, "-")
	if len(v) != 1 || !allDigits(v) {
		return badParameter(p)
	}
	n := int(v[0] - '0')
	if len(p.Value) == 2 {
		n = -n
	}
	o.Priority = &n
	return nil
}

// paramHold reads HOLDFOR= and HOLDUNTIL= (RFC 4865 section 4).
func (c *Conn) paramHold(o *mail.MailOptions, p mail.Parameter) *Reply {
	tooLong := NewReply(501, EnhancedCode{5, 5, 4}, "Error: "+p.Name+" beyond what FUTURERELEASE announced")
	if p.Name == "HOLDFOR" {
		if !allDigits(p.Value) || len(p.Value) > 9 || p.Value[0] == '0' {
			return badParameter(p)
		}
		n, _ := strconv.Atoi(p.Value)
		if o.Hold.For = time.Duration(n) * time.Second; o.Hold.For > c.holdMax() {
			return tooLong
		}
		return nil
	}
	t, err := time.Parse(time.RFC3339, p.Value)
	if err != nil {
		return badParameter(p)
	}
	if t.After(c.srv.now().Add(c.holdMax())) {
		return tooLong
	}
	o.Hold.Until = t
	return nil
}
