package mdn

import (
	"errors"
	"io"
	"strings"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
)

// ErrNotReport says that a message is no message disposition notification.
var ErrNotReport = errors.New("mdn: message is not a disposition notification")

// maxPart bounds what is read of a part.
const maxPart = 1 << 20

// Parse reads a notification out of a whole message. The error is ErrNotReport, or r's own.
func Parse(r io.ReaderAt, size int64) (*Report, error) {
	ix, err := mime.BuildIndex(r, size, nil)
	if err != nil {
		return nil, err
	}
	rep := &Report{}
	found := false
	for p := range ix.Root.Leaves() {
		media := p.Type + "/" + p.Subtype
		if p.Body.Size > maxPart || found && media != "text/rfc822-headers" {
			continue
		}
		switch media {
		case "message/disposition-notification", "message/global-disposition-notification":
			b, err := io.ReadAll(p.Open(r))
			if err != nil {
				return nil, err
			}
			found = rep.fields(mime.ParseHeader(b, nil))
		case "text/plain":
			b, err := io.ReadAll(p.OpenText(r, nil))
			if err != nil {
				return nil, err
			}
			text := string(b)
			rep.Text = func(*Report) string { return text }
		case "text/rfc822-headers":
			if rep.Header, err = io.ReadAll(p.Open(r)); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, ErrNotReport
	}
	e := ix.Root.Envelope
	rep.Subject = mime.DecodeText(e.Subject.Value)
	rep.Date, _ = mime.ParseDate(e.Date.Value)
	for a := range mime.Mailboxes(e.From) {
		a.Name = mime.DecodeText(a.Name)
		rep.From = a
		break
	}
	for a := range mime.Mailboxes(e.To) {
		a.Name = mime.DecodeText(a.Name)
		rep.To = append(rep.To, a)
	}
	if ids := mime.ParseMessageIDs(e.MessageID.Value); len(ids) > 0 {
		rep.MessageID = ids[0]
	}
	return rep, nil
}

// fields reads the machine's part and reports whether it has a Disposition, "This field MUST be present" (RFC 8098 section 3.2.6).
func (r *Report) fields(h *mime.Header) bool {
	r.ReportingUA = h.Get("Reporting-UA")
	if typ, addr := dsn.ParseAddress(h.Get("Original-Recipient")); typ != "" {
		r.OriginalRecipient = typ + ";" + addr
	}
	_, r.FinalRecipient = dsn.ParseAddress(h.Get("Final-Recipient"))
	if ids := h.MessageIDs("Original-Message-ID"); len(ids) > 0 {
		r.OriginalMessageID = ids[0]
	}
	for f := range h.Fields("Error") {
		r.Errors = append(r.Errors, f.Value())
	}
	mode, typ, ok := strings.Cut(strings.ToLower(h.Get("Disposition")), ";")
	if !ok { // the mode is forgotten now and then
		mode, typ = "", mode
	}
	r.Automatic = strings.Contains(mode, "automatic-action")
	r.SentAutomatically = strings.Contains(mode, "sent-automatically")
	typ, modifiers, _ := strings.Cut(typ, "/")
	r.Disposition = Disposition(printable(typ))
	for m := range strings.SplitSeq(modifiers, ",") {
		if m = printable(m); m != "" {
			r.Modifiers = append(r.Modifiers, m)
		}
	}
	return r.Disposition != ""
}

// printable drops control characters and the blanks around.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s))
}
