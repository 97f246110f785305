package imapclient

import (
	"context"
	"errors"

	"github.com/buuta/mail/imap"
)

// errRefused ends the writing of a command whose literal the server doesn't want; its status says why.
var errRefused = errors.New("literal refused")

// send writes a command that is admitted. The caller has the turn.
func (c *Client) send(ctx context.Context, cmd *command, write func(e *imap.Encoder)) error {
	e := c.enc
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.line.interrupt()
		close(interrupted)
	})
	defer func() {
		if !stop() && ctx.Err() != nil {
			<-interrupted // so that it can't hit the next command
		}
	}()
	c.writing, c.writingCtx = cmd, ctx
	before := c.line.sent
	select {
	case <-c.plus: // nobody has asked for it
	default:
	}
	e.Raw(cmd.tag).SP().Raw(cmd.name)
	if write != nil {
		write(e)
	}
	e.CRLF()
	err := e.Flush()
	c.writing, c.writingCtx = nil, nil
	if err == nil {
		return nil
	}
	e.Reset(&c.line)
	if errors.Is(err, errRefused) {
		return c.result(cmd)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
		if c.line.sent == before && !c.line.compressed() { // not a single octet: the server knows nothing of it
			c.finish(cmd, nil, err)
			return c.failed(cmd, err)
		}
	}
	c.fail(err) // part of a command has been sent
	return c.failed(cmd, err)
}

// nonSync says which literals needn't wait for the server (RFC 7888 section 4 and 5).
func (c *Client) nonSync(l imap.Literal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.has(imap.CapLiteralPlus) || l.Size <= 4096 && c.has(imap.CapLiteralMinus)
}

// ask waits for the server's "+" in the middle of a command.
func (c *Client) ask() error {
	_, err := c.awaitContinuation(c.writingCtx, c.writing)
	return err
}

// awaitContinuation returns the text behind the server's next "+". What must come before has been flushed.
func (c *Client) awaitContinuation(ctx context.Context, cmd *command) (string, error) {
	select {
	case text := <-c.plus:
		return text, nil
	case <-cmd.done:
		if cmd.err != nil {
			return "", cmd.err
		}
		return "", errRefused
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
