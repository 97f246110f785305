package proxyfilter

import (
	"context"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// Transaction is a message on its way through a filter. It implements [mail.Transaction] and [smtp.DataStarter].
type Transaction struct {
	f       *Filter
	client  *smtp.Forwarded
	from    string
	opts    mail.MailOptions
	rcpts   []mail.Recipient // that the filter has yet to hear of
	conn    *smtp.Client
	tx      mail.Transaction
	started bool // DATA was answered
	message Spooled
	done    bool
}

var errOrder = &smtp.Reply{Code: 503, Enhanced: smtp.EnhancedCode{5, 5, 1}, Text: "Error: command out of order"}

// Begin begins a message. The filter is connected, and told of the client and the sender, when there is a recipient: most mail that isn't wanted has
// none. A nil client is nobody's business.
func (f *Filter) Begin(client *smtp.Forwarded, from string, opts *mail.MailOptions) *Transaction {
	return &Transaction{f: f, client: client, from: from, opts: *opts}
}

// Recipient implements [mail.Transaction]. A filter that refuses the sender says so to the first recipient. One that can't be reached is tried again with
// the next.
func (t *Transaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	switch {
	case t.done || t.started || t.message != nil:
		return errOrder
	case t.f.Spool != nil:
		t.rcpts = append(t.rcpts, mail.Recipient{Address: to, Options: *opts})
		return nil
	}
	return t.recipient(ctx, to, opts)
}

func (t *Transaction) recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	if err := t.connect(ctx); err != nil {
		return err
	}
	return t.f.said(t.tx.Recipient(ctx, to, opts))
}

// connect gets as far as MAIL.
func (t *Transaction) connect(ctx context.Context) error {
	if t.tx != nil {
		return nil
	}
	c, err := smtp.Dial(ctx, t.f.Addr, t.f.options())
	if err != nil {
		return t.f.trouble(err)
	}
	if t.client != nil {
		if err := c.Forward(ctx, t.client); err != nil {
			_ = c.Quit(ctx)
			return t.f.trouble(err)
		}
	}
	tx, err := c.Begin(ctx, t.from, &t.opts)
	if err != nil {
		_ = c.Quit(ctx)
		return t.f.said(err)
	}
	t.conn, t.tx = c, tx
	return nil
}

// StartData implements [smtp.DataStarter]: the filter may refuse the message before it comes.
func (t *Transaction) StartData(ctx context.Context) error {
	switch {
	case t.done || t.started:
		return errOrder
	case t.f.Spool != nil:
		return nil
	case t.tx == nil:
		return &smtp.Reply{Code: 554, Enhanced: smtp.EnhancedCode{5, 5, 1}, Text: "Error: no valid recipients"}
	}
	return t.startData(ctx)
}

func (t *Transaction) startData(ctx context.Context) error {
	if err := t.tx.(smtp.DataStarter).StartData(ctx); err != nil {
		return t.f.said(err)
	}
	t.started = true
	return nil
}

// Body implements [mail.Transaction]. The message should begin with the trace field of the server that has it from the client. Of the end of the message
// the filter is told by Commit.
func (t *Transaction) Body(ctx context.Context, r io.Reader) (err error) {
	defer func() {
		if err != nil {
			_ = t.Abort()
		}
	}()
	if t.done || t.message != nil {
		return errOrder
	}
	if t.f.Spool != nil {
		t.message, err = t.f.Spool(r)
		return err
	}
	if !t.started {
		if err := t.StartData(ctx); err != nil {
			return err
		}
	}
	return t.body(ctx, r)
}

func (t *Transaction) body(ctx context.Context, r io.Reader) error {
	return t.f.said(t.tx.Body(ctx, r))
}

// Commit implements [mail.Transaction]: what the filter says to the message is the result for all recipients.
func (t *Transaction) Commit(ctx context.Context) ([]mail.Result, error) {
	defer t.Abort()
	if t.done {
		return nil, errOrder
	}
	if t.message != nil {
		if err := t.replay(ctx); err != nil {
			return nil, err
		}
	}
	if t.tx == nil {
		return nil, errOrder
	}
	results, err := t.tx.Commit(ctx)
	return results, t.f.said(err)
}

// replay tells the filter all that was put aside.
func (t *Transaction) replay(ctx context.Context) error {
	for i := range t.rcpts {
		if err := t.recipient(ctx, t.rcpts[i].Address, &t.rcpts[i].Options); err != nil {
			return err
		}
	}
	if len(t.rcpts) == 0 {
		return errOrder
	}
	if err := t.startData(ctx); err != nil {
		return err
	}
	return t.body(ctx, t.message.NewReader())
}

// Abort implements [mail.Transaction]. Within the message the connection is dropped, so that the filter can't take what it has for all of it.
func (t *Transaction) Abort() error {
	if t.done {
		return nil
	}
	t.done = true
	if t.conn != nil {
		_ = t.tx.Abort()
		_ = t.conn.Quit(context.Background())
	}
	if t.message != nil {
		return t.message.Close()
	}
	return nil
}
