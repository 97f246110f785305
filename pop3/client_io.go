package pop3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// begin prepares for a call: what is left of a message is read, and the connection heeds ctx until stop is called.
func (c *Client) begin(ctx context.Context) (stop func(), err error) {
	if c.err != nil {
		return nil, c.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.message != nil {
		c.ctx = ctx
		if err := c.message.Close(); err != nil {
			return nil, err
		}
	}
	c.ctx = ctx
	c.block = wait(c.opts.Timeouts.Command, 2*time.Minute)
	conn := c.conn
	after := context.AfterFunc(ctx, func() {
		c.canceled.Store(true)
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	return func() { after() }, nil
}

// beforeRead sends what has been gathered and sets the deadline.
func (c *Client) beforeRead() error {
	var at time.Time
	if c.block > 0 {
		at = time.Now().Add(c.block)
	}
	if d, ok := c.ctx.Deadline(); ok && (at.IsZero() || d.Before(at)) {
		at = d
	}
	if err := c.conn.SetDeadline(at); err != nil {
		return err
	}
	if c.canceled.Load() { // the deadline that it has set is overwritten
		return context.Canceled
	}
	if c.out.Len() == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out.Bytes())
	c.out.Reset()
	return err
}

// send queues a command line. shown is what Trace sees.
func (c *Client) send(line, shown string) {
	if c.opts.Trace != nil {
		c.opts.Trace(true, shown)
	}
	c.out.WriteString(line)
	c.out.WriteString("\r\n")
}

// readLine reads a line.
func (c *Client) readLine() (string, error) {
	b, err := c.r.ReadLine(maxLine)
	if err != nil {
		return "", c.fail(err)
	}
	return string(b), nil
}

// status reads a status line and returns its text.
func (c *Client) status(command string) (string, error) {
	line, err := c.readLine()
	if err != nil {
		return "", err
	}
	if c.opts.Trace != nil {
		c.opts.Trace(false, line)
	}
	ok, code, text, valid := parseStatus(line)
	switch {
	case !valid:
		return "", c.fail(fmt.Errorf("pop3: %s: server says %q", command, shorten(line)))
	case !ok:
		return "", &Error{Command: command, Code: code, Text: printable(strings.ToValidUTF8(text, "?"))}
	}
	return text, nil
}

func shorten(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}

// command sends a command and reads its status line.
func (c *Client) command(name, line string) (string, error) {
	c.send(line, line)
	return c.status(name)
}

// simple is a call with one command and a one-line answer.
func (c *Client) simple(ctx context.Context, name, line string) (string, error) {
	stop, err := c.begin(ctx)
	if err != nil {
		return "", err
	}
	defer stop()
	return c.command(name, line)
}

// fail closes the connection after an error that leaves it in doubt, and returns the error as the caller shall see it.
func (c *Client) fail(err error) error {
	if c.err != nil {
		return c.err
	}
	switch at, hasDeadline := c.ctx.Deadline(); {
	case c.ctx.Err() != nil:
		err = c.ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded) && hasDeadline && !time.Now().Before(at):
		err = context.DeadlineExceeded // the connection was told a moment before the context
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	if !strings.HasPrefix(err.Error(), "pop3: ") {
		err = fmt.Errorf("pop3: %w", err)
	}
	_ = c.conn.Close()
	c.r.Discard()
	c.err = err
	return err
}

// lines calls f with each line of a multi-line answer behind its status line, un-stuffed, until f returns false; the
// rest is read all the same.
func (c *Client) lines(f func(line string) bool) error {
	more := true
	for {
		b, err := c.r.ReadLine(maxLine)
		if errors.Is(err, wire.ErrLineTooLong) || err != nil {
			return c.fail(err)
		}
		if len(b) > 0 && b[0] == '.' {
			if len(b) == 1 {
				return nil
			}
			b = b[1:]
		}
		if more {
			more = f(string(b))
		}
	}
}

// capa asks for the capabilities. A server without CAPA has none (RFC 2449 section 5).
func (c *Client) capa() error {
	c.caps = Capabilities{}
	if _, err := c.command("CAPA", "CAPA"); err != nil {
		if _, ok := errors.AsType[*Error](err); ok {
			return nil
		}
		return err
	}
	return c.lines(func(line string) bool {
		if c.opts.Trace != nil {
			c.opts.Trace(false, line)
		}
		if f := strings.Fields(line); len(f) > 0 && len(c.caps) < maxCapabilities {
			c.caps[strings.ToUpper(f[0])] = f[1:]
		}
		return true
	})
}
