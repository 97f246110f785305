package imapserver

import (
	"context"
	"errors"
	"os"
	"time"
)

// session serves until the session ends, or until it is to wait for long: then it goes on in a goroutine of its own. The stack of one that
// has worked has grown, and would stay with a connection that only waits. rested says that it comes from such a wait.
func (c *Conn) session(ctx context.Context, rested bool) {
	for !c.bye {
		if !rested && c.mayRest() {
			go c.rest(ctx)
			return
		}
		rested = false
		if err := c.turn(ctx); err != nil {
			c.ended(err)
			c.close()
			return
		}
	}
	_ = c.enc.Flush()
	c.close()
}

// mayRest reports whether the session is to wait for long, and arms that wait: it has no buffers, and nothing has come that
// the connection's layers hold.
func (c *Conn) mayRest() bool {
	if !c.resting && c.idle == nil || c.dec.Buffered() > 0 {
		return false
	}
	if c.stream.layered() && !c.nothingHeld() {
		return false
	}
	c.due = c.nextTurn()
	c.stream.setReadDeadline(c.due)
	return !c.srv.group.Closing()
}

// nothingHeld reports whether TLS and compression hold nothing of what the peer has sent.
func (c *Conn) nothingHeld() bool {
	err := c.waitOnce(time.Unix(1, 0))
	if errors.Is(err, errWoken) {
		c.stream.woken.Store(true) // for the wait that follows
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.release()
		return true
	}
	return false
}

// rest waits until there may be something to do, and goes on with the session. It is kept shallow, so that the smallest stack is enough.
func (c *Conn) rest(ctx context.Context) {
	c.stream.rest()
	c.session(ctx, true)
}

// turn waits for something to do and does it. An error ends the session.
func (c *Conn) turn(ctx context.Context) error {
	if c.idle != nil {
		return c.idleTurn(ctx)
	}
	ready, err := c.waitCommand()
	switch {
	case err != nil:
		return err
	case ready:
		c.setState(StateActive)
		if err = c.command(ctx); err == nil && c.idle == nil {
			c.setState(StateIdle)
		}
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case c.notify != nil:
		return c.tellNews(ctx)
	}
	return nil
}

// nextTurn is when a long wait ends though nothing has come: what it was armed with, if it was.
func (c *Conn) nextTurn() time.Time {
	switch due := c.due; {
	case !due.IsZero():
		c.due = time.Time{}
		return due
	case c.idle == nil:
		return c.nextNews(c.until)
	}
	poll := c.idle.end
	if c.sel != nil {
		if next := time.Now().Add(wait(c.srv.Timeouts.Poll, time.Minute)); next.Before(poll) {
			poll = next
		}
	}
	return c.nextLook(poll)
}

// restAfter is how long a session keeps its buffers while it waits.
const restAfter = time.Second

// waitCommand waits for the first octet of the next command, first with its buffers and then without. It is not ready when there may be
// news for a client that has asked for them by NOTIFY, and when its buffers went. A server that shuts down interrupts the wait.
func (c *Conn) waitCommand() (ready bool, err error) {
	if c.dec.Buffered() > 0 {
		return true, nil // pipelined: answers are collected
	}
	now := time.Now()
	if c.until.IsZero() {
		c.until = now.Add(wait(c.srv.Timeouts.Idle, 30*time.Minute))
		if latest := c.stream.latest; !latest.IsZero() && latest.Before(c.until) {
			c.until = latest
		}
	}
	deadline := c.until
	if rest := now.Add(restAfter); c.resting {
		err = c.waitOnce(c.nextTurn())
	} else {
		if rest.Before(deadline) {
			deadline = rest
		}
		err = c.waitOnce(c.nextNews(deadline))
	}
	switch {
	case err == nil:
		c.resting, c.until = false, time.Time{}
		return true, nil
	case errors.Is(err, errWoken):
		return false, nil
	case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(c.until):
		if !c.resting && !time.Now().Before(deadline) {
			c.release()
			c.resting = true
		}
		return false, nil
	}
	return false, err
}

// waitOnce waits for input, a hint, or the deadline.
func (c *Conn) waitOnce(deadline time.Time) error {
	c.stream.wakeable = true
	defer func() { c.stream.wakeable = false }()
	c.stream.setReadDeadline(deadline)
	if c.srv.group.Closing() {
		return errShutdown
	}
	return c.dec.Wait()
}
