package imapserver

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/buuta/mail/imap"
)

// handleIdle is IDLE (RFC 9051 section 6.3.13). The session waits for DONE with hardly any memory; the mailbox's hint
// interrupts the wait, and so does, now and then, the poll that makes up for hints that were lost.
func (c *Conn) handleIdle(ctx context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if c.sel != nil {
		cancel := c.sel.box.Watch(c.stream.wake)
		defer cancel()
	}
	// "while processing any IDLE command, the server MUST send exactly the same events as instructed by the client using the
	// NOTIFY command" (RFC 5465 section 4).
	selected := c.sel != nil && c.selectedEvents() != 0
	c.enc.Raw("+ idling").CRLF()
	end := time.Now().Add(wait(c.srv.Timeouts.Idle, 30*time.Minute))
	for {
		if selected {
			if err := c.sync(ctx, true); err != nil {
				return err
			}
			if c.bye {
				return imap.Bad("Mailbox is gone.")
			}
		}
		c.look(ctx)
		if err := c.enc.Flush(); err != nil {
			return err
		}
		c.release()
		done, err := c.idleWait(ctx, end)
		if err != nil {
			return &sessionOver{err}
		}
		if done {
			break
		}
	}
	if c.dec.Keyword() != "DONE" {
		c.dec.Fail(imap.Bad("DONE expected"))
	}
	return c.dec.CRLF()
}

// idleWait waits for input, a hint, or the next poll; done reports input.
func (c *Conn) idleWait(ctx context.Context, end time.Time) (done bool, err error) {
	poll := end
	if c.sel != nil {
		poll = time.Now().Add(wait(c.srv.Timeouts.Poll, time.Minute))
	}
	if end.Before(poll) {
		poll = end
	}
	switch err := c.waitOnce(c.nextLook(poll)); {
	case err == nil:
		return true, nil
	case errors.Is(err, errWoken):
		return false, ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(end):
		return false, nil
	default:
		return false, err
	}
}
