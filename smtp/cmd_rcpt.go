package smtp

import (
	"strings"
	"time"

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
	p, ok := parsePath(rest, c.srv.StrictSyntax)
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

// paramNotify reads NOTIFY= (RFC 3461 section 4.1): NEVER alone, or a list of the others.
func paramNotify(o *mail.RcptOptions, p mail.Parameter) *Reply {
	var n mail.Notify
	for word := range strings.SplitSeq(strings.ToUpper(p.Value), ",") {
		var bit mail.Notify
		switch word {
		case "NEVER":
			bit = mail.NotifyNever
		case "SUCCESS":
			bit = mail.NotifySuccess
		case "FAILURE":
			bit = mail.NotifyFailure
		case "DELAY":
			bit = mail.NotifyDelay
		}
		if bit == 0 || n&bit != 0 {
			return badParameter(p)
		}
		n |= bit
	}
	if n&mail.NotifyNever != 0 && n != mail.NotifyNever {
		return badParameter(p)
	}
	o.Notify = n
	return nil
}

// paramOrcpt reads ORCPT= (RFC 3461 section 4.2, RFC 6533 section 3): an address type, ";", and the address in xtext, or in
// one of the forms for UTF-8.
func (c *Conn) paramOrcpt(o *mail.RcptOptions, p mail.Parameter) *Reply {
	kind, addr, found := strings.Cut(p.Value, ";")
	if !found || !validKeyword(kind) || len(p.Value) > 500 {
		return badParameter(p)
	}
	var text string
	var err error
	if strings.EqualFold(kind, "utf-8") {
		text, err = decodeUTF8Xtext(addr)
		if !isASCII(addr) && !c.tx.opts.UTF8 {
			return replyUTF8Needed
		}
	} else {
		text, err = DecodeXtext(addr)
	}
	if err != nil || text == "" {
		return badParameter(p)
	}
	o.OriginalRecipient = kind + ";" + text
	return nil
}

// paramRRVS reads RRVS= (RFC 7293 section 3.2): a date and time, and perhaps "C" or "R" for what to do where it can't be
// passed on, which whoever relays decides.
func paramRRVS(o *mail.RcptOptions, p mail.Parameter) *Reply {
	when, action, has := strings.Cut(p.Value, ";")
	if has && !strings.EqualFold(action, "C") && !strings.EqualFold(action, "R") {
		return badParameter(p)
	}
	t, err := time.Parse(time.RFC3339, when)
	if err != nil {
		return badParameter(p)
	}
	o.ValidSince = t
	return nil
}
