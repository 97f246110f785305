package pop3

import (
	"context"
	"fmt"
	"io"

	"github.com/buuta/mail"
)

// file puts one message into the mailbox.
func (f *Collector) file(ctx context.Context, m *Message, uidl string) (mail.Appended, error) {
	a, err := f.Mailbox.Append(ctx)
	if err != nil {
		return mail.Appended{}, err
	}
	defer a.Abort()
	var message io.Reader = m
	if f.MaxSize > 0 {
		message = &bounded{m, f.MaxSize}
	}
	if f.Change != nil {
		if message, err = f.Change(uidl, message); err != nil {
			return mail.Appended{}, err
		}
	}
	if err := a.Add(ctx, message, &mail.AppendOptions{Token: "pop3/" + f.Source + "/" + uidl}); err != nil {
		return mail.Appended{}, err
	}
	done, err := a.Commit(ctx)
	if err != nil {
		return mail.Appended{}, err
	}
	if f.State != nil {
		if err := f.State.Add(ctx, uidl); err != nil {
			return done, fmt.Errorf("%w: %w", errState, err)
		}
	}
	return done, nil
}

// bounded ends with [mail.ErrTooLarge] behind so many octets.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, mail.ErrTooLarge
	}
	return n, err
}

// drop reads what is left of a message that is too large, unless that is very much: then the session ends.
func (f *Collector) drop(c *Client, m *Message) {
	if f.MaxSize > 0 {
		if n, err := io.CopyN(io.Discard, m, f.MaxSize); err == nil && n == f.MaxSize {
			_ = c.Close()
		}
	}
}
