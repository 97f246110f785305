package smtp

import "strings"

// Forwarded is what a trusted peer says with XFORWARD about the client that it has a message from. "" stands for what it
// doesn't know.
type Forwarded struct {
	Name, Addr, Port, Proto, Hello, Ident string
	Source                                string // "LOCAL" or "REMOTE"
}

// cmdXforward takes information about the client for the log (Postfix's XFORWARD). It holds until the next message has
// been taken.
func (c *Conn) cmdXforward(args string) *Reply {
	switch {
	case !c.exts.Has(XForward):
		return NewReply(550, EnhancedCode{5, 7, 0}, "Error: insufficient authorization")
	case c.tx != nil:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: MAIL transaction in progress")
	}
	attrs, r := parseAttrs("XFORWARD", args)
	if r != nil {
		return r
	}
	var f Forwarded
	if c.forward != nil {
		f = *c.forward
	}
	for _, a := range attrs {
		v := a.Value
		if strings.EqualFold(v, "[UNAVAILABLE]") {
			v = ""
		}
		ok := true
		switch a.Name {
		case "NAME":
			f.Name, ok = v, v == "" || validHello(v)
		case "ADDR":
			f.Addr = v
			if v != "" {
				_, ok = parseAttrAddr(v)
			}
		case "PORT":
			f.Port, ok = v, v == "" || allDigits(v)
		case "PROTO":
			f.Proto, ok = v, len(v) <= 32
		case "HELO":
			f.Hello, ok = v, v == "" || validHello(v)
		case "IDENT":
			f.Ident, ok = v, len(v) <= 255
		case "SOURCE":
			f.Source = strings.ToUpper(v)
			ok = v == "" || f.Source == "LOCAL" || f.Source == "REMOTE"
		default:
			ok = false
		}
		if !ok {
			return NewReply(501, EnhancedCode{5, 5, 4}, "Bad "+printable(a.Name)+" syntax: "+printable(v))
		}
	}
	c.forward = &f
	return replyOK
}
