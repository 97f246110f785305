package server

import (
	"context"
	"io"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/smtp/srs"
)

// forwarding shows other servers a sender of ours for mail that is only forwarded: that somebody from elsewhere has sent to an address here which leads
// elsewhere (srs_domain). Such mail would fail SPF there otherwise.
type forwarding struct {
	next   mail.Deliverer
	srs    *srs.Rewriter
	policy *policy.Policy
}

// Begin implements mail.Deliverer. Who the sender is to be is known when the recipients are.
func (f *forwarding) Begin(_ context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	return &forwardingTransaction{f: f, from: from, opts: *opts}, nil
}

type forwardingTransaction struct {
	f    *forwarding
	from string
	opts mail.MailOptions
	to   []mail.Recipient
	tx   mail.Transaction
	sent []int // those of to that tx has
	no   []error
}

// Recipient implements mail.Transaction.
func (t *forwardingTransaction) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	t.to = append(t.to, mail.Recipient{Address: to, Options: *opts})
	return nil
}

// Relay names the peer in the log.
func (t *forwardingTransaction) Relay() string {
	if r, ok := t.tx.(interface{ Relay() string }); ok {
		return r.Relay()
	}
	return ""
}

// Body implements mail.Transaction.
func (t *forwardingTransaction) Body(ctx context.Context, r io.Reader) error {
	from, err := t.sender(ctx)
	if err != nil {
		return err
	}
	if t.tx, err = t.f.next.Begin(ctx, from, &t.opts); err != nil {
		return err
	}
	t.no = make([]error, len(t.to))
	for i, rcpt := range t.to {
		if t.no[i] = t.tx.Recipient(ctx, rcpt.Address, &rcpt.Options); t.no[i] == nil {
			t.sent = append(t.sent, i)
		}
	}
	if len(t.sent) == 0 {
		return nil
	}
	return t.tx.Body(ctx, r)
}

// sender is who is shown.
func (t *forwardingTransaction) sender(ctx context.Context) (string, error) {
	if t.from == "" {
		return "", nil
	}
	if ours, err := t.ours(ctx, t.from); ours || err != nil {
		return t.from, err
	}
	for _, rcpt := range t.to {
		kind, original, _ := strings.Cut(rcpt.Options.OriginalRecipient, ";")
		if !strings.EqualFold(kind, "rfc822") || strings.EqualFold(original, rcpt.Address) {
			continue
		}
		was, err := t.ours(ctx, original)
		if err != nil {
			return "", err
		}
		if !was {
			continue
		}
		if from, err := t.f.srs.Forward(t.from); err == nil {
			return from, nil
		}
		return t.from, nil
	}
	return t.from, nil
}

// ours reports whether an address is at a domain that mail is taken for here.
func (t *forwardingTransaction) ours(ctx context.Context, address string) (bool, error) {
	target, err := t.f.policy.Now().Kind(ctx, address)
	if reply := mail.ReplyOf(err); reply != nil {
		if reply.Temporary() {
			return false, err
		}
		return false, nil
	}
	return target.Ours(), nil
}

// Commit implements mail.Transaction.
func (t *forwardingTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	out := make([]mail.Result, len(t.to))
	for i, err := range t.no {
		if out[i].Recipient = t.to[i].Address; err != nil {
			out[i].Reply, out[i].Detail = mail.ReplyOf(err), mail.ReplyOf(err).Text
		}
	}
	if len(t.sent) == 0 {
		_ = t.Abort()
		return out, nil
	}
	results, err := t.tx.Commit(ctx)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		if i < len(t.sent) {
			out[t.sent[i]] = r
		}
	}
	return out, nil
}

// Abort implements mail.Transaction.
func (t *forwardingTransaction) Abort() error {
	if t.tx == nil {
		return nil
	}
	return t.tx.Abort()
}
