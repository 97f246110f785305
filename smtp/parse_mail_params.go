package smtp

import (
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

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
