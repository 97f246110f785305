package intake

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/policy"
)

// rcpt is somebody who gets the message.
type rcpt struct {
	to      string
	opts    mail.RcptOptions
	target  policy.Target
	twin    int  // the recipient before it that is the same, -1 for none
	removed bool // a milter has taken him away
	queued  bool // goes to the queue: it is elsewhere, or the sender wants a report of its delivery, which the queue makes
}

// Recipient implements mail.Transaction.
func (t *transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	if t.refuse != nil {
		return t.refuse
	}
	targets, err := t.s.resolve(ctx, t.s.visit, t.from, to)
	if err != nil {
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.greylist(to); err != nil { // before filters hear of a recipient that isn't one yet
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.room(ctx, to, targets); err != nil {
		t.filterRejected(ctx, to, opts, err)
		return err
	}
	if err := t.filterRecipient(ctx, to, opts); err != nil {
		return err
	}
	if t.proxy != nil {
		return t.proxyRecipient(ctx, to, opts)
	}
	if limit := t.s.b.Expanded; limit > 0 && len(t.rcpts)+len(targets) > limit {
		return mail.NewReply(452, mail.EnhancedCode{4, 5, 3}, "Error: too many recipients")
	}
	if err := t.reserve(ctx); err != nil {
		return err
	}
	t.said = append(t.said, said{to, len(t.rcpts), len(targets)})
	for i := range targets {
		t.add(to, *opts, targets[i], len(targets))
	}
	return nil
}

// room refuses a recipient whose mailbox is full. One that stands for several is taken for those who have room.
func (t *transaction) room(ctx context.Context, to string, targets []policy.Target) error {
	if t.s.b.Room == nil || len(targets) != 1 || targets[0].Account == "" {
		return nil
	}
	r := t.s.b.Room(ctx, targets[0].Account, t.opts.Size)
	if r == nil {
		return nil
	}
	said := *r
	said.Text = "<" + to + ">: Recipient address rejected: " + r.Text
	return &said
}

// greylist sends strangers away for now. Who had to wait is told by a header field, once a message.
func (t *transaction) greylist(to string) error {
	if t.s.b.Greylist == nil || t.s.visit == nil || t.s.trusted() {
		return nil
	}
	field, r := t.s.b.Greylist(t.s.c, t.from, to)
	if r != nil {
		return r
	}
	if field != "" && !t.delayed {
		t.delayed = true
		t.s.visit.Message.Prepend = append(t.s.visit.Message.Prepend, field)
	}
	return nil
}

// add adds one of those whom a recipient stands for.
func (t *transaction) add(to string, opts mail.RcptOptions, target policy.Target, of int) {
	if opts.OriginalRecipient == "" && !strings.EqualFold(to, target.Address) && strings.Contains(to, "@") {
		opts.OriginalRecipient = "rfc822;" + to
	}
	if of > 1 { // RFC 3461 section 5.2.7.3: a list's members report no success
		opts.Notify &^= mail.NotifySuccess
	}
	report := opts.Notify&mail.NotifySuccess != 0 && t.from != "" && t.s.b.Kind != LMTP
	r := rcpt{to: to, opts: opts, target: target, twin: -1, queued: target.Account == "" || report || t.verdict.Hold || t.verdict.Filter != ""}
	for i := range t.rcpts {
		if t.rcpts[i].twin < 0 && strings.EqualFold(t.rcpts[i].target.Address, target.Address) {
			r.twin = i // named twice: one copy
			break
		}
	}
	t.rcpts = append(t.rcpts, r)
}

// here and elsewhere select recipients.
func (r *rcpt) here() bool { return r.twin < 0 && !r.queued && !r.removed }

func (r *rcpt) elsewhere() bool { return r.twin < 0 && r.queued && !r.removed }
