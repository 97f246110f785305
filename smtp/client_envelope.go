package smtp

import (
	"errors"
	"time"

	"github.com/buuta/mail"
)

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
	doing := "sending RCPT TO"
	if withMail {
		doing = "sending MAIL FROM"
	}
	if err := c.flush(timeout(c.opts.Timeouts.Recipient, 5*time.Minute), doing); err != nil {
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
