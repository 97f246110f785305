package maildir

import (
	"context"

	"github.com/buuta/mail"
)

var _ mail.URLKeyAccount = (*sharer)(nil)

// URLKey implements mail.URLKeyAccount. Keys for others' mailboxes are the user's own too: who authorizes a URL by one of them
// can be told from all others (RFC 4467 section 2.2).
func (u *sharer) URLKey(ctx context.Context, mailbox mail.MailboxID, create bool) ([]byte, error) {
	return u.own.URLKey(ctx, mailbox, create)
}

// ResetURLKey implements mail.URLKeyAccount.
func (u *sharer) ResetURLKey(ctx context.Context, mailbox mail.MailboxID) error {
	return u.own.ResetURLKey(ctx, mailbox)
}
