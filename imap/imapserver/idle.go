package imapserver

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/buuta/mail/imap"
)

// idling is an IDLE that has not ended.
type idling struct {
	cmd      *command
	end      time.Time
	selected bool   // the client is to hear of its mailbox
	unwatch  func() // nil where there is none
}

// handleIdle is IDLE (RFC 9051 section 6.3.13). The session waits for DONE with hardly any memory; the mailbox's hint
// interrupts the wait, and so does, now and then, the poll that makes up for hints that were lost.
func (c *Conn) handleIdle(ctx context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	// "while processing any IDLE command, the server MUST send exactly the same events as instructed by the client using the
	// NOTIFY command" (RFC 5465 section 4).
	c.idle = &idling{cmd: cmd, selected: c.sel != nil && c.selectedEvents() != 0}
	if c.sel != nil {
		c.idle.unwatch = c.sel.box.Watch(c.stream.wake)
	}
	c.enc.Raw("+ idling").CRLF()
	c.idle.end = time.Now().Add(wait(c.srv.Timeouts.Idle, 30*time.Minute))
	err := c.tellIdle(ctx)
	if err != nil {
		c.endIdle()
	}
	return err
}

// idleTurn waits in IDLE, and then tells what has happened or ends it.
func (c *Conn) idleTurn(ctx context.Context) error {
	cmd := c.idle.cmd
	done, err := c.idleWait(ctx, c.idle.end)
	switch {
	case err != nil:
		err = &sessionOver{err}
	case !done:
		if err = c.tellIdle(ctx); err == nil {
			return nil
		}
	default:
		if c.dec.Keyword() != "DONE" {
			c.dec.Fail(imap.Bad("DONE expected"))
		}
		err = c.dec.CRLF()
	}
	c.endIdle()
	if err = c.answer(ctx, cmd, err); err == nil {
		c.setState(StateIdle)
	}
	return err
}

// tellIdle tells a client in IDLE what has happened.
func (c *Conn) tellIdle(ctx context.Context) error {
	if c.idle.selected {
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
	return nil
}

// endIdle leaves IDLE.
func (c *Conn) endIdle() {
	if c.idle != nil && c.idle.unwatch != nil {
		c.idle.unwatch()
	}
	c.idle = nil
}

// idleWait waits for input, a hint, or the next poll; done reports input.
func (c *Conn) idleWait(ctx context.Context, end time.Time) (done bool, err error) {
	switch err := c.waitOnce(c.nextTurn()); {
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
