package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// acl runs one of the commands of RFC 4314. read reads what stands behind the name of its response, "" for none.
func (c *Client) acl(ctx context.Context, name, response string, read func(d *imap.Decoder), write func(e *imap.Encoder)) error {
	if !c.Has(imap.CapACL) {
		return c.unsupported(name, imap.CapACL)
	}
	cmd := &command{name: name, rule: rule{moves: true, class: "ACL"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if response == "" || what != response {
			return false
		}
		read(d)
		return true
	}
	return c.run(ctx, cmd, write)
}

// ACL returns who may do what with a mailbox (RFC 4314 section 3.3). It needs ACL, as the methods below do.
func (c *Client) ACL(ctx context.Context, mailbox string) (entries []mail.ACLEntry, err error) {
	err = c.acl(ctx, "GETACL", "ACL", func(d *imap.Decoder) { _, entries = d.ACL() }, func(e *imap.Encoder) { e.SP().Mailbox(mailbox) })
	return entries, err
}

// SetACL changes what an identifier may do with a mailbox (RFC 4314 section 3.1).
func (c *Client) SetACL(ctx context.Context, mailbox, identifier string, op mail.RightsOp, r mail.Rights) error {
	return c.acl(ctx, "SETACL", "", nil, func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier).SP().RightsChange(op, r) })
}

// DeleteACL removes an identifier's entry (RFC 4314 section 3.2).
func (c *Client) DeleteACL(ctx context.Context, mailbox, identifier string) error {
	return c.acl(ctx, "DELETEACL", "", nil, func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier) })
}

// ListRights returns which rights can be given to an identifier (RFC 4314 section 3.4).
func (c *Client) ListRights(ctx context.Context, mailbox, identifier string) (l imap.ListRights, err error) {
	err = c.acl(ctx, "LISTRIGHTS", "LISTRIGHTS", func(d *imap.Decoder) { l = d.ListRights() },
		func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier) })
	return l, err
}

// MyRights returns what the user may do with a mailbox (RFC 4314 section 3.5).
func (c *Client) MyRights(ctx context.Context, mailbox string) (r mail.Rights, err error) {
	err = c.acl(ctx, "MYRIGHTS", "MYRIGHTS", func(d *imap.Decoder) { _, r = d.MyRights() }, func(e *imap.Encoder) { e.SP().Mailbox(mailbox) })
	return r, err
}
