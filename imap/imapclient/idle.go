package imapclient

import (
	"context"
	"iter"
	"time"

	"github.com/buuta/mail/imap"
)

// idling is a loop over Idle.
type idling struct {
	c    *Client
	news chan struct{} // has an element when events or break are news

	// Below Client.mu.
	events []Event
	yield  bool // somebody else wants to send
}

// maxEvents bounds what is kept for a loop that is slow: beyond it the events are dropped and one UnknownEvent tells so.
const maxEvents = 10_000

// Idle yields what the server tells about the selected mailbox, as it happens (RFC 9051 section 6.3.13), until ctx ends, which is
// an error, or the loop is left. IDLE is renewed before the server, or a router on the way, forgets it, and after other
// commands: these make a pause in it by themselves, also within the loop. Without IDLE, NOOP asks now and then.
//
// There can be one such loop at a time.
func (c *Client) Idle(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := &idling{c: c, news: make(chan struct{}, 1)}
		c.mu.Lock()
		if c.idle != nil {
			c.mu.Unlock()
			yield(nil, &Error{Command: "IDLE", Host: c.host, Err: badArgument("somebody idles already")})
			return
		}
		c.idle = w
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.idle = nil
			c.mu.Unlock()
		}()
		for {
			err := w.round(ctx)
			for _, e := range w.take() {
				if !yield(e, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

func (w *idling) add(e Event) {
	w.c.mu.Lock()
	if len(w.events) == maxEvents {
		e = UnknownEvent{"* events lost: the loop over Idle is too slow"}
	}
	if len(w.events) <= maxEvents {
		w.events = append(w.events, e)
	}
	w.c.mu.Unlock()
	signal(w.news)
}

func (w *idling) take() []Event {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	out := w.events
	w.events = nil
	return out
}

// giveWay asks for a pause.
func (w *idling) giveWay() {
	w.c.mu.Lock()
	w.yield = true
	w.c.mu.Unlock()
	signal(w.news)
}

// pause returns whether there is a reason to end the command: events, or somebody who wants to send.
func (w *idling) pause() bool {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	return len(w.events) > 0 || w.yield
}

// round idles until there are events or somebody wants to send.
func (w *idling) round(ctx context.Context) error {
	c := w.c
	if !c.Has(imap.CapIdle) {
		return w.poll(ctx)
	}
	cmd := &command{name: "IDLE", rule: rule{alone: true}}
	c.mu.Lock()
	w.yield = false // before the turn is taken: who finds it taken asks anew
	c.mu.Unlock()
	if err := c.takeTurn(ctx); err != nil {
		return c.failed(cmd, err)
	}
	defer c.passTurn(ctx)
	if err := c.admit(ctx, cmd); err != nil {
		return c.failed(cmd, err)
	}
	// Not ctx: when that ends now the session shall go on, which it can't in the middle of this.
	whole := context.WithoutCancel(ctx)
	if err := c.send(whole, cmd, nil); err != nil {
		return err
	}
	if _, err := c.awaitContinuation(whole, cmd); err != nil {
		if err == errRefused {
			return c.result(cmd)
		}
		c.fail(err)
		return c.failed(cmd, err)
	}
	c.setQuiet(cmd, true)
	ended := w.rest(ctx, cmd, orDefault(c.opts.Timeouts.Idle, 9*time.Minute))
	if ended {
		return c.result(cmd)
	}
	c.setQuiet(cmd, false) // from here on the server owes an answer
	if err := c.enc.Raw("DONE").CRLF().Flush(); err != nil {
		c.fail(err)
		return c.failed(cmd, err)
	}
	c.line.expect()
	if err := c.wait(whole, cmd); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return c.failed(cmd, context.Cause(ctx))
	}
	return nil
}

// setQuiet says whether silence is no failure while a command runs.
func (c *Client) setQuiet(cmd *command, yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd.quiet = yes
}

// rest waits until something happens, looking at the clocks now and then. It reports whether the command has ended.
func (w *idling) rest(ctx context.Context, cmd *command, d time.Duration) (ended bool) {
	c := w.c
	since := c.now()
	tick := time.NewTicker(max(min(d/4, 15*time.Second), time.Millisecond))
	defer tick.Stop()
	for !w.pause() && c.now().since(since) < d {
		select {
		case <-w.news:
		case <-tick.C:
		case <-cmd.done:
			return true
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// poll does without IDLE.
func (w *idling) poll(ctx context.Context) error {
	if err := w.c.Noop(ctx); err != nil || w.pause() {
		return err
	}
	never := &command{done: make(chan struct{})}
	w.rest(ctx, never, orDefault(w.c.opts.Timeouts.Poll, time.Minute))
	if ctx.Err() != nil {
		return w.c.failed(&command{name: "NOOP"}, context.Cause(ctx))
	}
	return nil
}
