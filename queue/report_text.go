package queue

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// text writes the part for people.
func (r *report) text(b *bytes.Buffer) {
	who := orString(r.q.Notify.MailName, "the mail system at host "+r.q.hostname())
	line := func(s string) { b.WriteString(s + "\r\n") }
	line("This is " + who + ".")
	line("")
	switch r.kind {
	case mail.NotifyFailure:
		line("Your message could not be delivered to the recipients below and has been")
		line("given up. What their systems said stands beside each; it may tell what to")
		line("do. The message, or its beginning, is attached.")
	case mail.NotifyDelay:
		line("Your message has not reached the recipients below yet.")
		line("")
		line("You need not send it again: it will be tried until it is")
		line(daysString(r.q.lifetime(r.m)) + " old. You get another notice if that does not help.")
	case mail.NotifySuccess:
		line("As you have asked, this is to tell you that your message has been passed on")
		line("for the recipients below.")
	}
	for _, i := range r.rcpts {
		rc := &r.m.Recipients[i]
		line("")
		s := "<" + rc.Address + ">"
		if o := originalOf(rc); o != "" {
			s += " (expanded from <" + r.clean(o) + ">)"
		}
		wrap(b, s+": "+r.reason(rc))
	}
}

// reason is what the sender is told of an attempt.
func (r *report) reason(rc *Recipient) string {
	a := &rc.Last
	text := a.Detail
	if text == "" && a.Reply != nil {
		text = a.Reply.String()
	}
	if text == "" {
		text = "no attempt has been made"
	}
	if rc.State == Delivered {
		verb := "relayed to a system that sends no reports: "
		if a.Final {
			verb = "delivered: "
		}
		text = verb + text
	}
	if a.Expired {
		text = "given up after " + daysString(r.q.lifetime(r.m)) + "; the last attempt: " + text
	}
	return r.clean(text)
}

// clean makes a text fit for the report's charset and for one line.
func (r *report) clean(s string) string {
	s = strings.ToValidUTF8(oneLine(s), "?")
	if r.isUTF8() {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c >= 0x80 {
			return '?'
		}
		return c
	}, s)
}

// wrap writes a text in lines of at most 78 octets where it has blanks, those after the first indented, and never more
// than 900 (RFC 5322 section 2.1.1).
func wrap(b *bytes.Buffer, s string) {
	n := 0
	for word := range strings.FieldsSeq(s) {
		for len(word) > 900 {
			b.WriteString(word[:900] + "\r\n    ")
			word, n = word[900:], 4
		}
		switch {
		case n == 0:
		case n+1+len(word) > 78:
			b.WriteString("\r\n    ")
			n = 4
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	b.WriteString("\r\n")
}

// status writes the part for programs (RFC 3464 section 2): fields about the message, then a group for each recipient.
func (r *report) status(b *bytes.Buffer) {
	field := func(name, value string) {
		if value != "" {
			fold(b, name+": "+r.clean(value))
		}
	}
	host := r.q.hostname()
	field("Original-Envelope-Id", r.m.Options.EnvelopeID)
	field("Reporting-MTA", "dns; "+host)
	field("X-Queue-ID", r.m.ID)
	if r.m.From != "" {
		field("X-Sender", r.addressType(r.m.From)+"; "+r.m.From)
	}
	field("Arrival-Date", r.m.Arrived.In(r.q.now().Location()).Format(time.RFC1123Z))
	for _, i := range r.rcpts {
		rc := &r.m.Recipients[i]
		b.WriteString("\r\n")
		if kind, addr, ok := cutType(rc.Options.OriginalRecipient); ok {
			field("Original-Recipient", kind+";"+addr)
		}
		field("Final-Recipient", r.addressType(rc.Address)+"; "+rc.Address)
		r.outcome(field, rc)
	}
}

func (r *report) outcome(field func(name, value string), rc *Recipient) {
	a := &rc.Last
	action, code := "failed", mail.EnhancedCode{5, 0, 0}
	switch {
	case r.kind == mail.NotifyDelay:
		action, code = "delayed", mail.EnhancedCode{4, 0, 0}
	case rc.State == Delivered && a.Final:
		action, code = "delivered", mail.EnhancedCode{2, 0, 0}
	case rc.State == Delivered:
		action, code = "relayed", mail.EnhancedCode{2, 0, 0}
	}
	if a.Reply != nil {
		code = enhancedOf(a.Reply)
	}
	field("Action", action)
	field("Status", code.String())
	if host, _, _ := strings.Cut(a.Relay, "["); host != "" && strings.Contains(host, ".") {
		field("Remote-MTA", "dns; "+host)
		// Only what another system has said over SMTP may be called so (RFC 3464 section 2.3.6).
		if a.Reply != nil {
			field("Diagnostic-Code", "smtp; "+a.Reply.String())
		}
	} else if a.Reply != nil {
		field("Diagnostic-Code", "X-Buuta; "+orString(a.Detail, a.Reply.String()))
	}
	if !a.Time.IsZero() {
		field("Last-Attempt-Date", a.Time.In(r.q.now().Location()).Format(time.RFC1123Z))
	}
	if r.kind == mail.NotifyDelay {
		field("Will-Retry-Until", r.m.Arrived.Add(r.q.lifetime(r.m)).In(r.q.now().Location()).Format(time.RFC1123Z))
	}
}

// addressType is "rfc822", or "utf-8" for an address that needs it (RFC 6533 section 3).
func (r *report) addressType(a string) string {
	if isASCII(a) {
		return "rfc822"
	}
	return "utf-8"
}

// fold writes a field in lines of at most 78 octets where it has blanks.
func fold(b *bytes.Buffer, s string) { wrap(b, s) }

func daysString(d time.Duration) string {
	switch {
	case d <= 0:
		return "the first attempt"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
