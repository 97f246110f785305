package intake

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/proxyfilter"
)

// A message that goes through a content filter before it is accepted touches neither queue nor mailboxes here, and its addresses stay as the client wrote
// them: the server behind the filter does all that.

// ProxyLog is a Log that wants to know what a content filter in front of the queue has to say.
type ProxyLog interface {
	// ProxyBegun is told when the filter is about to hear of a message.
	ProxyBegun(c *smtp.Conn)
	// ProxyRefused is told of what the filter has refused, and ProxyFailed of what went wrong with it. r is what the client is told.
	ProxyRefused(c *smtp.Conn, command, reply string, r *mail.Reply)
	ProxyFailed(c *smtp.Conn, e *proxyfilter.Error, r *mail.Reply)
	// ProxyDone is told of the answer to a message.
	ProxyDone(c *smtp.Conn, from, to string, r *mail.Reply)
}

// proxied tells the log of an error of the filter, and returns what the client is told.
func (t *transaction) proxied(err error, to string) error {
	l, ok := t.s.b.Log.(ProxyLog)
	if !ok || err == nil {
		return err
	}
	r := *mail.ReplyOf(err)
	r.Err = nil
	if e, ok := errors.AsType[*smtp.RemoteError](err); ok {
		command := e.Command
		switch command {
		case "":
			command = "connection request"
		case "MAIL FROM":
			command += ":<" + t.wrote + ">"
		case "RCPT TO":
			command += ":<" + to + ">"
		}
		l.ProxyRefused(t.s.c, command, e.Reply.String(), &r)
	} else if e, ok := errors.AsType[*proxyfilter.Error](err); ok {
		l.ProxyFailed(t.s.c, e, &r)
	} else {
		return err
	}
	return &r
}

func (t *transaction) proxyRecipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	if l, ok := t.s.b.Log.(ProxyLog); ok && !t.begun {
		t.begun = true
		l.ProxyBegun(t.s.c)
	}
	if err := t.proxied(t.proxy.Recipient(ctx, to, opts), to); err != nil {
		return err
	}
	t.said = append(t.said, said{to: to})
	return nil
}

func (t *transaction) proxyData(ctx context.Context) error {
	return t.proxied(t.proxy.StartData(ctx), "")
}

// proxyBody passes the message on with our trace field above it, and what came of checking it.
func (t *transaction) proxyBody(ctx context.Context, r io.Reader) error {
	if t.thrown {
		t.discarded = true
		_ = t.proxy.Abort()
		_, err := io.Copy(io.Discard, r)
		return err
	}
	head, info, err := peekHeader(r)
	if err != nil {
		_ = t.Abort()
		return err
	}
	defer func() { t.held.Close() }()
	whole, err := t.examine(ctx, info, io.MultiReader(bytes.NewReader(head), r))
	if err == nil {
		in := &counter{r: whole}
		err = t.proxied(t.proxy.Body(ctx, in), "")
		t.msg.Size = in.n
	}
	if err != nil {
		_ = t.Abort()
	}
	return diskReply(err)
}

// proxyCommit ends the message: what the filter says is the client's answer.
func (t *transaction) proxyCommit(ctx context.Context) ([]mail.Result, error) {
	t.done = true
	if t.discarded {
		return t.taken(), nil
	}
	results, err := t.proxy.Commit(ctx)
	if err != nil {
		err = t.proxied(err, t.said[0].to)
	}
	if l, ok := t.s.b.Log.(ProxyLog); ok {
		r := mail.ReplyOf(err)
		if err == nil {
			r = mail.Combine(results)
		}
		l.ProxyDone(t.s.c, t.from, t.said[0].to, r)
	}
	return results, err
}
