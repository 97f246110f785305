package maildir

import (
	"context"

	"github.com/buuta/mail"
)

// QuotaRoots implements mail.QuotaAccount. What others' mailboxes count against, which is their owners' quota, is not told.
func (u *sharer) QuotaRoots(ctx context.Context, mailbox string) ([]string, error) {
	p, err := u.place(mailbox)
	if err != nil {
		return nil, ctx.Err()
	}
	defer p.a.end()
	if !p.owner {
		return nil, ctx.Err()
	}
	return u.own.QuotaRoots(ctx, mailbox)
}

// Quota implements mail.QuotaAccount.
func (u *sharer) Quota(ctx context.Context, root string) ([]mail.QuotaResource, error) {
	return u.own.Quota(ctx, root)
}

// SetQuota implements mail.QuotaSetter.
func (u *sharer) SetQuota(ctx context.Context, root string, limits []mail.QuotaResource) error {
	return u.own.SetQuota(ctx, root, limits)
}
