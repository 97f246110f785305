package smtp

import (
	"strings"

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
	if r := c.tooMuch(EventMessage); r != nil {
		return r
	}
	p, ok := c.srv.parsePath(rest)
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
