package dsn

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// What Parse can say.
var (
	ErrNotReport = errors.New("dsn: message is not a delivery status notification")
	ErrTooLarge  = errors.New("dsn: delivery-status part too large")
)

const (
	maxStatus     = 1 << 20 // octets of the delivery-status part
	maxRecipients = 10_000
)

// Parse reads a notification out of a whole message. Return isn't filled in; Text returns the part for people. The
// error is ErrNotReport when there is no delivery-status part, ErrTooLarge, or r's own.
func Parse(r io.ReaderAt, size int64) (*Report, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	p := find(ix.Root, "message", "delivery-status", "global-delivery-status")
	if p == nil {
		return nil, ErrNotReport
	}
	body, err := content(r, p)
	if err != nil {
		return nil, err
	}
	rep, err := ParseStatus(body)
	if err != nil {
		return nil, err
	}
	rep.UTF8 = p.Subtype == "global-delivery-status"
	e := ix.Root.Envelope
	rep.Subject = mime.DecodeText(e.Subject.Value)
	rep.Date, _ = mime.ParseDate(e.Date.Value)
	for a := range mime.Mailboxes(e.From) {
		rep.From = a
		break
	}
	for a := range mime.Mailboxes(e.To) {
		rep.To = a.Addr()
		break
	}
	if ids := mime.ParseMessageIDs(e.MessageID.Value); len(ids) > 0 {
		rep.MessageID = ids[0]
	}
	if t := find(ix.Root, "text", "plain"); t != nil && t != p {
		if b, err := content(r, t); err == nil {
			text := mime.DecodeCharset(t.Param("charset"), b, nil)
			rep.Text = func(*Report) string { return text }
		}
	}
	return rep, nil
}

// find returns the first part of a type that is not inside an attached message.
func find(p *mime.Part, typ string, subtypes ...string) *mime.Part {
	for _, s := range subtypes {
		if p.Type == typ && p.Subtype == s {
			return p
		}
	}
	for _, c := range p.Parts {
		if f := find(c, typ, subtypes...); f != nil {
			return f
		}
	}
	return nil
}

func content(r io.ReaderAt, p *mime.Part) ([]byte, error) {
	if p.Body.Size > maxStatus {
		return nil, ErrTooLarge
	}
	return io.ReadAll(mime.DecodeTransfer(p.Encoding, io.NewSectionReader(r, p.Body.Offset, p.Body.Size)))
}

// ParseStatus reads the content of a message/delivery-status part. Unknown fields are passed over. The error is ErrNotReport when
// no recipient is named.
func ParseStatus(body []byte) (*Report, error) {
	rep := &Report{}
	first := true
	for body = bytes.TrimLeft(body, "\r\n"); len(body) > 0 && len(rep.Recipients) < maxRecipients; body = bytes.TrimLeft(body, "\r\n") {
		h := mime.ParseHeader(body, nil)
		body = body[len(h.AppendTo(nil)):]
		if first {
			first = false
			rep.message(h)
		}
		if h.Has("Final-Recipient") || h.Has("Original-Recipient") {
			rep.Recipients = append(rep.Recipients, recipient(h))
		}
	}
	if len(rep.Recipients) == 0 {
		return nil, ErrNotReport
	}
	return rep, nil
}

func (r *Report) message(h *mime.Header) {
	r.EnvelopeID = h.Get("Original-Envelope-Id")
	r.ReportingMTA = untyped(h.Get("Reporting-MTA"))
	r.ReceivedFromMTA = untyped(h.Get("Received-From-MTA"))
	r.ArrivalDate, _ = mime.ParseDate(h.Get("Arrival-Date"))
	r.QueueID = h.Get("X-Queue-ID")
	if r.QueueID == "" {
		r.QueueID = h.Get("X-Postfix-Queue-ID")
	}
}

func recipient(h *mime.Header) Recipient {
	c := Recipient{
		Final:     finalAddress(h.Get("Final-Recipient")),
		Action:    Action(strings.ToLower(firstWord(h.Get("Action")))),
		Status:    parseStatus(h.Get("Status")),
		RemoteMTA: untyped(h.Get("Remote-MTA")),
		LogID:     h.Get("Final-Log-ID"),
	}
	if typ, addr := ParseAddress(h.Get("Original-Recipient")); typ != "" {
		c.Original = typ + ";" + addr
	}
	c.DiagnosticType, c.Diagnostic, _ = strings.Cut(h.Get("Diagnostic-Code"), ";")
	c.DiagnosticType, c.Diagnostic = strings.ToLower(strings.TrimSpace(c.DiagnosticType)), strings.TrimSpace(c.Diagnostic)
	if host, ip, ok := strings.Cut(c.RemoteMTA, " (["); ok {
		c.RemoteMTA = host + "[" + strings.TrimSuffix(ip, ")")
	}
	c.LastAttempt, _ = mime.ParseDate(h.Get("Last-Attempt-Date"))
	c.WillRetryUntil, _ = mime.ParseDate(h.Get("Will-Retry-Until"))
	return c
}

func firstWord(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	return s
}

// parseStatus reads "5.1.1 (comment)".
func parseStatus(s string) (code mail.EnhancedCode) {
	s = firstWord(s)
	for i := range code {
		digits, rest, _ := strings.Cut(s, ".")
		n, err := strconv.Atoi(digits)
		if err != nil || n < 0 || n > 999 {
			return mail.EnhancedCode{}
		}
		code[i], s = n, rest
	}
	return code
}

// untyped removes "dns;" or what else stands before a name.
func untyped(s string) string {
	if _, name, ok := strings.Cut(s, ";"); ok {
		return strings.TrimSpace(name)
	}
	return strings.TrimSpace(s)
}

func finalAddress(s string) string {
	_, addr := ParseAddress(s)
	return addr
}
