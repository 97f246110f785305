package smtp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/buuta/mail"
)

// What each MAIL and RCPT parameter does at a server that doesn't announce its extension:
//
//	SIZE             left out
//	BODY=8BITMIME    left out; the message is refused with 5.6.3 if an octet over 127 turns up in it
//	BODY=BINARYMIME  refused, 5.6.3; it also needs CHUNKING
//	SMTPUTF8         domains go as A-labels; refused with 5.6.7 for an address that can't, or a header that isn't ASCII
//	REQUIRETLS       refused, 5.7.30, and without TLS 5.7.10 (RFC 8689 section 4.2.1); left out with the null sender
//	RET ENVID NOTIFY ORCPT  left out: the one who relays answers for them (RFC 3461 section 5.2.2), or see RequireDSN
//	AUTH             left out
//	BY               mode R refused with 5.4.7 (RFC 2852 section 4.1.3), mode N left out
//	MT-PRIORITY      left out (RFC 6710 section 5)
//	HOLDFOR HOLDUNTIL refused, 5.5.4: sent now would be sent too early
//	RRVS             the recipient is refused, 5.7.19 (RFC 7293 section 5.1.1)
//	Extra            sent as given

// transform is what has to be looked at in the content because the server can't take everything.
type transform struct {
	eightBit bool // refuse octets over 127 anywhere
	header   bool // refuse them in the header
	binary   bool // send by BDAT as it is
}

func missing(code int, e EnhancedCode, what, host string) *Reply {
	return &Reply{Code: code, Enhanced: e, Text: what + " is required, but was not offered by host " + host}
}

// utf8Reply says which address it is that keeps a message from a server.
func (c *Client) utf8Reply(address string) *Reply {
	return missing(553, EnhancedCode{5, 6, 7}, "SMTPUTF8 for address <"+safeText(address)+">", c.host)
}

// appendMail appends the MAIL command for an envelope, of which size octets are to be declared (0: unknown).
func (c *Client) appendMail(b []byte, from string, o *mail.MailOptions, size int64) ([]byte, transform, error) {
	var t transform
	if from != "" {
		if err := checkAddress(from); err != nil {
			return b, t, &Reply{Code: 501, Enhanced: EnhancedCode{5, 1, 7}, Text: "Bad sender address syntax", Err: err}
		}
	}
	requireTLS := o.RequireTLS && c.tls != nil && c.caps.Has(RequireTLS)
	if o.RequireTLS && !requireTLS && from != "" {
		if c.tls == nil {
			return b, t, &Reply{Code: 550, Enhanced: EnhancedCode{5, 7, 10}, Text: "Encryption needed, but there is none with host " + c.host}
		}
		return b, t, missing(550, EnhancedCode{5, 7, 30}, "REQUIRETLS support", c.host)
	}
	if limit := c.caps.MaxSize(); limit > 0 && size > limit {
		return b, t, &Reply{Code: 552, Enhanced: EnhancedCode{5, 3, 4},
			Text: fmt.Sprintf("message size %d exceeds size limit %d of server %s", size, limit, c.host)}
	}
	utf8 := o.UTF8 || !ascii(from)
	if !c.caps.Has(SMTPUTF8) && utf8 {
		a, ok := asciiAddress(from)
		if !ok {
			return b, t, c.utf8Reply(from)
		}
		from, utf8, t.header = a, false, o.UTF8
	}
	b = append(b, "MAIL FROM:<"...)
	b = append(b, from...)
	b = append(b, '>')
	if size > 0 && c.caps.Has(Size) {
		b = append(b, " SIZE="...)
		b = strconv.AppendInt(b, size, 10)
	}
	b, err := c.appendBody(b, o.Body, &t)
	if err != nil {
		return b, t, err
	}
	if utf8 {
		b = append(b, " SMTPUTF8"...)
	}
	if requireTLS {
		b = append(b, " REQUIRETLS"...)
	}
	if b, err = c.appendMailDSN(b, o); err != nil {
		return b, t, err
	}
	if b, err = c.appendTiming(b, o); err != nil {
		return b, t, err
	}
	if b, err = appendExtra(b, o.Extra); err != nil {
		return b, t, err
	}
	return append(b, '\r', '\n'), t, nil
}

func (c *Client) appendBody(b []byte, body mail.BodyType, t *transform) ([]byte, error) {
	switch body {
	case "", mail.Body7Bit:
	case mail.Body8BitMIME:
		if !c.caps.Has(EightBitMIME) {
			t.eightBit = true
			return b, nil
		}
		b = append(b, " BODY=8BITMIME"...)
	case mail.BodyBinaryMIME:
		if !c.caps.Has(BinaryMIME | Chunking) {
			return b, missing(554, EnhancedCode{5, 6, 3}, "BINARYMIME", c.host)
		}
		t.binary = true
		b = append(b, " BODY=BINARYMIME"...)
	default:
		return b, &Reply{Code: 501, Enhanced: EnhancedCode{5, 5, 4}, Text: "unknown body type " + strconv.Quote(string(body))}
	}
	return b, nil
}

// appendMailDSN appends RET and ENVID (RFC 3461), and AUTH (RFC 4954 section 5).
func (c *Client) appendMailDSN(b []byte, o *mail.MailOptions) ([]byte, error) {
	if o.Return != "" || o.EnvelopeID != "" {
		if err := c.checkDSN(); err != nil {
			return b, err
		}
	}
	if c.caps.Has(DSN) {
		switch o.Return {
		case "":
		case mail.ReturnFull, mail.ReturnHeaders:
			b = append(b, " RET="...)
			b = append(b, o.Return...)
		default:
			return b, refusedParameter("RET", string(o.Return))
		}
		if o.EnvelopeID != "" {
			if len(o.EnvelopeID) > 100 || !ascii(o.EnvelopeID) || strings.ContainsFunc(o.EnvelopeID, unicode.IsControl) { // RFC 3461 section 4.4
				return b, refusedParameter("ENVID", o.EnvelopeID)
			}
			b = append(b, " ENVID="...)
			b = append(b, EncodeXtext(o.EnvelopeID)...)
		}
	}
	if o.Auth != nil && c.caps.Has(Auth) {
		b = append(b, " AUTH="...)
		if *o.Auth == "" {
			b = append(b, "<>"...)
		} else {
			b = append(b, EncodeXtext(*o.Auth)...)
		}
	}
	return b, nil
}

func (c *Client) checkDSN() error {
	if c.opts.RequireDSN && !c.caps.Has(DSN) {
		return missing(554, EnhancedCode{5, 3, 3}, "DSN", c.host)
	}
	return nil
}

// appendTiming appends what has to do with when: BY, MT-PRIORITY, HOLDFOR and HOLDUNTIL.
func (c *Client) appendTiming(b []byte, o *mail.MailOptions) ([]byte, error) {
	if d := o.DeliverBy; d != nil {
		seconds := int64(d.Time / time.Second)
		switch {
		case d.Mode != 'R' && d.Mode != 'N' || d.Mode == 'R' && seconds <= 0 || seconds > 999999999 || seconds < -999999999:
			return b, refusedParameter("BY", fmt.Sprint(seconds, ";", string(rune(d.Mode))))
		case c.caps.Has(DeliverBy):
			if p, _ := c.caps.Get("DELIVERBY"); d.Mode == 'R' && atoi(p) > seconds {
				return b, &Reply{Code: 554, Enhanced: EnhancedCode{5, 4, 7},
					Text: fmt.Sprintf("host %s delivers in %s s at the least, and %d remain", c.host, p, seconds)}
			}
			b = append(b, fmt.Sprintf(" BY=%d;%c", seconds, d.Mode)...)
			if d.Trace {
				b = append(b, 'T')
			}
		case d.Mode == 'R':
			return b, missing(554, EnhancedCode{5, 4, 7}, "DELIVERBY", c.host)
		}
	}
	if p := o.Priority; p != nil && c.caps.Has(MTPriority) {
		if *p < -9 || *p > 9 {
			return b, refusedParameter("MT-PRIORITY", strconv.Itoa(*p))
		}
		b = append(b, " MT-PRIORITY="...)
		b = strconv.AppendInt(b, int64(*p), 10)
	}
	h := o.Hold
	if h == (mail.HoldOptions{}) {
		return b, nil
	}
	if !c.caps.Has(FutureRelease) {
		return b, missing(554, EnhancedCode{5, 5, 4}, "FUTURERELEASE", c.host)
	}
	if h.For > 0 && h.Until.IsZero() {
		return append(b, fmt.Sprintf(" HOLDFOR=%d", int64((h.For+time.Second-1)/time.Second))...), nil
	}
	if h.For == 0 {
		return append(b, " HOLDUNTIL="+h.Until.UTC().Format(time.RFC3339)...), nil
	}
	return b, refusedParameter("HOLDFOR", h.For.String())
}

func atoi(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
