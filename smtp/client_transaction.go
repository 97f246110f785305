package smtp

import (
	"context"
	"errors"
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

func (t *clientTransaction) putMail(from string, o *mail.MailOptions, size int64) error {
	c := t.c
	start := len(c.out)
	out, tr, err := c.appendMail(c.out, from, o, size)
	t.transform = tr
	return c.gather(start, out, err)
}

func (t *clientTransaction) putRcpt(to string, o *mail.RcptOptions) error {
	c := t.c
	start := len(c.out)
	out, err := c.appendRcpt(c.out, to, o)
	return c.gather(start, out, err)
}

// gather keeps a command that has been appended, unless err says that it can't be sent.
func (c *Client) gather(start int, out []byte, err error) error {
	if err != nil {
		c.out = out[:start]
		return err
	}
	c.out = out
	if c.opts.Trace != nil {
		c.traceSent(string(out[start:]))
	}
	return nil
}

// open sends MAIL and all RCPTs and, when it can be pipelined, DATA or the whole message by BDAT, and reads the answers.
// A message of that kind is there when whole isn't nil.
func (t *clientTransaction) open(env *mail.Envelope, size int64, whole []byte) error {
	c := t.c
	t.start = time.Now()
	if err := c.reset(); err != nil {
		return err
	}
	if err := t.putMail(env.From, &env.Options, size); err != nil {
		return err
	}
	c.dirty = true
	if !c.pipelines() {
		if err := c.command(timeout(c.opts.Timeouts.Mail, 5*time.Minute), "MAIL FROM", "sending MAIL FROM"); err != nil {
			return err
		}
	}
	limit := positive(c.opts.Limits.Recipients, 1000)
	if n := c.caps.Limit("RCPTMAX"); n > 0 {
		limit = min(limit, n)
	}
	t.rcpts = t.rcpts[:0]
	for i := range env.Recipients {
		t.rcpts = append(t.rcpts, clientRcpt{address: env.Recipients[i].Address})
	}
	first := c.pipelines()
	t.whole = whole != nil && c.chunks(t.transform) && len(t.rcpts) <= pipelineGroup
	data := first && !c.chunks(t.transform)
	for i, group := 0, 1; i < len(t.rcpts); i += group {
		if first {
			group = min(pipelineGroup, len(t.rcpts)-i)
		}
		if err := t.recipients(env, i, i+group, limit, whole, first && i == 0, data && i+group == len(t.rcpts)); err != nil {
			return err
		}
	}
	return nil
}

// recipients sends the RCPTs of a group and reads the answers, with MAIL's before them and DATA's behind if those are in
// the group too.
func (t *clientTransaction) recipients(env *mail.Envelope, from, to, limit int, whole []byte, withMail, withData bool) error {
	c := t.c
	for i := from; i < to; i++ {
		if i >= limit {
			t.rcpts[i].err = &Reply{Code: 452, Enhanced: EnhancedCode{4, 5, 3}, Text: "too many recipients for one transaction with host " + c.host}
			continue
		}
		t.rcpts[i].err = t.putRcpt(env.Recipients[i].Address, &env.Recipients[i].Options)
	}
	if withData {
		c.put("DATA\r\n")
	}
	if t.whole {
		c.bdat.gather(whole)
	}
	if err := c.flush(timeout(c.opts.Timeouts.Mail, 5*time.Minute), "sending MAIL FROM"); err != nil {
		return err
	}
	return t.answers(from, to, withMail, withData)
}

// answers reads the replies of a group.
func (t *clientTransaction) answers(from, to int, withMail, withData bool) error {
	c := t.c
	var failed error
	if withMail {
		failed = c.command(timeout(c.opts.Timeouts.Mail, 5*time.Minute), "MAIL FROM", "sending MAIL FROM")
		if c.closed {
			return failed
		}
	}
	for i := from; i < to; i++ {
		if t.rcpts[i].err != nil {
			continue // never sent
		}
		t.rcpts[i].err = c.command(timeout(c.opts.Timeouts.Recipient, 5*time.Minute), "RCPT TO", "sending RCPT TO")
		if c.closed {
			return t.rcpts[i].err
		}
		if t.rcpts[i].err == nil {
			t.accepted++
		}
	}
	if withData {
		t.dataSent = true
		t.dataErr = t.readData()
		if c.closed {
			return t.dataErr
		}
		if t.dataErr == nil && (failed != nil || t.accepted == 0) {
			// It takes a message that nobody will get: an empty one ends it (RFC 2920 section 3.1).
			if err := t.empty(); err != nil {
				return err
			}
		}
	}
	if t.whole && (failed != nil || t.accepted == 0) {
		// The server has read the chunk and says that it was for nobody (RFC 3030 section 2).
		if err := c.receive(timeout(c.opts.Timeouts.DataDone, 10*time.Minute), doingBody); err != nil {
			return err
		}
	}
	return failed
}

// readData reads the answer to DATA, nil for 354.
func (t *clientTransaction) readData() error {
	c := t.c
	err := c.command(timeout(c.opts.Timeouts.DataInit, 2*time.Minute), "DATA", "sending DATA command")
	switch {
	case c.reply.code == 354:
		return nil
	case err == nil: // 2yz: whatever that is, it isn't permission to send
		return c.protocol("sending DATA command", errors.New(c.reply.make().String()))
	}
	return err
}

// empty ends DATA with no message.
func (t *clientTransaction) empty() error {
	c := t.c
	c.put(".\r\n")
	err := c.command(timeout(c.opts.Timeouts.DataDone, 10*time.Minute), "end of DATA", "sending end of data")
	if c.opts.LMTP && !c.closed {
		// One reply for each accepted recipient: there was none, and servers differ on whether they say so once.
		c.shut()
	}
	t.dataErr = errNoRecipients
	if c.closed {
		return err
	}
	return nil
}

var errNoRecipients = &Reply{Code: 554, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: no valid recipients"}

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
