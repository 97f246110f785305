package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// past is a deadline that makes every read and write return at once.
var past = time.Unix(1, 0)

// watch makes a context's end interrupt what the client is waiting for.
type watch struct {
	ctx  context.Context
	stop func() bool
	done chan struct{} // closed when the interruption has happened
}

// arm begins a call under ctx; disarm ends it.
func (c *Client) arm(ctx context.Context) error {
	if c.closed {
		return &Reply{Code: 421, Enhanced: EnhancedCode{4, 4, 2}, Text: "connection with " + c.host + " is closed", Err: net.ErrClosed}
	}
	c.watch.ctx = ctx
	if ctx.Done() == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return &Reply{Code: 451, Enhanced: EnhancedCode{4, 3, 0}, Text: "interrupted before sending to " + c.host, Err: context.Cause(ctx)}
	}
	conn, done := c.conn, make(chan struct{})
	c.watch.done = done
	c.watch.stop = context.AfterFunc(ctx, func() {
		conn.SetDeadline(past)
		close(done)
	})
	return nil
}

// disarm waits for an interruption that is under way, so that it can't hit the next call.
func (c *Client) disarm() {
	if c.watch.stop != nil && !c.watch.stop() {
		<-c.watch.done
	}
	c.watch = watch{}
}

// deadline gives what follows d to happen; d <= 0 means no bound but the context's.
func (c *Client) deadline(d time.Duration) {
	var t time.Time
	if d > 0 {
		t = time.Now().Add(d)
	}
	c.conn.SetDeadline(t)
	if c.watch.done != nil && c.watch.ctx.Err() != nil {
		c.conn.SetDeadline(past)
	}
}

func timeout(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// put gathers a command or a part of one.
func (c *Client) put(parts ...string) {
	start := len(c.out)
	for _, p := range parts {
		c.out = append(c.out, p...)
	}
	if c.opts.Trace != nil {
		c.traceSent(string(c.out[start:]))
	}
}

// putSecret gathers a line that the trace doesn't show.
func (c *Client) putSecret(shown, line string) {
	c.out = append(c.out, line...)
	c.out = append(c.out, '\r', '\n')
	if c.opts.Trace != nil {
		c.opts.Trace(true, shown)
	}
}

func (c *Client) traceSent(s string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\r\n"), "\r\n") {
		c.opts.Trace(true, line)
	}
}

// flush sends what has been gathered.
func (c *Client) flush(d time.Duration, doing string) error {
	if len(c.out) == 0 {
		return nil
	}
	c.deadline(d)
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	if cap(c.out) > 64<<10 {
		c.out = nil
	}
	if err != nil {
		return c.broken(doing, err)
	}
	return nil
}

// command flushes and reads one reply into c.reply. A reply that says no is an error of kind *RemoteError, naming the
// command as in "MAIL FROM command".
func (c *Client) command(d time.Duration, name, doing string) error {
	if err := c.flush(d, doing); err != nil {
		return err
	}
	if err := c.receive(d, doing); err != nil {
		return err
	}
	if !c.reply.ok() {
		return c.refused(name)
	}
	return nil
}

// refused makes the error of a reply that says no. After 421 the server closes the connection (RFC 5321 section 3.8),
// and so does the client.
func (c *Client) refused(command string) error {
	e := &RemoteError{Relay: c.relay, Host: c.host, Command: command, Reply: c.reply.make()}
	if e.Reply.Code == 421 {
		c.shut()
	}
	return e
}

// shut makes the client unusable and drops the connection.
func (c *Client) shut() {
	c.closed = true
	c.conn.Close()
}

// broken makes the error of a connection that failed while the client was doing something, and shuts the client.
func (c *Client) broken(doing string, err error) error {
	c.shut()
	ctx := c.watch.ctx
	text := "lost connection with " + c.host + " while " + doing
	var ne net.Error
	switch {
	case ctx != nil && ctx.Err() != nil:
		err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		text = "conversation with " + c.host + " was interrupted while " + doing
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			text = "conversation with " + c.host + " timed out while " + doing
		}
	case errors.As(err, &ne) && ne.Timeout():
		text = "conversation with " + c.host + " timed out while " + doing
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return &Reply{Code: 421, Enhanced: EnhancedCode{4, 4, 2}, Text: text, Err: err}
}

// protocol makes the error of a server that doesn't speak the protocol, and shuts the client.
func (c *Client) protocol(doing string, err error) error {
	c.shut()
	return &Reply{Code: 451, Enhanced: EnhancedCode{4, 5, 0}, Err: err,
		Text: "Protocol error: host " + c.host + " sent a bad reply while " + doing + ": " + err.Error()}
}
