package imapserver

import (
	"context"
	"errors"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleGetQuota is GETQUOTA (RFC 9208 section 4.1.1).
func (c *Conn) handleGetQuota(ctx context.Context, _ *command) error {
	c.dec.SP()
	root := c.dec.AString()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	return c.tellQuota(ctx, root)
}

// handleGetQuotaRoot is GETQUOTAROOT (RFC 9208 section 4.1.2): "the mailbox name parameter doesn't have to reference an existing
// mailbox".
func (c *Conn) handleGetQuotaRoot(ctx context.Context, _ *command) error {
	c.dec.SP()
	name := c.mailbox()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	// A mailbox that may not be seen has the roots of one that isn't there.
	if _, err := c.access(ctx, name, needSelect, 0); err != nil && !errors.Is(err, mail.ErrNoMailbox) {
		return err
	}
	roots, err := c.account.(mail.QuotaAccount).QuotaRoots(ctx, name)
	if err != nil {
		return err
	}
	c.enc.Raw("* QUOTAROOT ").QuotaRoots(name, roots).CRLF()
	for _, root := range roots {
		if err := c.tellQuota(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

// handleSetQuota is SETQUOTA (RFC 9208 section 4.1.3).
func (c *Conn) handleSetQuota(ctx context.Context, _ *command) error {
	d := c.dec
	d.SP()
	root := d.AString()
	d.SP()
	limits := d.QuotaLimits()
	if err := d.CRLF(); err != nil {
		return err
	}
	for i, l := range limits {
		if !c.offers(imap.CapQuotaRes + imap.Capability(l.Kind)) {
			return mail.ErrQuotaKind
		}
		if slices.ContainsFunc(limits[:i], func(o mail.QuotaResource) bool { return o.Kind == l.Kind }) {
			return imap.Bad("Resource is named twice")
		}
	}
	if err := c.account.(mail.QuotaSetter).SetQuota(ctx, root, limits); err != nil {
		return err
	}
	return c.tellQuota(ctx, root)
}

// tellQuota writes a QUOTA response with the resources that are announced: "A server … MUST advertise all resource types it
// supports" (RFC 9208 section 5).
func (c *Conn) tellQuota(ctx context.Context, root string) error {
	all, err := c.account.(mail.QuotaAccount).Quota(ctx, root)
	if err != nil {
		return err
	}
	known := make([]mail.QuotaResource, 0, len(all))
	for _, r := range all {
		if c.offers(imap.CapQuotaRes + imap.Capability(r.Kind)) {
			known = append(known, r)
		}
	}
	c.enc.Raw("* QUOTA ").Quota(root, known).CRLF()
	return nil
}

// deletedStorage returns how many octets an EXPUNGE would free (RFC 9208 section 4.1.4).
func (c *Conn) deletedStorage(ctx context.Context, name string, state mail.State) (size int64, err error) {
	if state.Deleted == 0 {
		return 0, nil
	}
	box, err := c.account.Open(ctx, name)
	if err != nil {
		return 0, err
	}
	defer box.Close()
	for m, err := range box.Messages(ctx, mail.AllUIDs(), mail.FieldFlags|mail.FieldSize) {
		if err != nil {
			return 0, err
		}
		if m.Flags.System&mail.Deleted != 0 {
			size += m.Size
		}
	}
	return size, nil
}
