package queue

import (
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
	"github.com/buuta/mail/mime/dsn"
)

// report makes the notification about some recipients of a message. content is nil when there is none to return.
func (q *Queue) report(m *Message, kind mail.Notify, rcpts []int, content io.Reader) *dsn.Report {
	r := &dsn.Report{
		To: m.From, Date: q.now(), ReportingMTA: q.hostname(), EnvelopeID: m.Options.EnvelopeID,
		ArrivalDate: m.Arrived, QueueID: m.ID, UTF8: m.Options.UTF8,
		Return: dsn.Return{Content: content, HeaderOnly: !q.returnsAll(m, kind), EightBit: isEightBit(m)},
	}
	if local, host, ok := cutLast(q.Notify.From); ok {
		r.From = mime.Address{Name: "Mail Delivery System", Mailbox: local, Host: host}
	}
	for _, i := range rcpts {
		r.Recipients = append(r.Recipients, q.reportRecipient(m, &m.Recipients[i]))
	}
	return r
}

func (q *Queue) reportRecipient(m *Message, rc *Recipient) dsn.Recipient {
	a := &rc.Last
	out := dsn.Recipient{
		Original: rc.Options.OriginalRecipient, Final: rc.Address, RemoteMTA: remoteMTA(a.Relay), LastAttempt: a.Time, LogID: m.ID,
	}
	switch {
	case rc.State == Pending:
		out.Action, out.WillRetryUntil = dsn.Delayed, m.released().Add(q.lifetime(m))
		if m.isLate(q.now()) { // RFC 2852 section 4.1.3
			out.Status, out.Diagnostic = mail.EnhancedCode{4, 4, 7}, "delivery time expired"
			return out
		}
	case rc.State == Failed:
		out.Action = dsn.Failed
	case a.Expanded:
		out.Action = dsn.Expanded
	case a.Final:
		out.Action = dsn.Delivered
	default:
		out.Action = dsn.Relayed
	}
	if a.Reply == nil {
		out.Status = mail.EnhancedCode{5, 4, 7} // given up before anybody was asked: "delivery time expired"
		out.Diagnostic = "no attempt has been made"
		return out
	}
	// A temporary failure that has lasted too long is reported as what it was, with action "failed" (RFC 3464 section 2.3.3).
	out.Status, out.Diagnostic = enhancedOf(a.Reply), a.Reply.String()
	if a.Relay == "" && a.Detail != "" && !a.Reply.LocalError() {
		out.Diagnostic = oneLine(a.Detail) // nobody has said anything over SMTP
	}
	return out
}

// remoteMTA is the relay if it is another system, "host[address]", without the port.
func remoteMTA(relay string) string {
	if i := strings.IndexByte(relay, ']'); i > 0 && strings.Contains(relay[:i], "[") {
		return relay[:i+1]
	}
	return ""
}

// returnsAll reports whether the whole message is returned: if it has failed, unless the sender wanted only the header (RFC
// 3461 section 4.3) or it is large. A binary message can't be part of a report that is sent as lines.
func (q *Queue) returnsAll(m *Message, kind mail.Notify) bool {
	limit := q.Notify.ReturnLimit
	if limit == 0 {
		limit = 50000
	}
	return kind == mail.NotifyFailure && m.Options.Return != mail.ReturnHeaders && !m.Options.RequireTLS && // RFC 8689 section 5
		m.Options.Body != mail.BodyBinaryMIME && m.Size <= limit
}

func isEightBit(m *Message) bool { return m.Options.Body != "" && m.Options.Body != mail.Body7Bit }

func (q *Queue) hostname() string { return orString(q.Hostname, "localhost") }
