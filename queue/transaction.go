package queue

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/source"
)

// Transaction is a message on its way into the queue. It implements [mail.Transaction].
type Transaction struct {
	q     *Queue
	draft Draft
	msg   Message
	held  bool
	body  bool
	done  bool
}

// What senders are told.
var (
	errTooManyRecipients = mail.NewReply(452, mail.EnhancedCode{4, 5, 3}, "Error: too many recipients")
	errNoRecipients      = mail.NewReply(554, mail.EnhancedCode{5, 5, 1}, "Error: no valid recipients")
	errBadRecipient      = mail.NewReply(501, mail.EnhancedCode{5, 1, 3}, "Bad recipient address syntax")
	errBadSender         = mail.NewReply(501, mail.EnhancedCode{5, 1, 7}, "Bad sender address syntax")
	errOrder             = mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
)

// Begin implements [mail.Deliverer]. The transaction is a *[Transaction]; its ID is known from the start, for the
// Received field. Begin does not need a started queue: it opens the storage on first use.
func (q *Queue) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	t, err := q.begin(ctx, from, opts)
	if err != nil {
		return nil, err
	}
	return t, nil
}

func (q *Queue) begin(ctx context.Context, from string, opts *mail.MailOptions) (*Transaction, error) {
	if err := q.open(); err != nil {
		return nil, q.storageError("queue: cannot open the storage", err)
	}
	if q.badAddress(from) {
		return nil, errBadSender
	}
	d, err := q.storage.Create(ctx)
	if err != nil {
		return nil, q.storageError("queue: cannot begin a message", err)
	}
	return &Transaction{q: q, draft: d, msg: Message{ID: d.ID(), From: from, Options: *opts}}, nil
}

// badAddress refuses what no address can be and what could do harm in a log. The protocol in front knows the syntax.
func (q *Queue) badAddress(a string) bool {
	return len(a) > orInt(q.Limits.EnvelopeSize, 4096) ||
		strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// ID returns the queue id.
func (t *Transaction) ID() string { return t.msg.ID }

// SetOrigin notes what has been found out about the sender since Begin: a message's signatures are known when its content
// is. It does nothing once Body was called.
func (t *Transaction) SetOrigin(o mail.Origin) {
	if !t.done && !t.body {
		t.msg.Options.Origin = o
	}
}

// SetRoute sends all recipients one way, whatever [Queue.Route] says, as a content filter wants it. Without a next hop each goes to his own
// domain. The way is as durable as the message; a transport that isn't there defers it. It does nothing once Body was called.
func (t *Transaction) SetRoute(r Route) {
	if !t.done && !t.body {
		t.msg.Order.Route = &r
	}
}

// Restart begins the message again under the same ID, with another sender perhaps: what has been said of it is forgotten. It is refused once Body was
// called.
func (t *Transaction) Restart(from string, opts *mail.MailOptions) error {
	switch {
	case t.done || t.body:
		return errOrder
	case t.q.badAddress(from):
		return errBadSender
	}
	t.msg, t.held = Message{ID: t.msg.ID, From: from, Options: *opts}, false
	return nil
}

// SetHold queues the message on hold: there is no attempt before it is released, also after a crash. It does nothing once Commit was called.
func (t *Transaction) SetHold() { t.held = true }

// Recipient implements [mail.Transaction].
func (t *Transaction) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	switch {
	case t.done || t.body:
		return errOrder
	case to == "" || t.q.badAddress(to) || t.q.badAddress(opts.OriginalRecipient):
		return errBadRecipient
	case len(t.msg.Recipients) >= orInt(t.q.Limits.Recipients, 100000):
		return errTooManyRecipients
	}
	t.msg.Recipients = append(t.msg.Recipients, Recipient{Address: to, Options: *opts, State: Pending})
	return nil
}

// Body implements [mail.Transaction].
func (t *Transaction) Body(ctx context.Context, r io.Reader) error {
	if t.done || t.body {
		return errOrder
	}
	if len(t.msg.Recipients) == 0 {
		return errNoRecipients
	}
	src := &source.Reader{R: r}
	err := t.draft.Write(ctx, &t.msg, src)
	if err == nil {
		t.body = true
		return nil
	}
	t.Abort()
	if src.Err == nil && ctx.Err() == nil {
		_, src.Err = io.Copy(io.Discard, r) // the sender hears of our trouble when it has finished
		err = t.q.storageError("queue: cannot write a message", err, slog.String("id", t.msg.ID))
	}
	if src.Err != nil {
		return src.Err
	}
	return err
}

// Commit implements [mail.Transaction]. It returns when the message is durable.
func (t *Transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	if t.done || !t.body {
		t.Abort()
		return nil, errOrder
	}
	if err := t.draft.Commit(ctx, Placement{NotBefore: t.notBefore(), Held: t.held}); err != nil {
		t.Abort()
		return nil, t.q.storageError("queue: cannot commit a message", err, slog.String("id", t.msg.ID))
	}
	t.done = true
	t.q.emit(Event{Kind: EventQueued, ID: t.msg.ID, From: t.msg.From, Size: t.msg.Size, Recipients: len(t.msg.Recipients)})
	t.q.Wake()
	out := make([]mail.Result, len(t.msg.Recipients))
	reply := mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok: queued as "+t.msg.ID)
	for i := range t.msg.Recipients {
		out[i] = mail.Result{Recipient: t.msg.Recipients[i].Address, Reply: reply, ID: t.msg.ID}
	}
	return out, nil
}

// notBefore is when the sender wants the message released (RFC 4865).
func (t *Transaction) notBefore() time.Time {
	if at := t.msg.released(); at.After(t.msg.Arrived) {
		return at
	}
	return time.Time{}
}

// Abort implements [mail.Transaction].
func (t *Transaction) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	return t.draft.Abort()
}

// storageError turns an error of the storage into what the sender is told, and logs it.
func (q *Queue) storageError(what string, err error, attrs ...any) error {
	switch {
	case errors.Is(err, ErrTooLarge):
		return &mail.Reply{Code: 552, Enhanced: mail.EnhancedCode{5, 3, 4}, Text: "Message size exceeds fixed limit", Err: err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	q.log().Error(what, append(attrs, slog.Any("error", err))...)
	if errors.Is(err, ErrNoSpace) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &mail.Reply{Code: 452, Enhanced: mail.EnhancedCode{4, 3, 1}, Text: "Insufficient system storage", Err: err}
	}
	return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Error: queue file write error", Err: err}
}
