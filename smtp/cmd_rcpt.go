package smtp

import (
	"github.com/buuta/mail"
)

// cmdRcpt adds a recipient (RFC 5321 section 4.1.1.3).
func (c *Conn) cmdRcpt(args string) *Reply {
	c.lastTo = ""
	if c.tx == nil {
		return replyNeedMail
	}
	rest, ok := cutPrefixFold(args, "TO:")
	if !ok {
		return syntaxReply("RCPT TO:<address>")
	}
	if r := c.tooMuch(EventRecipient); r != nil {
		return c.refuseRcpt(r)
	}
	p, ok := c.srv.parsePath(rest)
	if !ok || p.addr == "" {
		return c.refuseRcpt(NewReply(501, EnhancedCode{5, 1, 3}, "Bad recipient address syntax"))
	}
	c.lastTo = p.addr
	if len(c.tx.rcpts) >= limit(c.srv.Limits.Recipients, 1000) {
		return c.refuseRcpt(replyManyRcpts)
	}
	var o mail.RcptOptions
	if r := c.rcptParams(&o, p); r != nil {
		return c.refuseRcpt(r)
	}
	c.work()
	err := c.tx.tx.Recipient(c.ctx, p.addr, &o)
	c.rest()
	if err != nil {
		return c.refuseRcpt(replyTo(err, nil))
	}
	c.tx.rcpts = append(c.tx.rcpts, p.addr)
	return replyRcptOK
}

func (c *Conn) refuseRcpt(r *Reply) *Reply {
	c.tx.refused++
	return r
}

func (c *Conn) rcptParams(o *mail.RcptOptions, p path) *Reply {
	params, r := parseParams(c.tx.params[:0], p.rest)
	if r != nil {
		return r
	}
	if p.utf8 && !c.tx.opts.UTF8 {
		return replyUTF8Needed // RFC 6531 section 3.5
	}
	for _, q := range params {
		if r := c.rcptParam(o, q); r != nil {
			return r
		}
	}
	return nil
}

func (c *Conn) rcptParam(o *mail.RcptOptions, p mail.Parameter) *Reply {
	has := func(x Extension) bool { return c.exts.Has(x) && c.Extended() }
	switch p.Name {
	case "NOTIFY":
		if has(DSN) {
			return paramNotify(o, p)
		}
	case "ORCPT":
		if has(DSN) {
			return c.paramOrcpt(o, p)
		}
	case "RRVS":
		if has(RRVS) {
			return paramRRVS(o, p)
		}
	default:
		if k, ok := ability[KeywordSession](c.session); ok && c.Extended() && k.Parameter("RCPT", p.Name) {
			o.Extra = append(o.Extra, p)
			return nil
		}
	}
	return unsupported(p)
}
