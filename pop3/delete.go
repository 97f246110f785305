package pop3

import (
	"context"
	"errors"

	"github.com/buuta/mail"
)

// Keep is a [Server].Delete that removes nothing: what a client deletes it sees no more in that session, and again in the next.
// RFC 1939 section 8 leaves it to the site how long messages are kept.
func Keep(context.Context, mail.Account, mail.Mailbox, mail.UIDSet) error { return nil }

// MoveTo returns a [Server].Delete that moves messages to the account's mailbox of that name, which is made when it is not there,
// as a Trash if it is called so.
func MoveTo(name string) func(context.Context, mail.Account, mail.Mailbox, mail.UIDSet) error {
	return func(ctx context.Context, account mail.Account, inbox mail.Mailbox, set mail.UIDSet) error {
		var opts *mail.CreateOptions
		if name == "Trash" {
			opts = &mail.CreateOptions{Use: []mail.SpecialUse{mail.UseTrash}}
		}
		if _, err := account.Create(ctx, name, opts); err != nil && !errors.Is(err, mail.ErrExists) {
			return err
		}
		to, err := account.Open(ctx, name)
		if err != nil {
			return err
		}
		defer to.Close()
		_, err = inbox.Copy(ctx, set, to.Info().ID, &mail.CopyOptions{Move: true})
		return err
	}
}
