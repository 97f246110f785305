package imapserver

import (
	"context"
	"errors"
	"os"
	"time"
)

// session serves until the session ends, or until it is to wait for long: then it goes on in a goroutine of its own. The stack of one that
// has worked has grown, and would stay with a connection that only waits. fresh says that this is such a goroutine.
func (c *Conn) session(ctx context.Context, fresh bool) {
	for !c.bye {
		if !fresh && (c.resting || c.idle != nil) && c.dec.Buffered() == 0 {
			go c.session(ctx, true)
			return
		}
		worked, err := c.turn(ctx)
		if err != nil {
			c.ended(err)
			c.close()
			return
		}
		fresh = fresh && !worked
	}
	_ = c.enc.Flush()
	c.close()
}

// turn waits for something to do and does it; worked is false when there was nothing. An error ends the session.
func (c *Conn) turn(ctx context.Context) (worked bool, err error) {
	if c.idle != nil {
		return c.idleTurn(ctx)
	}
	ready, err := c.waitCommand()
	switch {
	case err != nil:
		return false, err
	case ready:
		c.setState(StateActive)
		if err = c.command(ctx); err == nil && c.idle == nil {
			c.setState(StateIdle)
		}
		return true, err
	case ctx.Err() != nil:
		return false, ctx.Err()
	case c.notify != nil:
		return true, c.tellNews(ctx)
	}
	return false, nil
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
	if rest := now.Add(restAfter); !c.resting && rest.Before(deadline) {
		deadline = rest
	}
	err = c.waitOnce(c.nextNews(deadline))
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
