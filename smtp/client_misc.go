package smtp

import (
	"context"
	"time"
)

// Reset ends an open transaction by RSET (RFC 5321 section 4.1.1.5). Begin and Send do so by themselves where it is needed.
func (c *Client) Reset(ctx context.Context) error {
	if err := c.arm(ctx); err != nil {
		return err
	}
	defer c.disarm()
	c.dirty = true
	return c.reset()
}

// Noop asks the server for a sign of life (RFC 5321 section 4.1.1.9).
func (c *Client) Noop(ctx context.Context) error {
	_, err := c.ask(ctx, "NOOP", "")
	return err
}

// Verify asks whether a user or mailbox exists (RFC 5321 section 4.1.1.6). 252 means that the server would rather not say.
func (c *Client) Verify(ctx context.Context, address string) (*Reply, error) {
	return c.ask(ctx, "VRFY", address)
}

// Expand asks for the members of a mailing list (RFC 5321 section 4.1.1.7), a line each.
func (c *Client) Expand(ctx context.Context, list string) (*Reply, error) {
	return c.ask(ctx, "EXPN", list)
}

// ask sends a command that has no part in a transaction and returns the reply.
func (c *Client) ask(ctx context.Context, verb, argument string) (*Reply, error) {
	if len(argument) > maxAddress || hasControl(argument) {
		return nil, &Reply{Code: 501, Enhanced: EnhancedCode{5, 5, 4}, Text: "bad argument of " + verb, Err: errAddress}
	}
	if t := c.current; t != nil && (t.body || t.dataSent) {
		return nil, &Reply{Code: 503, Enhanced: EnhancedCode{5, 5, 1}, Text: "Error: a message is being sent"}
	}
	if err := c.arm(ctx); err != nil {
		return nil, err
	}
	defer c.disarm()
	line := verb
	if argument != "" {
		line += " " + argument
	}
	c.put(line, "\r\n")
	if err := c.command(timeout(c.opts.Timeouts.Reset, 20*time.Second), verb, "sending "+verb); err != nil {
		return nil, err
	}
	return c.reply.make(), nil
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}
