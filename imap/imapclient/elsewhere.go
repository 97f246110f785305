package imapclient

import (
	"context"
	"strings"
)

// What a server can't do in one command across mailboxes is done by opening them one after the other, while nobody else sends.

// turnKey is the key of a context whose owner has the turn of its Client.
type turnKey struct{}

// elsewhere calls f while nobody else can send commands; f may open other mailboxes. At the end the one that was selected is
// opened again, if another is open: as SELECT does, with what is known of it as of now.
func (c *Client) elsewhere(ctx context.Context, f func(ctx context.Context) error) error {
	if ctx.Value(turnKey{}) == c {
		return f(ctx)
	}
	c.enterWaiting()
	err := c.takeTurn(ctx)
	c.leaveWaiting()
	if err != nil {
		return &Error{Host: c.host, Err: err}
	}
	defer c.passTurn(ctx)
	ctx = context.WithValue(ctx, turnKey{}, c)
	before := c.Mailbox()
	err = f(ctx)
	if now := c.Mailbox(); before != nil && c.Err() == nil && (now == nil || now.Name != before.Name || now.ReadOnly != before.ReadOnly) {
		if _, back := c.Select(context.WithoutCancel(ctx), before.Name, &SelectOptions{ReadOnly: before.ReadOnly}); err == nil {
			err = back
		}
	}
	return err
}

func sameMailbox(a, b string) bool {
	return a == b || strings.EqualFold(a, "INBOX") && strings.EqualFold(b, "INBOX")
}

// visit opens a mailbox to look into it, unless it is the one that is open.
func (c *Client) visit(ctx context.Context, name string) error {
	if box := c.Mailbox(); box != nil && sameMailbox(box.Name, name) {
		return nil
	}
	_, err := c.Select(ctx, name, &SelectOptions{ReadOnly: true})
	return err
}
