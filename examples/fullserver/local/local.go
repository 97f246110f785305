// Package local files messages in mailboxes: what Postfix's virtual(8) and local(8) do. A [Deliverer] stands behind the
// SMTP session for recipients who are here, and behind the queue for bounces and for what could not be filed at once.
package local

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/policy"
	"github.com/buuta/mail/examples/fullserver/spool"
	"github.com/buuta/mail/internal/source"
)

// Deliverer delivers to mailboxes. Store and Resolve must be set.
type Deliverer struct {
	Store   mail.Store
	Resolve func(to string) (policy.Target, error)
	Mailbox string // "" means INBOX
	Junk    string // where what begins with JunkField goes; "" means Junk
	// FullLater makes a full mailbox a failure for now.
	FullLater bool
	Spooler   *spool.Spooler // for messages to several; nil means one of the zero value
	Logger    *slog.Logger   // what goes wrong with a mailbox; nil: nobody is told
}

// parallel is how many mailboxes a message is filed in at the same time: they sync together.
const parallel = 16

// Begin implements mail.Deliverer.
func (d *Deliverer) Begin(_ context.Context, from string, _ *mail.MailOptions) (mail.Transaction, error) {
	return d.Start(from), nil
}

// Start is Begin for callers that know whose transaction it is.
func (d *Deliverer) Start(from string) *Transaction { return &Transaction{d: d, from: from} }

// Transaction is a message on its way into mailboxes.
type Transaction struct {
	d     *Deliverer
	from  string
	rcpts []rcpt

	staged mail.Append   // the message in the only mailbox
	open   mail.Mailbox  // which it is
	failed error         // why there is nothing staged
	source *spool.Buffer // the message for several
	own    bool          // source is ours to close
	body   bool
	done   bool
}

type rcpt struct {
	to     string
	target policy.Target
}

// Recipient implements mail.Transaction.
func (t *Transaction) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	target, err := t.d.Resolve(to)
	if err != nil {
		return err
	}
	if target.Account == "" {
		return mail.NewReply(554, mail.EnhancedCode{5, 4, 6}, "<"+to+">: is not a mailbox of this server")
	}
	t.rcpts = append(t.rcpts, rcpt{to, target})
	return nil
}

// Add is Recipient for a target that the caller has found out already.
func (t *Transaction) Add(to string, target policy.Target) {
	t.rcpts = append(t.rcpts, rcpt{to, target})
}

// Alone reports whether there is just one recipient.
func (t *Transaction) Alone() bool { return len(t.rcpts) == 1 }

// Body implements mail.Transaction. A message for one is written to its mailbox as it comes, but not shown there yet; one
// for several is kept until Commit.
func (t *Transaction) Body(ctx context.Context, r io.Reader) error {
	if t.done || t.body || len(t.rcpts) == 0 {
		return mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	t.body = true
	if len(t.rcpts) == 1 {
		return t.stage(ctx, r)
	}
	spooler := t.d.Spooler
	if spooler == nil {
		spooler = &spool.Spooler{}
	}
	b, err := spooler.Read(r)
	if err != nil {
		t.done = true
		return replyFor(err)
	}
	t.source, t.own = b, true
	return nil
}

// BodyFrom is Body for a message that has been spooled already; it must stay until Commit has returned.
func (t *Transaction) BodyFrom(b *spool.Buffer) {
	t.body, t.source = true, b
}

// stage writes the message into the only recipient's mailbox. What goes wrong there is the answer of Commit, because the
// sender hears it only when the message has been read.
func (t *Transaction) stage(ctx context.Context, r io.Reader) error {
	src := &source.Reader{R: r}
	t.open, t.staged, t.failed = t.d.add(ctx, &t.rcpts[0], t.from, src)
	if src.Err == nil && t.failed != nil {
		_, _ = io.Copy(io.Discard, src)
	}
	if src.Err != nil {
		_ = t.Abort()
		return src.Err
	}
	return nil
}

// add begins an append to a recipient's mailbox and writes the message to it.
func (d *Deliverer) add(ctx context.Context, to *rcpt, from string, r io.Reader) (mail.Mailbox, mail.Append, error) {
	body := bufio.NewReaderSize(r, 16) // for isJunk alone
	box, err := d.box(ctx, to.target.Account, isJunk(body))
	if err != nil {
		return nil, nil, err
	}
	a, err := box.Append(ctx)
	if err == nil {
		if err = a.Add(ctx, io.MultiReader(header(from, to.target.Address), body), nil); err == nil {
			return box, a, nil
		}
		_ = a.Abort()
	}
	_ = box.Close()
	return nil, nil, err
}

// box opens a user's mailbox, or the one for junk.
func (d *Deliverer) box(ctx context.Context, account string, junk bool) (mail.Mailbox, error) {
	acc, err := d.Store.Account(ctx, account)
	if err != nil {
		return nil, err
	}
	defer acc.Close()
	name := d.Mailbox
	if name == "" {
		name = "INBOX"
	}
	if junk {
		return d.junkBox(ctx, acc)
	}
	return acc.Open(ctx, name)
}

// Commit implements mail.Transaction.
func (t *Transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	if t.done || !t.body {
		return nil, mail.NewReply(503, mail.EnhancedCode{5, 5, 1}, "Error: command out of order")
	}
	t.done = true
	out := make([]mail.Result, len(t.rcpts))
	if t.source == nil {
		began := time.Now()
		err := t.failed
		if err == nil {
			_, err = t.staged.Commit(ctx)
			_ = t.open.Close()
		}
		out[0] = t.result(&t.rcpts[0], err, time.Since(began))
		return out, nil
	}
	if t.own {
		defer t.source.Close()
	}
	var wg sync.WaitGroup
	turn := make(chan struct{}, parallel)
	for i := range t.rcpts {
		turn <- struct{}{}
		wg.Go(func() {
			defer func() { <-turn }()
			began := time.Now()
			box, a, err := t.d.add(ctx, &t.rcpts[i], t.from, t.source.NewReader())
			if err == nil {
				_, err = a.Commit(ctx)
				_ = box.Close()
			}
			out[i] = t.result(&t.rcpts[i], err, time.Since(began))
		})
	}
	wg.Wait()
	return out, nil
}

// result says how it went for one recipient.
func (t *Transaction) result(r *rcpt, err error, took time.Duration) mail.Result {
	res := mail.Result{Recipient: r.to, Relay: string(r.target.Class), Transmit: took}
	if err == nil {
		res.Reply = mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok")
		res.Detail = "delivered to maildir"
		return res
	}
	if res.Reply = mail.ReplyOf(replyFor(err)); t.d.FullLater && errors.Is(err, mail.ErrOverQuota) {
		res.Reply = &mail.Reply{Code: 452, Enhanced: mail.EnhancedCode{4, 2, 2}, Text: res.Reply.Text, Err: err}
	}
	res.Detail = res.Reply.Text
	if t.d.Logger != nil && !errors.Is(err, mail.ErrOverQuota) {
		t.d.Logger.Warn("cannot file a message", "user", r.target.Account, "error", err)
	}
	return res
}

// Abort implements mail.Transaction.
func (t *Transaction) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	var err error
	if t.staged != nil {
		err = t.staged.Abort()
		_ = t.open.Close()
	}
	if t.own {
		_ = t.source.Close()
	}
	return err
}
