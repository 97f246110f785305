package imapserver

import (
	"context"
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/sasl"
)

// identifier reads an ACL's identifier and prepares it (RFC 4314 section 3): "If the preparation of the identifier fails or
// results in an empty string, the server MUST refuse to perform the command with a BAD response".
func (c *Conn) identifier() string {
	s, err := sasl.Prep(c.dec.AString())
	if c.dec.Err() == nil && (err != nil || s == "") {
		c.dec.Fail(imap.Bad("Bad identifier"))
	}
	return s
}

// handleSetACL is SETACL and DELETEACL (RFC 4314 section 3.1 and 3.2).
func (c *Conn) handleSetACL(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	name := c.mailbox()
	d.SP()
	id := c.identifier()
	op, rights := mail.RightsReplace, mail.Rights(0)
	if cmd.name == "SETACL" {
		d.SP()
		op, rights = d.RightsChange()
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if _, err := c.access(ctx, name, needACL, 0); err != nil {
		return err
	}
	err := c.sharing().SetACL(ctx, name, id, op, rights)
	if errors.Is(err, mail.ErrBadName) {
		return &imap.Status{Type: imap.NO, Code: imap.CodeCannot, Text: "Identifier is not allowed.", Err: err}
	}
	return err
}

// handleGetACL is GETACL (RFC 4314 section 3.3).
func (c *Conn) handleGetACL(ctx context.Context, _ *command) error {
	c.dec.SP()
	name := c.mailbox()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if _, err := c.access(ctx, name, needACL, 0); err != nil {
		return err
	}
	entries, err := c.sharing().ACL(ctx, name)
	if err != nil {
		return err
	}
	c.enc.Raw("* ACL ").ACL(name, entries).CRLF()
	return nil
}

// handleListRights is LISTRIGHTS (RFC 4314 section 3.4). Nothing is tied: each right can be given by itself.
func (c *Conn) handleListRights(ctx context.Context, _ *command) error {
	c.dec.SP()
	l := imap.ListRights{Mailbox: c.mailbox()}
	c.dec.SP()
	l.Identifier = c.identifier()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if _, err := c.access(ctx, l.Mailbox, needACL, 0); err != nil {
		return err
	}
	always, grantable, err := c.sharing().Grantable(ctx, l.Mailbox, l.Identifier)
	if err != nil {
		return err
	}
	l.Required = always
	for r := mail.RightLookup; r <= mail.RightAdmin; r <<= 1 {
		if grantable&^always&r != 0 {
			l.Optional = append(l.Optional, r)
		}
	}
	c.enc.Raw("* LISTRIGHTS ").ListRights(l).CRLF()
	return nil
}

// handleMyRights is MYRIGHTS (RFC 4314 section 3.5).
func (c *Conn) handleMyRights(ctx context.Context, _ *command) error {
	c.dec.SP()
	name := c.mailbox()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	return c.myRights(ctx, name)
}

// myRights writes a MYRIGHTS response.
func (c *Conn) myRights(ctx context.Context, name string) error {
	r, err := c.access(ctx, name, 0, anyMyRights)
	if err == nil {
		c.enc.Raw("* MYRIGHTS ").MyRights(name, r).CRLF()
	}
	return err
}
