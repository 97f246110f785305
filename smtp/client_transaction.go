package smtp

import (
	"context"
	"io"
	"time"

	"github.com/buuta/mail"
)

// pipelineGroup is how many commands go out before their replies are read. More could fill both directions' buffers with
// both ends waiting for the other to read (RFC 2920 section 3.1).
const pipelineGroup = 100

// clientTransaction is one mail transaction of a Client.
type clientTransaction struct {
	c         *Client
	transform transform
	rcpts     []clientRcpt
	accepted  int
	dataSent  bool // DATA has been sent and answered by dataErr
	dataErr   error
	whole     bool // the whole message has gone out with the envelope
	body      bool
	done      bool
	start     time.Time
}

// clientRcpt is a recipient and what became of it.
type clientRcpt struct {
	address string
	err     error
}

// Begin implements [mail.Deliverer]: it sends MAIL and waits for the answer. One transaction at a time can be open.
func (c *Client) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	if err := c.arm(ctx); err != nil {
		return nil, err
	}
	defer c.disarm()
	if err := c.reset(); err != nil {
		return nil, err
	}
	t := &clientTransaction{c: c, start: time.Now()}
	if err := t.putMail(from, opts, opts.Size); err != nil {
		return nil, err
	}
	c.dirty = true
	if err := c.command(timeout(c.opts.Timeouts.Mail, 5*time.Minute), "MAIL FROM", "sending MAIL FROM"); err != nil {
		return nil, err
	}
	c.current = t
	return t, nil
}

// Open begins a transaction with all its recipients in one go, as fast as the server's pipelining allows, and returns why
// each recipient was refused, nil where it wasn't. Results of Commit are of the others. An error is the answer for
// all. When every recipient was refused there is nothing to send; Body and Commit say so.
func (c *Client) Open(ctx context.Context, env *mail.Envelope) (mail.Transaction, []error, error) {
	if err := c.arm(ctx); err != nil {
		return nil, nil, err
	}
	defer c.disarm()
	t := &clientTransaction{c: c}
	if err := t.open(env, env.Options.Size, nil); err != nil {
		return nil, nil, err
	}
	c.current = t
	refused := make([]error, len(t.rcpts))
	kept := t.rcpts[:0]
	for i, r := range t.rcpts {
		if refused[i] = r.err; r.err == nil {
			kept = append(kept, r)
		}
	}
	t.rcpts = kept
	return t, refused, nil
}

// pipelines reports whether commands may be sent in groups.
func (c *Client) pipelines() bool { return c.caps.Has(Pipelining) && !c.opts.NoPipelining }

// chunks reports whether the message goes by BDAT.
func (c *Client) chunks(t transform) bool {
	return t.binary || c.caps.Has(Chunking) && !c.opts.NoChunking && !t.eightBit && !t.header
}

// reset ends what the server may still hold of an earlier transaction.
func (c *Client) reset() error {
	if t := c.current; t != nil {
		t.Abort()
	}
	if c.closed {
		return c.arm(context.Background())
	}
	if !c.dirty {
		return nil
	}
	c.put("RSET\r\n")
	if err := c.command(timeout(c.opts.Timeouts.Reset, 20*time.Second), "RSET", "sending RSET"); err != nil {
		c.shut()
		return err
	}
	c.dirty = false
	return nil
}

// Recipient implements [mail.Transaction]: it sends RCPT and waits for the answer.
func (t *clientTransaction) Recipient(ctx context.Context, to string, opts *mail.RcptOptions) error {
	c := t.c
	if err := t.check(); err != nil {
		return err
	}
	if err := c.arm(ctx); err != nil {
		return err
	}
	defer c.disarm()
	if err := t.putRcpt(to, opts); err != nil {
		return err
	}
	if err := c.command(timeout(c.opts.Timeouts.Recipient, 5*time.Minute), "RCPT TO", "sending RCPT TO"); err != nil {
		return err
	}
	t.accepted++
	t.rcpts = append(t.rcpts, clientRcpt{address: to})
	return nil
}

// check refuses calls on a transaction that has ended.
func (t *clientTransaction) check() error {
	if t.done || t.c.current != t {
		return &Reply{Code: 503, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: the transaction has ended"}
	}
	return nil
}

// StartData implements [DataStarter]: where the message goes by DATA, it sends that and waits for the answer.
func (t *clientTransaction) StartData(ctx context.Context) error {
	c := t.c
	if err := t.check(); err != nil {
		return err
	}
	if t.accepted == 0 {
		return errNoRecipients
	}
	if t.dataSent || c.chunks(t.transform) {
		return nil
	}
	if err := c.arm(ctx); err != nil {
		return err
	}
	defer c.disarm()
	return t.startData()
}

// Body implements [mail.Transaction]: it sends the message up to its end, which Commit sends.
func (t *clientTransaction) Body(ctx context.Context, r io.Reader) error {
	c := t.c
	if err := t.check(); err != nil {
		return err
	}
	if t.body {
		return &Reply{Code: 503, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: the message has been sent"}
	}
	if err := c.arm(ctx); err != nil {
		return err
	}
	defer c.disarm()
	err := t.send(r)
	if err != nil {
		t.end()
	}
	return err
}

// Commit implements [mail.Transaction]: it sends the end of the message and returns what the server says to it.
func (t *clientTransaction) Commit(ctx context.Context) ([]mail.Result, error) {
	c := t.c
	if err := t.check(); err != nil {
		return nil, err
	}
	if !t.body {
		t.Abort()
		return nil, &Reply{Code: 503, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: need a message"}
	}
	defer t.end()
	if err := c.arm(ctx); err != nil {
		c.shut()
		return nil, err
	}
	defer c.disarm()
	return t.finish(make([]mail.Result, 0, len(t.rcpts)))
}

// Abort implements [mail.Transaction]. Within a message there is no other way to take it back than to drop the connection;
// else RSET does it, before the next transaction.
func (t *clientTransaction) Abort() error {
	if t.done || t.c.current != t {
		return nil
	}
	t.end()
	c := t.c
	if within := t.body || t.dataSent && t.dataErr == nil; within && !c.closed && (!c.chunks(t.transform) || c.bdat.waiting > 0) {
		c.shut()
	}
	return nil
}

func (t *clientTransaction) end() {
	t.done = true
	if t.c.current == t {
		t.c.current = nil
	}
}
