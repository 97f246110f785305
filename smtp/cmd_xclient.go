package smtp

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// cmdXclient lets a trusted peer say who the client is (Postfix's XCLIENT). The conversation then begins anew, with a
// greeting and a session for that client.
func (c *Conn) cmdXclient(args string) *Reply {
	switch {
	case !c.exts.Has(XClient):
		return NewReply(550, EnhancedCode{5, 7, 0}, "Error: insufficient authorization")
	case c.tx != nil:
		return NewReply(503, EnhancedCode{5, 5, 1}, "Error: MAIL transaction in progress")
	}
	attrs, r := parseAttrs("XCLIENT", args)
	if r != nil {
		return r
	}
	who := xclient{addr: addrOf(c.remote), dest: addrOf(c.local), name: c.clientName}
	for _, a := range attrs {
		if !who.set(a.Name, a.Value) {
			return NewReply(501, EnhancedCode{5, 5, 4}, "Bad "+printable(a.Name)+" syntax: "+printable(a.Value))
		}
	}
	if c.session != nil {
		_ = c.session.Close()
		c.session = nil
	}
	c.clientName, c.protoOverride = who.name, who.proto
	if who.addr.Addr().IsValid() {
		c.remote = net.TCPAddrFromAddrPort(who.addr)
	}
	if who.dest.Addr().IsValid() {
		c.local = net.TCPAddrFromAddrPort(who.dest)
	}
	c.hello, c.helloVerb, c.identity, c.mechanism, c.forward = who.helo, 0, nil, "", nil
	if who.login != "" {
		c.identity = &mail.Identity{Username: who.login}
	}
	c.last = "XCLIENT"
	c.counts[verbXCLIENT].ok++
	c.counts[verbXCLIENT].total++
	if c.newSession() {
		c.sayGreeting()
	}
	return nil
}

// xclient is what XCLIENT can set.
type xclient struct {
	name, helo, proto, login string
	addr, dest               netip.AddrPort
}

func (x *xclient) set(name, value string) bool {
	unknown := strings.EqualFold(value, "[UNAVAILABLE]") || strings.EqualFold(value, "[TEMPUNAVAIL]")
	if unknown {
		value = ""
	}
	switch name {
	case "NAME":
		x.name = value
		return unknown || validHello(value)
	case "REVERSE_NAME":
		return unknown || validHello(value)
	case "HELO":
		x.helo = value
		return unknown || validHello(value)
	case "LOGIN":
		x.login = value
		return true
	case "PROTO":
		x.proto = strings.ToUpper(value)
		return unknown || x.proto == "SMTP" || x.proto == "ESMTP"
	case "ADDR":
		return unknown || setAddr(&x.addr, value)
	case "PORT":
		return unknown || setPort(&x.addr, value)
	case "DESTADDR":
		return unknown || setAddr(&x.dest, value)
	case "DESTPORT":
		return unknown || setPort(&x.dest, value)
	}
	return false
}

func setAddr(to *netip.AddrPort, value string) bool {
	ip, ok := parseAttrAddr(value)
	*to = netip.AddrPortFrom(ip, to.Port())
	return ok
}

func setPort(to *netip.AddrPort, value string) bool {
	n, err := strconv.ParseUint(value, 10, 16)
	*to = netip.AddrPortFrom(to.Addr(), uint16(n))
	return err == nil && allDigits(value)
}

// parseAttrAddr reads an address as XCLIENT and XFORWARD write it: "192.0.2.1" or "IPV6:2001:db8::1".
func parseAttrAddr(s string) (netip.Addr, bool) {
	v6 := len(s) > 5 && strings.EqualFold(s[:5], "IPV6:")
	if v6 {
		s = s[5:]
	}
	ip, err := netip.ParseAddr(s)
	return ip, err == nil && ip.Zone() == "" && (ip.Is4() || v6)
}

func addrOf(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.AddrPort()
	}
	return netip.AddrPort{}
}

// parseAttrs reads "NAME=value" pairs with values in xtext.
func parseAttrs(command, args string) ([]mail.Parameter, *Reply) {
	attrs, r := parseParams(nil, strings.ReplaceAll(args, "REVERSE_NAME=", "REVERSE-NAME="))
	if r != nil || len(attrs) == 0 {
		return nil, syntaxReply(command + " attribute=value...")
	}
	for i := range attrs {
		v, err := DecodeXtext(attrs[i].Value)
		if err != nil {
			return nil, NewReply(501, EnhancedCode{5, 5, 4}, "Bad "+attrs[i].Name+" value syntax")
		}
		attrs[i].Value = v
		if attrs[i].Name == "REVERSE-NAME" {
			attrs[i].Name = "REVERSE_NAME"
		}
	}
	return attrs, nil
}
