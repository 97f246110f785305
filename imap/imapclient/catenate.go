package imapclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// catenate puts drafts together here: what URLs name is fetched into memory, as a server with CATENATE would read it.
func (c *Client) catenate(ctx context.Context, drafts []Draft) ([]Draft, error) {
	if !slices.ContainsFunc(drafts, func(d Draft) bool { return len(d.Parts) > 0 }) {
		return drafts, nil
	}
	drafts = slices.Clone(drafts)
	held := int64(0)
	err := c.elsewhere(ctx, func(ctx context.Context) error {
		for i := range drafts {
			d := &drafts[i]
			var readers []io.Reader
			for _, p := range d.Parts {
				if p.URL != "" {
					data, err := c.fetchURL(ctx, p.URL)
					if err != nil {
						return err
					}
					if held += int64(len(data)); held > c.lim.Response {
						return &Error{Command: "APPEND", Host: c.host, Err: fmt.Errorf("%w: the parts", ErrTooLarge)}
					}
					p.Content, p.Size = bytes.NewReader(data), int64(len(data))
				}
				readers = append(readers, io.LimitReader(p.Content, p.Size))
				d.Size += p.Size
			}
			if len(readers) > 0 {
				d.Content, d.Parts = io.MultiReader(readers...), nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	max := c.Capabilities().AppendLimit()
	if max > 0 && slices.ContainsFunc(drafts, func(d Draft) bool { return d.Size > max }) {
		return nil, &Error{Command: "APPEND", Host: c.host, Err: mail.ErrTooLarge}
	}
	return drafts, nil
}

// fetchURL reads what a URL relative to this server names: a message or a piece of one. Its mailbox is open afterwards.
func (c *Client) fetchURL(ctx context.Context, text string) ([]byte, error) {
	bad := &Error{Command: "APPEND", Host: c.host, Err: &imap.Status{Type: imap.NO, Code: imap.CodeBadURL, Arg: imap.AString(text), Text: "There is no such thing"}}
	u, err := imap.ParseURL(text)
	if err != nil || u.Host != "" || u.UID == 0 {
		return nil, bad
	}
	if u.Mailbox != "" {
		if err := c.visit(ctx, u.Mailbox); Refused(err) {
			return nil, bad
		} else if err != nil {
			return nil, err
		}
	}
	if box := c.Mailbox(); box == nil || u.UIDValidity != 0 && box.UIDValidity != u.UIDValidity {
		return nil, bad
	}
	item := Peek(u.Section)
	if p := u.Partial; p != nil {
		item.Partial = &imap.Partial{Offset: p.Offset, Size: p.Size}
		if p.Size == 0 {
			item.Partial.Size = 1<<32 - 1
		}
	}
	for m, err := range c.Fetch(ctx, UID(u.UID), &FetchOptions{Items: []imap.FetchItem{item}}) {
		if err != nil {
			return nil, err
		}
		if data, ok := m.Section(u.Section); ok && m.UID == u.UID {
			return data, nil
		}
	}
	return nil, bad
}
