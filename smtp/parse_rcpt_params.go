package smtp

import (
	"strings"
	"time"

	"github.com/buuta/mail"
)

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
