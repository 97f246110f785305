package local

import (
	"bufio"
	"context"
	"errors"

	"github.com/buuta/mail"
)

// JunkField is the header field that makes a message junk, and says why. It counts only as the very first of a message, where
// nobody but this server can put it: what comes from outside gets Received above it.
const JunkField = "X-Junk-Reason"

func isJunk(message *bufio.Reader) bool {
	begin, _ := message.Peek(len(JunkField) + 1)
	return string(begin) == JunkField+":"
}

// junkBox opens the mailbox for junk and makes it where it is missing.
func (d *Deliverer) junkBox(ctx context.Context, acc mail.Account) (mail.Mailbox, error) {
	name := d.Junk
	if name == "" {
		name = "Junk"
	}
	box, err := acc.Open(ctx, name)
	if !errors.Is(err, mail.ErrNoMailbox) {
		return box, err
	}
	if _, err := acc.Create(ctx, name, &mail.CreateOptions{Use: []mail.SpecialUse{mail.UseJunk}}); err != nil && !errors.Is(err, mail.ErrExists) {
		return nil, err
	}
	if err := acc.Subscribe(ctx, name, true); err != nil {
		return nil, err
	}
	return acc.Open(ctx, name)
}
