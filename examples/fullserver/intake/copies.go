package intake

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp/rewrite"
)

// copies adds those who get a copy of the message without being named: always_bcc, sender_bcc_maps and recipient_bcc_maps. Nobody is told of what
// becomes of a copy.
func (t *transaction) copies(ctx context.Context) error {
	b := t.s.b
	if b.Kind == LMTP {
		return nil
	}
	to := []string{b.AlwaysBCC}
	rules := b.Policy.Now().Rules
	if rules.SenderBCC != nil {
		a, err := rules.SenderCopy(ctx, t.from)
		if err != nil {
			return rewrite.ReplyOf(t.from, err)
		}
		to = append(to, a)
	}
	if rules.RecipientBCC != nil {
		for _, s := range t.said {
			a, err := rules.RecipientCopy(ctx, s.to)
			if err != nil {
				return rewrite.ReplyOf(s.to, err)
			}
			to = append(to, a)
		}
	}
	for _, a := range to {
		if a == "" {
			continue
		}
		if err := t.copyTo(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// copyTo adds one of them.
func (t *transaction) copyTo(ctx context.Context, to string) error {
	targets, err := t.s.b.Policy.Now().Recipients(ctx, t.from, to)
	if reply := mail.ReplyOf(err); reply != nil && reply.Temporary() {
		return reply
	}
	if err != nil { // somebody who isn't there: the message is nobody else's fault
		t.note("warning: no copy to <" + to + ">: " + err.Error())
		return nil
	}
	for i := range targets {
		t.add(to, mail.RcptOptions{Notify: mail.NotifyNever}, targets[i], len(targets))
	}
	return nil
}
