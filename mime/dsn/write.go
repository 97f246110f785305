package dsn

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/mime"
)

// maxReturnedHeader bounds the header that is returned alone.
const maxReturnedHeader = 256 << 10

// WriteTo writes the notification as a whole message with CRLF line ends. The returned message is copied from its reader
// as it goes. An error is the reader's, the writer's, or about a report that lacks ReportingMTA, To or Recipients.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	if r.ReportingMTA == "" || r.To == "" || len(r.Recipients) == 0 {
		return 0, errors.New("dsn: a report needs ReportingMTA, To and Recipients")
	}
	c := &counter{w: w}
	b := bufio.NewWriterSize(c, 16<<10)
	rep := *r
	rep.UTF8 = r.UTF8 || !isASCII(r.To)
	err := rep.write(b)
	if err == nil {
		err = b.Flush()
	}
	return c.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (r *Report) write(w *bufio.Writer) error {
	boundary := rand.Text() + "/" + asciiHost(r.ReportingMTA)
	if len(boundary) > 70 {
		boundary = boundary[:70]
	}
	if err := r.writeHeader(w, boundary); err != nil {
		return err
	}
	part := func(contentType, description, encoding string) {
		w.WriteString("\r\n--" + boundary + "\r\nContent-Description: " + description + "\r\nContent-Type: " + contentType + "\r\n")
		if encoding != "" {
			w.WriteString("Content-Transfer-Encoding: " + encoding + "\r\n")
		}
		w.WriteString("\r\n")
	}
	w.WriteString("This is a report in MIME format (RFC 3464).\r\n")

	text := r.text()
	switch {
	case isASCII(text):
		part("text/plain; charset=us-ascii", "Notification", "")
		w.WriteString(text)
	default:
		part("text/plain; charset=utf-8", "Notification", "quoted-printable")
		q := mime.NewQuotedPrintableWriter(w)
		io.WriteString(q, text)
		if err := q.Close(); err != nil {
			return err
		}
	}

	status := "message/delivery-status"
	encoding := ""
	if r.UTF8 {
		status, encoding = "message/global-delivery-status", "8bit"
	}
	part(status, "Delivery report", encoding)
	if err := r.writeStatus(w); err != nil {
		return err
	}
	if r.Return.Content != nil {
		if err := r.writeReturned(w, part); err != nil {
			return err
		}
	}
	_, err := w.WriteString("\r\n--" + boundary + "--\r\n")
	return err
}

// writeHeader writes the notification's header. "Auto-Submitted: auto-replied" is RFC 3834 section 3.1.7's and 5.1's
// for an answer to one message.
func (r *Report) writeHeader(w io.Writer, boundary string) error {
	from := r.From
	if from == (mime.Address{}) {
		from = mime.Address{Name: "Mail Delivery System", Mailbox: "MAILER-DAEMON", Host: r.ReportingMTA}
	}
	id, date, subject := r.MessageID, r.Date, r.Subject
	if id == "" {
		id = rand.Text() + "@" + asciiHost(r.ReportingMTA)
	}
	if date.IsZero() {
		date = time.Now()
	}
	if subject == "" {
		subject = r.subject()
	}
	report := "delivery-status"
	if r.UTF8 {
		report = "global-delivery-status"
	}
	ct := mime.ContentType{Type: "multipart", Subtype: "report", Params: []mime.Param{
		{Name: "report-type", Value: report}, {Name: "boundary", Value: boundary},
	}}
	var h mime.Header
	err := errors.Join(
		h.AddDate("Date", date),
		h.AddAddresses("From", []mime.Address{from}),
		h.AddRaw("To", "<"+strings.Trim(r.To, "<>")+">"),
		h.Add("Subject", subject),
		h.AddRaw("Message-ID", mime.FormatMessageIDs(id)),
		h.AddRaw("Auto-Submitted", "auto-replied"),
		h.AddRaw("MIME-Version", "1.0"),
		h.AddRaw("Content-Type", ct.String()),
	)
	if err != nil {
		return err
	}
	_, err = h.WriteTo(w)
	return err
}

// writeReturned writes the third part. With UTF8 it is a message/global or message/global-headers (RFC 6533 sections 5 and 6).
func (r *Report) writeReturned(w *bufio.Writer, part func(contentType, description, encoding string)) error {
	if r.Return.HeaderOnly {
		header, err := readHeader(r.Return.Content)
		if err != nil {
			return err
		}
		switch {
		case r.UTF8:
			part("message/global-headers", "Header of the message", "8bit")
			_, err = w.Write(header)
		case !isASCII(string(header)): // "if the headers […] require encoding […], they MAY be encoded with quoted-printable" (RFC 6522 section 4)
			part("text/rfc822-headers", "Header of the message", "quoted-printable")
			q := mime.NewQuotedPrintableWriter(w)
			if _, err = q.Write(header); err == nil {
				err = q.Close()
			}
		default:
			part("text/rfc822-headers", "Header of the message", "")
			_, err = w.Write(header)
		}
		return err
	}
	encoding := ""
	if r.Return.EightBit || r.UTF8 {
		encoding = "8bit"
	}
	if r.UTF8 {
		part("message/global", "Undelivered message", encoding)
	} else {
		part("message/rfc822", "Undelivered message", encoding)
	}
	_, err := io.Copy(w, r.Return.Content)
	return err
}

// readHeader reads a message's header without its empty line.
func readHeader(r io.Reader) ([]byte, error) {
	b := bufio.NewReader(io.LimitReader(r, maxReturnedHeader))
	var header []byte
	for {
		line, err := b.ReadSlice('\n')
		if len(bytes.TrimRight(line, "\r\n")) == 0 && (len(header) == 0 || header[len(header)-1] == '\n') {
			return header, ignoreEOF(err)
		}
		header = append(header, line...)
		if err != nil && err != bufio.ErrBufferFull {
			return header, ignoreEOF(err)
		}
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF || err == bufio.ErrBufferFull {
		return nil
	}
	return err
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// asciiHost makes a name usable in a boundary and an identifier.
func asciiHost(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return -1
	}, s)
}
