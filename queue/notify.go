package queue

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
)

// NotifyOptions say how delivery status notifications are made.
type NotifyOptions struct {
	From        string // address in the From field of a notification; "": MAILER-DAEMON@Hostname
	ReturnLimit int64  // of a larger message only the header is returned; 0: 50000 (bounce_size_limit)

	// Compose, when set, may change a notification before it is written, such as its From, Subject and Text: for the words of a
	// site, or the language of a sender. Package notice has both. nil: English text of package dsn.
	Compose func(m *Message, kind mail.Notify, r *dsn.Report)

	// Copy, when set, names an address that is told of it as well, without the message's body, when a sender is
	// notified: bounce_notice_recipient and delay_notice_recipient. "": nobody.
	Copy func(m *Message, kind mail.Notify) string

	// LeastOrigin is how sure it must be that a message came from its sender for him to be notified, so that nobody gets
	// reports about mail that others have sent in his name. Messages of which nobody has found out
	// (mail.OriginUnknown) count as sure. 0: mail.OriginNeutral, which leaves out those that are known to be forged.
	LeastOrigin mail.Origin

	// DoubleBounce, when set, is told of a message from the null sender that can't be delivered, with its content, before
	// it is dropped: nothing must be sent to a null reverse-path (RFC 5321 section 6.1). Recipients that failed have
	// State Failed. An error keeps the message for another time.
	DoubleBounce func(ctx context.Context, m *Message, content Content) error

	// DoubleBounceTo, when set, is an address that gets such a message in a report, unless DoubleBounce is set:
	// 2bounce_notice_recipient with notify_classes' 2bounce. The report comes from DoubleBounceSender, and what can't be
	// delivered from there is dropped, so that reports about reports end: double_bounce_sender. "": double-bounce@Hostname.
	DoubleBounceTo     string
	DoubleBounceSender string

	// Filter, when set, may suppress a notification by returning false.
	Filter func(m *Message, kind mail.Notify) bool
}

// notify makes what notifications are owed. What could not be made stays owed.
func (q *Queue) notify(j *job) (notified []int, warned bool) {
	m := j.msg
	var failed, sent []int
	for _, i := range m.owed() {
		if m.Recipients[i].State == Failed {
			failed = append(failed, i)
		} else {
			sent = append(sent, i)
		}
	}
	if len(failed) > 0 && q.tell(j, mail.NotifyFailure, failed) {
		notified = append(notified, failed...)
		if len(sent) > 0 {
			q.recordTold(j, failed) // so that a crash while the next one is made doesn't double this one
		}
	}
	if len(sent) > 0 && q.tell(j, mail.NotifySuccess, sent) {
		notified = append(notified, sent...)
	}
	for k, i := range notified {
		m.Recipients[i].Owed = false
		notified[k] = m.First + i
	}
	if q.delayDue(m, q.now()) && q.tell(j, mail.NotifyDelay, m.delayed()) {
		warned = true
	}
	slices.Sort(notified)
	return notified, warned
}

// recordTold marks that a notification about recipients has been made.
func (q *Queue) recordTold(j *job, rcpts []int) {
	var out []Outcome
	for _, i := range rcpts {
		r := &j.msg.Recipients[i]
		out = mergeOutcome(out, Outcome{Recipients: []int{j.msg.First + i}, State: r.State, Attempt: r.Last})
	}
	q.record(j, out)
}

// tell makes one notification about some recipients of a message.
func (q *Queue) tell(j *job, kind mail.Notify, rcpts []int) bool {
	m, ctx := j.msg, context.WithoutCancel(q.ctx)
	var err error
	var id string
	switch {
	case q.Notify.Filter != nil && !q.Notify.Filter(m, kind):
		return true
	case q.isForged(m):
		return true
	case q.endsHere(m):
		return true
	case m.From == "" && q.Notify.DoubleBounce != nil:
		err = q.doubleBounce(ctx, j)
	default:
		if kind == mail.NotifyDelay {
			if rcpts, err = q.askedFor(ctx, j, rcpts); err == nil && len(rcpts) == 0 {
				return true
			}
		}
		if err == nil {
			id, err = q.sendReport(ctx, j, m, kind, rcpts)
		}
	}
	if errors.Is(err, ErrCorrupt) {
		// There is no content to return, but the sender must hear of it. The file stays until this has been done.
		q.log().Error("queue: content of a message to be returned is damaged", slog.String("id", m.ID), slog.Any("error", err))
		id, err = q.sendReport(ctx, j, &Message{
			ID: m.ID, From: m.From, Options: m.Options, Recipients: m.Recipients, Arrived: m.Arrived, Size: -1,
		}, kind, rcpts)
	}
	if err != nil {
		q.log().Error("queue: cannot make a notification", slog.String("id", m.ID), slog.Any("error", err))
		return false
	}
	if id != "" && m.From != "" && q.Notify.Copy != nil {
		q.sendCopy(ctx, j, kind, rcpts)
	}
	if id != "" {
		q.emit(Event{Kind: EventNotified, ID: m.ID, From: m.From, Notification: kind, NewID: id, Recipients: len(rcpts)})
	}
	return true
}

func (q *Queue) doubleBounce(ctx context.Context, j *job) error {
	content, err := q.storage.Content(ctx, j.list.lease)
	if err != nil {
		return err
	}
	defer content.Close()
	return q.Notify.DoubleBounce(ctx, j.msg, content)
}

// endsHere reports whether nobody is told what becomes of a message.
func (q *Queue) endsHere(m *Message) bool {
	switch to := q.Notify.DoubleBounceTo; {
	case m.From == "":
		return to == "" && q.Notify.DoubleBounce == nil
	default:
		return to != "" && strings.EqualFold(m.From, q.doubleBounceSender())
	}
}

func (q *Queue) doubleBounceSender() string {
	return orString(q.Notify.DoubleBounceSender, "double-bounce@"+q.hostname())
}

// sendReport queues a notification to the sender of m, or for the null sender to whoever looks after double bounces, and
// returns its queue id.
func (q *Queue) sendReport(ctx context.Context, j *job, m *Message, kind mail.Notify, rcpts []int) (id string, err error) {
	if m.Size < 0 {
		return q.postReport(ctx, q.report(m, kind, rcpts, nil), m, kind)
	}
	content, err := q.storage.Content(ctx, j.list.lease)
	if err != nil {
		return "", err
	}
	defer content.Close()
	return q.postReport(ctx, q.report(m, kind, rcpts, content), m, kind)
}

func (q *Queue) postReport(ctx context.Context, r *dsn.Report, m *Message, kind mail.Notify) (id string, err error) {
	from := ""
	if m.From == "" {
		from, r.To, r.Copy = q.doubleBounceSender(), q.Notify.DoubleBounceTo, true
	}
	q.compose(m, kind, r)
	return q.post(ctx, from, r, m.Options.RequireTLS)
}

func (q *Queue) compose(m *Message, kind mail.Notify, r *dsn.Report) {
	if q.Notify.Compose != nil {
		q.Notify.Compose(m, kind, r)
	}
}

// sendCopy tells whoever looks after the mail system, who need not hear of it: what goes wrong is logged.
func (q *Queue) sendCopy(ctx context.Context, j *job, kind mail.Notify, rcpts []int) {
	m := *j.msg
	to := q.Notify.Copy(&m, kind)
	if to == "" {
		return
	}
	m.Options.Return = mail.ReturnHeaders
	content, err := q.storage.Content(ctx, j.list.lease)
	if err == nil {
		defer content.Close()
		r := q.report(&m, kind, rcpts, content)
		r.To, r.Copy, r.CopyOf = to, true, m.From
		q.compose(&m, kind, r)
		_, err = q.post(ctx, "", r, m.Options.RequireTLS)
	}
	if err != nil {
		q.log().Error("queue: cannot make a copy of a notification", slog.String("id", m.ID), slog.Any("error", err))
	}
}

// post queues a notification and returns its queue id. It asks for no notifications itself, and one for a sender comes from the
// null sender (RFC 3461 section 6.1). It is protected as the message was (RFC 8689 section 5).
func (q *Queue) post(ctx context.Context, from string, r *dsn.Report, requireTLS bool) (id string, err error) {
	opts := &mail.MailOptions{UTF8: r.UTF8, Origin: mail.OriginLocal, RequireTLS: requireTLS}
	if r.UTF8 || r.Return.EightBit {
		opts.Body = mail.Body8BitMIME
	}
	tx, err := q.begin(ctx, from, opts)
	if err != nil {
		return "", err
	}
	defer tx.Abort()
	if err := tx.Recipient(ctx, r.To, &mail.RcptOptions{Notify: mail.NotifyNever}); err != nil {
		return "", err
	}
	r.MessageID = tx.ID() + "." + strconv.FormatInt(q.now().Unix(), 36) + "@" + q.hostname()
	pr, pw := io.Pipe()
	defer pr.Close()
	go func() {
		_, err := r.WriteTo(pw)
		if err == nil && r.Return.Content != nil {
			_, err = io.Copy(io.Discard, r.Return.Content) // what isn't returned must be whole as well
		}
		pw.CloseWithError(err)
	}()
	if err := tx.Body(ctx, pr); err != nil {
		return "", err
	}
	if _, err := tx.Commit(ctx); err != nil {
		return "", err
	}
	return tx.ID(), nil
}
