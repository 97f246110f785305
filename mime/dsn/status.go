package dsn

import (
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// writeStatus writes the message/delivery-status part: "The per-message fields appear first, followed by a blank line. Following
// the per-message fields are one or more groups of per-recipient fields. Each group of per-recipient fields is preceded by a blank
// line." (RFC 3464 section 2.1)
func (r *Report) writeStatus(w io.Writer) error {
	f := fieldWriter{utf8: r.UTF8}
	f.add("Original-Envelope-Id", r.EnvelopeID)
	f.add("Reporting-MTA", typed("dns", r.ReportingMTA))
	f.add("Received-From-MTA", typed("dns", r.ReceivedFromMTA))
	if !r.ArrivalDate.IsZero() {
		f.add("Arrival-Date", mime.FormatDate(r.ArrivalDate))
	}
	f.add("X-Queue-ID", r.QueueID)
	f.end()
	for i := range r.Recipients {
		r.Recipients[i].fields(&f, r.UTF8)
		if i < len(r.Recipients)-1 {
			f.end()
		}
	}
	for fl := range f.h.All() {
		f.b = append(f.b, fl.Raw()...)
	}
	if f.err != nil {
		return f.err
	}
	_, err := w.Write(f.b)
	return err
}

// fields writes the group of one recipient in the order of RFC 3464 section 2.3.
func (c *Recipient) fields(f *fieldWriter, utf8 bool) {
	if typ, addr, ok := strings.Cut(c.Original, ";"); ok {
		f.add("Original-Recipient", FormatAddress(strings.TrimSpace(typ), strings.TrimSpace(addr), utf8))
	}
	f.add("Final-Recipient", FormatAddress("rfc822", c.Final, utf8))
	f.add("Action", string(c.action()))
	f.add("Status", c.status())
	host, ip, ok := strings.Cut(c.RemoteMTA, "[")
	if ok && host != "" { // "the network address […] as a comment enclosed in parentheses", as in section 2.2.4
		f.add("Remote-MTA", typed("dns", host)+" (["+ip+")")
	} else {
		f.add("Remote-MTA", typed("dns", c.RemoteMTA))
	}
	f.add("Diagnostic-Code", typed(c.diagnosticType(), strings.Join(strings.Fields(c.Diagnostic), " ")))
	if !c.LastAttempt.IsZero() {
		f.add("Last-Attempt-Date", mime.FormatDate(c.LastAttempt))
	}
	f.add("Final-Log-ID", c.LogID)
	if !c.WillRetryUntil.IsZero() {
		f.add("Will-Retry-Until", mime.FormatDate(c.WillRetryUntil))
	}
}

func (c *Recipient) action() Action {
	if c.Action == "" {
		return Failed
	}
	return c.Action
}

// status returns the Status field, which every group must have: a general code where none is known.
func (c *Recipient) status() string {
	if c.Status != (mail.EnhancedCode{}) {
		return c.Status.String()
	}
	switch c.action() {
	case Failed:
		return "5.0.0"
	case Delayed:
		return "4.0.0"
	}
	return "2.0.0"
}

func (c *Recipient) diagnosticType() string {
	switch {
	case c.DiagnosticType != "":
		return c.DiagnosticType
	case c.RemoteMTA != "":
		return "smtp"
	}
	return "x-buuta"
}

// typed writes a value after its type, nothing for no value.
func typed(typ, value string) string {
	if value == "" {
		return ""
	}
	return typ + "; " + value
}

// fieldWriter collects fields; an empty value writes none.
type fieldWriter struct {
	b    []byte
	h    mime.Header
	err  error
	utf8 bool
}

func (f *fieldWriter) add(name, value string) {
	if value != "" {
		f.err = errors.Join(f.err, f.h.AddRaw(name, presentable(value, f.utf8)))
	}
}

// presentable makes what a stranger wrote fit for a field: in an ASCII report "?" stands for what isn't ASCII, and no
// word is longer than a line may be.
func presentable(s string, utf8 bool) string {
	s = strings.ToValidUTF8(s, "?")
	var b strings.Builder
	word := 0
	for _, r := range s {
		if r >= 0x80 && !utf8 {
			r = '?'
		}
		if word++; r == ' ' {
			word = 0
		} else if word > 200 {
			b.WriteByte(' ')
			word = 1
		}
		b.WriteRune(r)
	}
	return b.String()
}

// end closes a group with an empty line.
func (f *fieldWriter) end() {
	f.b = f.h.AppendTo(f.b)
	f.h = mime.Header{}
}
