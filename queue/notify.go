package queue

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
)

// NotifyOptions say how delivery status notifications are made.
type NotifyOptions struct {
	From        string // address in the From field of a notification; "": MAILER-DAEMON@Hostname
	ReturnLimit int64  // of a larger message only the header is returned; 0: 50000 (bounce_size_limit)

	// Text returns the part for people to read; nil: English text of package dsn.
	Text func(*dsn.Report) string

	// DoubleBounce, when set, is told of a message from the null sender that can't be delivered, with its content, before
	// it is dropped: nothing must be sent to a null reverse-path (RFC 5321 section 6.1). Recipients that failed have
	// State Failed. An error keeps the message for another time.
	DoubleBounce func(ctx context.Context, m *Message, content Content) error

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
	case m.From == "" && q.Notify.DoubleBounce == nil:
		return true
	case m.From == "":
		err = q.doubleBounce(ctx, j)
	default:
		id, err = q.sendReport(ctx, j, m, kind, rcpts)
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

// sendReport queues a notification to the sender of m and returns its queue id. It comes from the null sender and asks
// for no notifications itself (RFC 3461 section 6.1).
func (q *Queue) sendReport(ctx context.Context, j *job, m *Message, kind mail.Notify, rcpts []int) (id string, err error) {
	var content io.Reader
	if m.Size >= 0 {
		c, err := q.storage.Content(ctx, j.list.lease)
		if err != nil {
			return "", err
		}
		defer c.Close()
		content = c
	}
	r := q.report(m, kind, rcpts, content)
	opts := &mail.MailOptions{UTF8: r.UTF8}
	if r.UTF8 || r.Return.EightBit {
		opts.Body = mail.Body8BitMIME
	}
	tx, err := q.begin(ctx, "", opts)
	if err != nil {
		return "", err
	}
	defer tx.Abort()
	if err := tx.Recipient(ctx, m.From, &mail.RcptOptions{Notify: mail.NotifyNever}); err != nil {
		return "", err
	}
	r.MessageID = tx.ID() + "." + strconv.FormatInt(q.now().Unix(), 36) + "@" + q.hostname()
	pr, pw := io.Pipe()
	defer pr.Close()
	go func() {
		_, err := r.WriteTo(pw)
		if err == nil && content != nil {
			_, err = io.Copy(io.Discard, content) // what isn't returned must be whole as well
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
