package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// acl runs one of the commands of RFC 4314. read reads what stands behind the name of its response, "" for none.
func acl[T any](ctx context.Context, c *Client, name, response string, read func(d *imap.Decoder) T, write func(e *imap.Encoder)) (T, error) {
	var out T
	if !c.Has(imap.CapACL) {
		return out, c.unsupported(name, imap.CapACL)
	}
	cmd := &command{name: name, rule: rule{moves: true, class: "ACL"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if response == "" || what != response {
			return false
		}
		out = read(d)
		return true
	}
	return answer(ctx, c, cmd, &out, write)
}

// ACL returns who may do what with a mailbox (RFC 4314 section 3.3). It needs ACL, as the methods below do.
func (c *Client) ACL(ctx context.Context, mailbox string) ([]mail.ACLEntry, error) {
	read := func(d *imap.Decoder) []mail.ACLEntry {
		_, entries := d.ACL()
		return entries
	}
	return acl(ctx, c, "GETACL", "ACL", read, func(e *imap.Encoder) { e.SP().Mailbox(mailbox) })
}

// SetACL changes what an identifier may do with a mailbox (RFC 4314 section 3.1).
func (c *Client) SetACL(ctx context.Context, mailbox, identifier string, op mail.RightsOp, r mail.Rights) error {
	_, err := acl[any](ctx, c, "SETACL", "", nil, func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier).SP().RightsChange(op, r) })
	return err
}

// DeleteACL removes an identifier's entry (RFC 4314 section 3.2).
func (c *Client) DeleteACL(ctx context.Context, mailbox, identifier string) error {
	_, err := acl[any](ctx, c, "DELETEACL", "", nil, func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier) })
	return err
}

// ListRights returns which rights can be given to an identifier (RFC 4314 section 3.4).
func (c *Client) ListRights(ctx context.Context, mailbox, identifier string) (imap.ListRights, error) {
	return acl(ctx, c, "LISTRIGHTS", "LISTRIGHTS", (*imap.Decoder).ListRights,
		func(e *imap.Encoder) { e.SP().Mailbox(mailbox).SP().AString(identifier) })
}

// MyRights returns what the user may do with a mailbox (RFC 4314 section 3.5).
func (c *Client) MyRights(ctx context.Context, mailbox string) (mail.Rights, error) {
	read := func(d *imap.Decoder) mail.Rights {
		_, r := d.MyRights()
		return r
	}
	return acl(ctx, c, "MYRIGHTS", "MYRIGHTS", read, func(e *imap.Encoder) { e.SP().Mailbox(mailbox) })
}
