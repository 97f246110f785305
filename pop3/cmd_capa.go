package pop3

import (
	"strconv"
	"strings"
)

// capa is CAPA (RFC 2449 section 5). What can be used before login is announced in both states, STLS only where it is
// permitted.
func (c *Conn) capa(arg string) {
	if !c.noArg("CAPA", arg) {
		return
	}
	c.ok("capability list follows")
	c.line("TOP")
	c.line("UIDL")
	c.line("RESP-CODES")
	c.line("AUTH-RESP-CODE")
	c.line("PIPELINING")
	expire := c.srv.Expire
	if expire == "" {
		expire = "NEVER"
	}
	c.line("EXPIRE " + oneWord(expire))
	if c.srv.LoginDelay > 0 {
		c.line("LOGIN-DELAY " + strconv.Itoa(c.srv.delaySeconds()))
	}
	if c.drop == nil && c.tls == nil && c.srv.TLSConfig != nil {
		c.line("STLS")
	}
	if c.offersUser() {
		c.line("USER")
	}
	if !c.srv.RequireSecure || c.tls != nil {
		// Without any mechanism there is no AUTH.
		if m := c.sasl().Mechanisms(); len(m) > 0 {
			c.line("SASL " + strings.Join(m, " "))
		}
	}
	if c.drop == nil && c.mayXClient() {
		c.line("XCLIENT ADDR PORT")
	}
	c.line("UTF8 USER")
	c.line("LANG")
	if i := c.srv.Implementation; i != "" {
		c.line("IMPLEMENTATION " + oneWord(i))
	}
	c.line(".")
}

// oneWord makes a configured value fit for a capability's parameter.
func oneWord(s string) string {
	if len(s) > 400 {
		s = s[:400]
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
}

// useUTF8 is UTF8 (RFC 6856 section 2.1): from now on the client takes UTF-8 in headers.
func (c *Conn) useUTF8(arg string) {
	switch {
	case !c.noArg("UTF8", arg):
	case c.drop != nil && !c.srv.LateUTF8:
		c.fail("UTF8", "", nil, "you have logged in already")
	default:
		c.utf8 = true
		c.ok("UTF8 enabled")
	}
}

// setLanguage is LANG (RFC 6856 section 3).
func (c *Conn) setLanguage(arg string) {
	if arg == "" {
		c.ok("language listing follows")
		for _, l := range languages {
			c.line(l.tag() + " " + l.name())
		}
		c.line(".")
		return
	}
	l, ok := matchLanguage(arg)
	if !ok {
		c.fail("LANG", "", nil, "there is no such language here")
		return
	}
	c.lang = l
	c.line("+OK " + l.tag() + " " + l.text("language changed"))
}
