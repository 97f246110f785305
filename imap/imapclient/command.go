package imapclient

import (
	"context"
	"slices"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// command is one that is being sent or has been sent and not answered. Its fields belong to Client.mu once it runs, but for
// those that are set before.
type command struct {
	name string
	rule rule
	// take reads untagged data that belong to the command. It is called by the reading goroutine with what stood before the
	// data, "LIST" or "SEARCH", and says whether it has taken them. nil: there are none.
	take func(d *imap.Decoder, name string) bool
	// counters is offered STATUS responses; only says that no other command can be meant. It may be nil.
	counters func(s *imap.StatusData, only bool) bool
	// code gets the codes of untagged OKs while the command runs, and of its own end. It may be nil.
	code func(s *imap.Status)
	// then is called by the reading goroutine when the answer is OK, before anything behind it is read.
	then  func() error
	fetch *fetching // of FETCH and STORE
	quiet bool      // silence is no failure: IDLE

	left bool // whoever gave it has gone; it belongs to that goroutine

	tag    string
	status *imap.Status  // the tagged response
	bad    error         // a response that could not be read
	lowest mail.UID      // down to which MESSAGELIMIT let it come; 0: it is done
	err    error         // why there was no tagged response
	done   chan struct{} // closed when status or err is set
}

// rule says what a command may overlap with (RFC 9051 section 5.5).
type rule struct {
	alone bool   // it runs by itself: it changes what everything else means
	seq   bool   // it has sequence numbers
	moves bool   // while it runs EXPUNGE may come: all but FETCH, STORE and SEARCH without UID
	class string // commands of one class can't tell their answers apart, and wait for each other
	flags int    // 1: it changes flags, 2: it reads what flags decide; the two wait for each other
}

// admits reports whether r may be sent while other runs.
func (r rule) admits(other rule) bool {
	switch {
	case r.alone || other.alone:
		return false
	case r.seq && other.moves:
		return false
	case r.class != "" && r.class == other.class:
		return false
	case r.flags+other.flags == 3:
		return false
	}
	return true
}

// run sends a command and waits for its end. write writes what follows the tag and the name, with its space. When ctx ends
// first, a command that has been sent whole is left to end by itself, and one that has been sent in part ends the connection.
func (c *Client) run(ctx context.Context, cmd *command, write func(e *imap.Encoder)) error {
	err := c.start(ctx, cmd, write)
	if err == nil {
		err = c.wait(ctx, cmd)
	} else {
		select {
		case <-cmd.done:
		default: // the server may have got enough of it to answer, and the reading goroutine be at that
			cmd.left = true
		}
	}
	if err != nil {
		// Where the connection has ended, the reading goroutine may still be at an answer to this command.
		select {
		case <-c.over:
			c.reader.Wait()
		default:
		}
	}
	return err
}

// answer runs a command whose functions gather the answer in out. Of a command that is left to itself they may still be at it:
// out is not looked at any more then.
func answer[T any](ctx context.Context, c *Client, cmd *command, out *T, write func(e *imap.Encoder)) (T, error) {
	err := c.run(ctx, cmd, write)
	if cmd.left {
		var none T
		return none, err
	}
	return *out, err
}

// simple runs a command without arguments of its own.
func (c *Client) simple(ctx context.Context, name string) error {
	return c.run(ctx, &command{name: name, rule: rule{moves: true, class: name}}, nil)
}

// start sends a command.
func (c *Client) start(ctx context.Context, cmd *command, write func(e *imap.Encoder)) error {
	c.enterWaiting()
	defer c.leaveWaiting()
	if err := c.takeTurn(ctx); err != nil {
		return c.failed(cmd, err)
	}
	defer c.passTurn(ctx)
	if err := c.admit(ctx, cmd); err != nil {
		return c.failed(cmd, err)
	}
	return c.send(ctx, cmd, write)
}

// takeTurn waits until nobody else sends. A pause in IDLE is made for it.
func (c *Client) takeTurn(ctx context.Context) error {
	if ctx.Value(turnKey{}) == c {
		return nil // it is in a sequence of commands that has it
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	default:
	}
	c.mu.Lock()
	idle := c.idle
	c.mu.Unlock()
	if idle != nil {
		idle.giveWay()
	}
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.over:
		return c.why()
	}
}

func (c *Client) passTurn(ctx context.Context) {
	if ctx.Value(turnKey{}) != c {
		<-c.turn
	}
}

// admit waits until the commands that run allow cmd, and adds it to them.
func (c *Client) admit(ctx context.Context, cmd *command) error {
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		c.mu.Lock()
		if c.err != nil {
			c.mu.Unlock()
			return c.why()
		}
		if !slices.ContainsFunc(c.running, func(r *command) bool { return !cmd.rule.admits(r.rule) }) {
			c.serial++
			cmd.tag = "A" + strconv.Itoa(c.serial)
			cmd.done = make(chan struct{})
			c.running = append(c.running, cmd)
			c.mu.Unlock()
			c.line.expect()
			return nil
		}
		ended := c.ended
		c.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
		case <-c.over:
		}
	}
}

// wait waits for the end of a command that has been sent.
func (c *Client) wait(ctx context.Context, cmd *command) error {
	c.enterWaiting()
	defer c.leaveWaiting()
	select {
	case <-cmd.done:
	case <-ctx.Done():
		select {
		case <-cmd.done: // it ended in time
		default:
			c.abandon(cmd)
			return c.failed(cmd, context.Cause(ctx))
		}
	}
	return c.result(cmd)
}

// result returns how a command that is done ended.
func (c *Client) result(cmd *command) error {
	switch {
	case cmd.err != nil:
		return c.failed(cmd, cmd.err)
	case cmd.status.Type != imap.OK:
		return c.failed(cmd, cmd.status)
	case cmd.bad != nil:
		return c.failed(cmd, cmd.bad)
	}
	return nil
}

// failed makes a command's error.
func (c *Client) failed(cmd *command, err error) error {
	if e, ok := err.(*Error); ok && e.Command == cmd.name {
		return e
	}
	if e, ok := err.(*Error); ok && e.Command == "" {
		err = e.Err
	}
	return &Error{Command: cmd.name, Host: c.host, Err: err}
}

// abandon leaves a command to itself: nobody wants what it still brings. Its functions go on taking what belongs to it, so that
// nothing of it is told as news, but whoever gave it must not look at what they gather.
func (c *Client) abandon(cmd *command) {
	cmd.left = true
	if cmd.fetch != nil {
		cmd.fetch.leave()
	}
}

// finish ends a command. The reading goroutine calls it.
func (c *Client) finish(cmd *command, s *imap.Status, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.running, cmd)
	if i < 0 {
		return // it has ended
	}
	c.running = slices.Delete(c.running, i, i+1)
	cmd.status, cmd.err = s, err
	close(cmd.done)
	close(c.ended)
	c.ended = make(chan struct{})
}

// enterWaiting counts a call that waits for something that only reading on can bring; see fetching.
func (c *Client) enterWaiting() { c.countWaiting(1) }
func (c *Client) leaveWaiting() { c.countWaiting(-1) }

func (c *Client) countWaiting(n int) {
	c.mu.Lock()
	c.waiting += n
	c.mu.Unlock()
	if n > 0 {
		select {
		case c.hurry <- struct{}{}:
		default:
		}
	}
}
