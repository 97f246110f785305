package queue

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// report is a delivery status notification: a multipart/report (RFC 6522) of a text for people, a part for programs (RFC
// 3464), and the message or its header.
type report struct {
	q     *Queue
	m     *Message
	kind  mail.Notify
	rcpts []int
}

const maxReturnedHeader = 256 << 10

// isUTF8 reports whether the report must name an address that ASCII can't write (RFC 6533).
func (r *report) isUTF8() bool {
	if !isASCII(r.m.From) || !isASCII(r.m.Options.EnvelopeID) {
		return true
	}
	for _, i := range r.rcpts {
		rc := &r.m.Recipients[i]
		if !isASCII(rc.Address) || !isASCII(rc.Options.OriginalRecipient) {
			return true
		}
	}
	return r.m.Options.UTF8 // its header may have any character
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
}

// bodyType is that of the report: what it returns is passed on unchanged.
func (r *report) bodyType() mail.BodyType {
	if r.m.Options.Body != "" && r.m.Options.Body != mail.Body7Bit || r.isUTF8() {
		return mail.Body8BitMIME
	}
	return ""
}

// full reports whether the whole message is returned: if it has failed, unless the sender wanted only the header (RFC
// 3461 section 4.3) or it is large. A binary message can't be part of a report that is sent as lines.
func (r *report) full() bool {
	limit := r.q.Notify.ReturnLimit
	if limit == 0 {
		limit = 50000
	}
	return r.kind == mail.NotifyFailure && r.m.Options.Return != mail.ReturnHeaders &&
		r.m.Options.Body != mail.BodyBinaryMIME && r.m.Size <= limit
}

// reader returns the report as a message with the given queue id. content is nil when there is none to return.
func (r *report) reader(id string, content io.Reader) (io.Reader, error) {
	boundary := id + "." + fmt.Sprint(r.q.now().UnixMicro()) + "/" + r.q.hostname()
	var b bytes.Buffer
	r.header(&b, id, boundary)
	fmt.Fprintf(&b, "--%s\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset=%s\r\n", boundary, r.charset())
	r.encoding(&b)
	r.text(&b)
	status := "delivery-status"
	if r.isUTF8() {
		status = "global-delivery-status"
	}
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Description: Delivery report\r\nContent-Type: message/%s\r\n", boundary, status)
	r.encoding(&b)
	r.status(&b)
	tail := "\r\n--" + boundary + "--\r\n"
	if content == nil {
		return io.MultiReader(&b, strings.NewReader(tail)), nil
	}
	if r.full() {
		kind := "message/rfc822"
		if r.m.Options.UTF8 {
			kind = "message/global"
		}
		r.returned(&b, boundary, "Undelivered message", kind)
		return io.MultiReader(&b, content, strings.NewReader(tail)), nil
	}
	head, err := headerOf(content)
	if err != nil {
		return nil, err
	}
	kind := "text/rfc822-headers"
	if r.m.Options.UTF8 {
		kind = "message/global-headers"
	}
	r.returned(&b, boundary, "Message headers", kind)
	return io.MultiReader(&b, bytes.NewReader(head), strings.NewReader(tail)), nil
}

func (r *report) returned(b *bytes.Buffer, boundary, what, kind string) {
	fmt.Fprintf(b, "\r\n--%s\r\nContent-Description: %s\r\nContent-Type: %s\r\n", boundary, what, kind)
	r.encoding(b)
}

// encoding ends a part's header.
func (r *report) encoding(b *bytes.Buffer) {
	if r.bodyType() == mail.Body8BitMIME {
		b.WriteString("Content-Transfer-Encoding: 8bit\r\n")
	}
	b.WriteString("\r\n")
}

func (r *report) charset() string {
	if r.isUTF8() {
		return "utf-8"
	}
	return "us-ascii"
}

func (r *report) header(b *bytes.Buffer, id, boundary string) {
	host, now := r.q.hostname(), r.q.now()
	from := orString(r.q.Notify.From, "MAILER-DAEMON@"+host)
	subject := "Undelivered Mail Returned to Sender"
	switch r.kind {
	case mail.NotifyDelay:
		subject = "Delayed Mail (still being retried)"
	case mail.NotifySuccess:
		subject = "Successful Mail Delivery Report"
	}
	// RFC 3834 section 5: nobody shall answer this automatically.
	for _, f := range [][2]string{
		{"Date", now.Format(time.RFC1123Z)},
		{"From", "Mail Delivery System <" + from + ">"},
		{"Subject", subject},
		{"To", r.m.From},
		{"Auto-Submitted", "auto-replied"},
		{"Message-ID", "<" + now.UTC().Format("20060102150405") + "." + id + "@" + host + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "multipart/report; report-type=" + r.reportType() + ";\r\n\tboundary=\"" + boundary + "\""},
	} {
		b.WriteString(f[0] + ": " + f[1] + "\r\n")
	}
	r.encoding(b)
	b.WriteString("This is a MIME-encapsulated message.\r\n\r\n")
}

func (r *report) reportType() string { return "delivery-status" }

// headerOf reads a message's header, without the empty line, and the rest of the content, so that its checksum is
// looked at. A header that is out of all proportion is cut at a line's end.
func headerOf(content io.Reader) ([]byte, error) {
	br := bufio.NewReader(content)
	var head []byte
	for {
		line, err := br.ReadSlice('\n')
		if len(bytes.TrimRight(line, "\r\n")) == 0 && err != bufio.ErrBufferFull {
			if err != nil && err != io.EOF {
				return nil, err
			}
			break
		}
		head = append(head, line...)
		if err == io.EOF || len(head) > maxReturnedHeader {
			break
		}
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
	}
	if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
		head = head[:i+1]
	}
	_, err := io.Copy(io.Discard, br)
	return head, err
}

func (q *Queue) hostname() string { return orString(q.Hostname, "localhost") }
