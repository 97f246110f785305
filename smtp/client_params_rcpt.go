package smtp

import (
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// appendRcpt appends the RCPT command for a recipient.
func (c *Client) appendRcpt(b []byte, to string, o *mail.RcptOptions) ([]byte, error) {
	if err := checkAddress(to); err != nil {
		return b, &Reply{Code: 501, Enhanced: EnhancedCode{5, 1, 3}, Text: "Bad recipient address syntax", Err: err}
	}
	if !c.caps.Has(SMTPUTF8) {
		a, ok := asciiAddress(to)
		if !ok {
			return b, c.utf8Reply(to)
		}
		to = a
	}
	b = append(b, "RCPT TO:<"...)
	b = append(b, to...)
	b = append(b, '>')
	var err error
	if b, err = c.appendRcptDSN(b, o); err != nil {
		return b, err
	}
	if !o.ValidSince.IsZero() {
		if !c.caps.Has(RRVS) {
			return b, missing(550, EnhancedCode{5, 7, 19}, "RRVS", c.host)
		}
		b = append(b, " RRVS="...)
		b = o.ValidSince.UTC().AppendFormat(b, time.RFC3339)
	}
	if b, err = appendExtra(b, o.Extra); err != nil {
		return b, err
	}
	return append(b, '\r', '\n'), nil
}

// appendRcptDSN appends NOTIFY and ORCPT (RFC 3461 section 4.1 and 4.2).
func (c *Client) appendRcptDSN(b []byte, o *mail.RcptOptions) ([]byte, error) {
	if o.Notify == 0 && o.OriginalRecipient == "" {
		return b, nil
	}
	if err := c.checkDSN(); err != nil || !c.caps.Has(DSN) {
		return b, err
	}
	if n := o.Notify; n != 0 {
		b = append(b, " NOTIFY="...)
		b = append(b, notifyValue(n)...)
	}
	if o.OriginalRecipient != "" {
		kind, address, ok := strings.Cut(o.OriginalRecipient, ";")
		if !ok || kind == "" || !graphic(kind) || strings.ContainsAny(kind, "+=") || len(o.OriginalRecipient) > 500 {
			return b, refusedParameter("ORCPT", o.OriginalRecipient)
		}
		if !strings.EqualFold(kind, "utf-8") && ascii(address) {
			address = EncodeXtext(address)
		} else { // as utf-8-addr-xtext, which every server takes (RFC 6533 section 3)
			kind, address = "utf-8", EncodeUTF8Xtext(address)
		}
		b = append(b, " ORCPT="...)
		b = append(b, kind...)
		b = append(b, ';')
		b = append(b, address...)
	}
	return b, nil
}

func notifyValue(n mail.Notify) string {
	if n&mail.NotifyNever != 0 {
		return "NEVER"
	}
	var out []string
	for i, name := range []string{"SUCCESS", "FAILURE", "DELAY"} {
		if n&(mail.NotifySuccess<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}

// appendExtra appends parameters of extensions that this package doesn't know (RFC 5321 section 4.1.2: esmtp-param).
func appendExtra(b []byte, extra []mail.Parameter) ([]byte, error) {
	for _, p := range extra {
		for i := range len(p.Name) {
			if c := p.Name[i]; !digit(c) && (c|0x20 < 'a' || c|0x20 > 'z') && (c != '-' || i == 0) {
				return b, refusedParameter(p.Name, p.Value)
			}
		}
		if p.Name == "" || p.HasValue && (p.Value == "" || strings.Contains(p.Value, "=") || !graphic(p.Value)) {
			return b, refusedParameter(p.Name, p.Value)
		}
		b = append(b, ' ')
		b = append(b, p.Name...)
		if p.HasValue {
			b = append(b, '=')
			b = append(b, p.Value...)
		}
	}
	return b, nil
}

// graphic reports whether s has nothing but printing characters without the space.
func graphic(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func refusedParameter(name, value string) *Reply {
	return &Reply{Code: 501, Enhanced: EnhancedCode{5, 5, 4}, Text: "bad value of parameter " + safeText(name) + ": " + strconv.Quote(value)}
}
