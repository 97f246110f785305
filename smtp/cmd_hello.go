package smtp

import (
	"strconv"
	"strings"
	"time"
)

// cmdHello answers HELO, EHLO (RFC 5321 section 4.1.1.1) and LHLO (RFC 2033 section 4.1).
func (c *Conn) cmdHello(v verb, args string) *Reply {
	if c.srv.LMTP != (v == verbLHLO) {
		return replyNoCommand // RFC 2033 section 4.1: HELO and EHLO must not be, LHLO is LMTP's alone
	}
	name := strings.TrimSpace(args)
	if !validHello(name) {
		return &Reply{Code: 501, Text: "Syntax: " + verbUpper[v] + " hostname", Enhanced: EnhancedCode{5, 5, 4}}
	}
	if h, ok := ability[HelloSession](c.session); ok {
		c.work()
		err := h.Hello(c.ctx, name)
		c.rest()
		if err != nil {
			return replyTo(err, nil)
		}
	}
	c.abort()
	c.hello, c.helloVerb = name, v
	c.extensionsChanged()
	if v == verbHELO {
		return &Reply{Code: 250, Text: c.srv.host()}
	}
	return &Reply{Code: 250, Text: c.srv.host() + c.keywords()}
}

func (c *Conn) needsHello() bool { return c.hello == "" && !c.srv.AllowNoHello }

// extensionsChanged works out what the client may use now: what the server does of itself, what has been plugged in,
// and what depends on TLS and on who the client is.
func (c *Conn) extensionsChanged() {
	s := c.srv
	e := s.Extensions
	if e == 0 {
		e = DefaultExtensions
	}
	// These follow from what is plugged in and from nothing else.
	e &^= StartTLS | Auth | VRFY | EXPN | ETRN | BURL | XClient | XForward
	set := func(x Extension, on bool) {
		if on {
			e |= x
		}
	}
	if c.session != nil {
		if x, ok := ability[Extender](c.session); ok {
			e |= x.Extensions() &^ (StartTLS | Auth)
		}
		_, ok := ability[Verifier](c.session)
		set(VRFY, ok)
		_, ok = ability[Expander](c.session)
		set(EXPN, ok)
		_, ok = ability[Flusher](c.session)
		set(ETRN, ok && !s.LMTP)
		_, ok = ability[Helper](c.session)
		set(Help, ok || s.HelpText != "")
		_, ok = ability[URLFetcher](c.session)
		set(BURL, ok && c.identity != nil) // RFC 4468 section 3.3: only to authenticated clients
	}
	set(StartTLS, s.TLSConfig != nil && c.tls == nil)
	set(Auth, c.identity == nil && c.authenticator() != nil)
	set(XClient, s.XClient != nil && s.XClient(c.real))
	set(XForward, s.XForward != nil && s.XForward(c.real))
	if c.tls == nil {
		e &^= RequireTLS // RFC 8689 section 2: only over TLS
	}
	e &^= s.Without
	if !e.Has(Chunking) {
		e &^= BinaryMIME // RFC 3030 section 3
	}
	c.exts = e
}

// keywords returns the lines behind the first of the reply to EHLO.
func (c *Conn) keywords() string {
	var b strings.Builder
	line := func(x Extension, keyword string, args ...string) {
		if c.exts.Has(x) {
			b.WriteByte('\n')
			b.WriteString(keyword)
			for _, a := range args {
				b.WriteByte(' ')
				b.WriteString(a)
			}
		}
	}
	line(Pipelining, "PIPELINING")
	if n := c.srv.maxSize(); n < 1<<62 {
		line(Size, "SIZE", strconv.FormatInt(n, 10))
	} else {
		line(Size, "SIZE")
	}
	line(VRFY, "VRFY")
	line(EXPN, "EXPN")
	line(ETRN, "ETRN")
	line(StartTLS, "STARTTLS")
	if c.exts.Has(Auth) {
		if m := c.saslConfig().Mechanisms(); len(m) > 0 {
			line(Auth, "AUTH", m...)
		}
	}
	line(EnhancedStatusCodes, "ENHANCEDSTATUSCODES")
	line(EightBitMIME, "8BITMIME")
	line(DSN, "DSN")
	line(SMTPUTF8, "SMTPUTF8")
	line(Chunking, "CHUNKING")
	line(BinaryMIME, "BINARYMIME")
	line(RequireTLS, "REQUIRETLS")
	c.parameterKeywords(line)
	if c.exts.Has(BURL) {
		line(BURL, "BURL", "imap")
	}
	line(Help, "HELP")
	line(XClient, "XCLIENT", "NAME", "ADDR", "PORT", "PROTO", "HELO", "LOGIN", "DESTADDR", "DESTPORT", "REVERSE_NAME")
	line(XForward, "XFORWARD", "NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
	if k, ok := ability[KeywordSession](c.session); ok {
		for _, kw := range k.Keywords() {
			line(0, kw)
		}
	}
	return b.String()
}

// parameterKeywords writes the extensions that announce a limit of theirs.
func (c *Conn) parameterKeywords(line func(x Extension, keyword string, args ...string)) {
	l := &c.srv.Limits
	if d := l.DeliverByMin; d > 0 {
		line(DeliverBy, "DELIVERBY", strconv.FormatInt(int64(d/time.Second), 10)) // RFC 2852 section 2
	} else {
		line(DeliverBy, "DELIVERBY")
	}
	line(MTPriority, "MT-PRIORITY")
	line(RRVS, "RRVS")
	hold := c.holdMax()
	line(FutureRelease, "FUTURERELEASE", strconv.FormatInt(int64(hold/time.Second), 10),
		c.srv.now().Add(hold).UTC().Format(time.RFC3339)) // RFC 4865 section 4
	var limits []string
	if n := l.Messages; n > 0 {
		limits = append(limits, "MAILMAX="+strconv.Itoa(n))
	}
	if n := l.Recipients; n >= 0 {
		limits = append(limits, "RCPTMAX="+strconv.Itoa(limit(n, 1000)))
	}
	if len(limits) > 0 {
		line(Limit, "LIMITS", limits...) // RFC 9422 section 3
	}
}

func (c *Conn) holdMax() time.Duration {
	if d := c.srv.Limits.HoldMax; d > 0 {
		return d
	}
	return 30 * 24 * time.Hour
}

// validHello reports whether s can be taken as a host's name: it goes into Received fields and logs.
func validHello(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; c {
		case ' ', '<', '>', '(', ')', '"', ';', ',', '\\', '@':
			return false
		}
	}
	return true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
