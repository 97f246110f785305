package mdn

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
)

// Disposition says what became of a message (RFC 8098 section 3.2.6.2).
type Disposition string

// The dispositions.
const (
	Displayed  Disposition = "displayed"
	Dispatched Disposition = "dispatched" // sent on or printed, perhaps unseen
	Processed  Disposition = "processed"  // by a program
	Deleted    Disposition = "deleted"
)

// Report is a message disposition notification. To write one, set From, To and Disposition, and OriginalMessageID where
// the message has one. The zero values of Automatic and SentAutomatically are what the RFC wants of a program that
// people read mail with.
type Report struct {
	From      mime.Address   // the recipient for whom it is sent
	To        []mime.Address // Request.To
	Subject   string         // default: by the disposition
	MessageID string         // without brackets; default: random, at From's domain
	Date      time.Time      // default: now

	ReportingUA       string // "host; program"
	OriginalRecipient string // "type;address" from an Original-Recipient field
	FinalRecipient    string // default: From's address
	OriginalMessageID string // without brackets
	Disposition       Disposition
	Automatic         bool // the disposition was automatic-action, not manual-action
	SentAutomatically bool // MDN-sent-automatically, not MDN-sent-manually
	Modifiers         []string
	Errors            []string

	Text func(*Report) string // the part for people; nil stands for DefaultText

	Header []byte // the message's header, returned as text/rfc822-headers; nil: not returned
}

// DefaultText is the part for people to read.
func DefaultText(r *Report) string {
	var b strings.Builder
	b.WriteString("Your message to " + r.finalRecipient())
	switch r.Disposition {
	case Displayed:
		b.WriteString(" was displayed.\nThis is no guarantee that it has been read or understood.\n")
	case Dispatched:
		b.WriteString(" was passed on.\nIt may not have been seen.\n")
	case Deleted:
		b.WriteString(" was deleted.\nIt may or may not have been seen before.\n")
	default:
		b.WriteString(" was processed by a program.\nIt may not have been seen.\n")
	}
	return b.String()
}

func (r *Report) finalRecipient() string {
	if r.FinalRecipient != "" {
		return r.FinalRecipient
	}
	return r.From.Addr()
}

func (r *Report) subject() string {
	if r.Subject != "" {
		return r.Subject
	}
	switch r.Disposition {
	case Displayed:
		return "Message displayed"
	case Dispatched:
		return "Message passed on"
	case Deleted:
		return "Message deleted"
	}
	return "Message processed"
}

// WriteTo writes the notification as a whole message with CRLF line ends. The error is w's, or says that From, To or Disposition is
// missing.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	if r.From.Mailbox == "" || len(r.To) == 0 || r.Disposition == "" {
		return 0, errors.New("mdn: a report needs From, To and Disposition")
	}
	var out bytes.Buffer
	boundary := "=_" + rand.Text()
	if err := r.writeHeader(&out, boundary); err != nil {
		return 0, err
	}
	part := func(contentType, encoding string) {
		out.WriteString("\r\n--" + boundary + "\r\nContent-Type: " + contentType + "\r\n")
		if encoding != "" {
			out.WriteString("Content-Transfer-Encoding: " + encoding + "\r\n")
		}
		out.WriteString("\r\n")
	}
	text := DefaultText
	if r.Text != nil {
		text = r.Text
	}
	part("text/plain; charset=utf-8", "quoted-printable")
	quoted(&out, text(r))
	part("message/disposition-notification", "")
	if err := r.writeFields(&out); err != nil {
		return 0, err
	}
	if r.Header != nil {
		part("text/rfc822-headers", "quoted-printable")
		quoted(&out, string(r.Header))
	}
	out.WriteString("\r\n--" + boundary + "--\r\n")
	return out.WriteTo(w)
}

func quoted(out *bytes.Buffer, text string) {
	b := bufio.NewWriter(out)
	q := mime.NewQuotedPrintableWriter(b)
	io.WriteString(q, strings.ToValidUTF8(text, "\uFFFD"))
	q.Close()
	b.Flush()
}

func (r *Report) writeHeader(w io.Writer, boundary string) error {
	id, date := r.MessageID, r.Date
	if id == "" {
		host := r.From.Host
		if host == "" || !r.From.IsASCII() {
			host = "localhost"
		}
		id = rand.Text() + "@" + host
	}
	if date.IsZero() {
		date = time.Now()
	}
	ct := mime.ContentType{Type: "multipart", Subtype: "report", Params: []mime.Param{
		{Name: "report-type", Value: "disposition-notification"}, {Name: "boundary", Value: boundary},
	}}
	var h mime.Header
	err := errors.Join(
		h.AddDate("Date", date),
		h.AddAddresses("From", []mime.Address{r.From}),
		h.AddAddresses("To", r.To),
		h.Add("Subject", r.subject()),
		h.AddRaw("Message-ID", mime.FormatMessageIDs(id)),
	)
	if r.OriginalMessageID != "" {
		original := mime.FormatMessageIDs(r.OriginalMessageID)
		err = errors.Join(err, h.AddRaw("In-Reply-To", original), h.AddRaw("References", original))
	}
	err = errors.Join(err,
		h.AddRaw("Auto-Submitted", "auto-replied"),
		h.AddRaw("MIME-Version", "1.0"),
		h.AddRaw("Content-Type", ct.String()),
	)
	if err == nil {
		_, err = h.WriteTo(w)
	}
	return err
}

// writeFields writes the message/disposition-notification part in the order of RFC 8098 section 3.1.
func (r *Report) writeFields(w *bytes.Buffer) error {
	var h mime.Header
	add := func(name, value string) error {
		if value == "" {
			return nil
		}
		return h.AddRaw(name, strings.Map(func(r rune) rune {
			if r >= 0x80 { // the part "contains textual data in the US-ASCII charset" (RFC 8098 section 3.1)
				return '?'
			}
			return r
		}, value))
	}
	mode := "manual-action/"
	if r.Automatic {
		mode = "automatic-action/"
	}
	if r.SentAutomatically {
		mode += "MDN-sent-automatically"
	} else {
		mode += "MDN-sent-manually"
	}
	disposition := mode + "; " + string(r.Disposition)
	if len(r.Modifiers) > 0 {
		disposition += "/" + strings.Join(r.Modifiers, ",")
	}
	id := ""
	if r.OriginalMessageID != "" {
		id = mime.FormatMessageIDs(r.OriginalMessageID)
	}
	original := ""
	if typ, addr := dsn.ParseAddress(r.OriginalRecipient); typ != "" {
		original = dsn.FormatAddress(typ, addr, false)
	}
	err := errors.Join(
		add("Reporting-UA", r.ReportingUA),
		add("Original-Recipient", original),
		add("Final-Recipient", dsn.FormatAddress("rfc822", r.finalRecipient(), false)),
		add("Original-Message-ID", id),
		add("Disposition", disposition),
	)
	for _, e := range r.Errors {
		err = errors.Join(err, add("Error", e))
	}
	for f := range h.All() {
		w.Write(f.Raw())
	}
	return err
}
