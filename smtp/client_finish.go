package smtp

import (
	"errors"
	"time"

	"github.com/buuta/mail"
)

// finish sends the end of the message and appends a result for each accepted recipient.
func (t *clientTransaction) finish(results []mail.Result) ([]mail.Result, error) {
	c := t.c
	command := "end of DATA"
	switch {
	case t.whole:
		command = "BDAT"
	case c.chunks(t.transform):
		command = "BDAT"
		if err := c.bdat.end(); err != nil {
			return nil, err
		}
	default:
		if err := c.data.dot.Close(); err != nil {
			return nil, err
		}
	}
	d := timeout(c.opts.Timeouts.DataDone, 10*time.Minute)
	if err := c.flush(d, doingEnd); err != nil {
		return nil, err
	}
	if c.opts.LMTP {
		return t.finishLMTP(results, d, command), nil
	}
	err := c.command(d, command, doingEnd)
	if err != nil && !isRemote(err) {
		return nil, err
	}
	if err == nil {
		c.dirty = false
	}
	r := t.outcome(err)
	for i := range t.rcpts {
		if t.rcpts[i].err == nil {
			r.Recipient = t.rcpts[i].address
			results = append(results, r)
		}
	}
	return results, nil
}

func isRemote(err error) bool {
	var remote *RemoteError
	return errors.As(err, &remote)
}

// finishLMTP reads a reply for each accepted recipient (RFC 2033 section 4.2). When the connection breaks among them,
// those that haven't been answered have failed temporarily.
func (t *clientTransaction) finishLMTP(results []mail.Result, d time.Duration, command string) []mail.Result {
	c := t.c
	var lost error
	c.dirty = false
	for i := range t.rcpts {
		if t.rcpts[i].err != nil {
			continue
		}
		err := lost
		if err == nil {
			if err = c.command(d, command, doingEnd); c.closed {
				lost = err
			}
		}
		r := t.outcome(err)
		r.Recipient = t.rcpts[i].address
		results = append(results, r)
	}
	return results
}

// outcome is the result that the last reply, or the error in its place, makes.
func (t *clientTransaction) outcome(err error) mail.Result {
	r := t.c.resultOf(err)
	if err == nil {
		r.Reply = t.c.reply.make()
		r.Notifies = t.c.caps.Has(DSN)
	}
	r.Transmit = time.Since(t.start)
	return r
}

// resultOf makes the result of an error.
func (c *Client) resultOf(err error) mail.Result {
	r := mail.Result{Relay: c.relay, Connect: c.connect}
	if err != nil {
		r.Reply = mail.ReplyOf(err)
		r.Detail = detail(err)
	}
	return r
}
