package imapserver

import (
	"context"
	"errors"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// mailbox reads a mailbox name and brings it into the form that stores use: UTF-8 in normalisation form C.
func (c *Conn) mailbox() string { return normalName(c.dec.Mailbox()) }

func normalName(name string) string { return norm.NFC.String(name) }

// handleCreate is CREATE (RFC 9051 section 6.3.4, RFC 6154 section 3).
func (c *Conn) handleCreate(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	// A name that ends in the separator says that names below it will be made (RFC 9051 section 6.3.4).
	name := strings.TrimSuffix(c.mailbox(), "/")
	var opts mail.CreateOptions
	if d.TrySP() {
		d.List(func() {
			if d.Keyword() != "USE" {
				d.Fail(imap.Bad("Unknown CREATE parameter"))
				return
			}
			d.SP()
			d.List(func() {
				d.Special('\\')
				opts.Use = append(opts.Use, specialUse(d.Atom()))
			})
		})
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	for _, u := range opts.Use {
		if u == "" || u == mail.UseAll || u == mail.UseFlagged {
			return imap.No("USEATTR", "Special use is not supported.")
		}
	}
	if name == "INBOX" || name == "" {
		return imap.No(imap.CodeCannot, "Mailbox name is not allowed.")
	}
	if err := c.accessAbove(ctx, name); err != nil {
		return err
	}
	cmd.own = append(cmd.own, name)
	info, err := c.account.Create(ctx, name, &opts)
	if err == nil && info.ID != "" && !c.isDisabled(imap.CapObjectID) {
		cmd.done = imap.Okay(imap.CodeMailboxID, "("+string(info.ID)+")", "CREATE completed.")
	}
	return c.unseen(ctx, name, err)
}

// specialUse returns the special use with the given name, less its backslash, "" if there is none.
func specialUse(name string) mail.SpecialUse {
	for _, u := range []mail.SpecialUse{mail.UseAll, mail.UseArchive, mail.UseDrafts, mail.UseFlagged, mail.UseImportant,
		mail.UseJunk, mail.UseSent, mail.UseTrash} {
		if strings.EqualFold(name, string(u[1:])) {
			return u
		}
	}
	return ""
}

// handleDelete is DELETE (RFC 9051 section 6.3.5). Deleting the selected mailbox leaves selected state.
func (c *Conn) handleDelete(ctx context.Context, cmd *command) error {
	c.dec.SP()
	name := c.mailbox()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if name == "INBOX" {
		return imap.No(imap.CodeCannot, "INBOX can't be deleted.")
	}
	if _, err := c.access(ctx, name, needDelete, 0); err != nil {
		return err
	}
	cmd.own = append(cmd.own, name)
	if err := c.account.Delete(ctx, name); err != nil {
		return err
	}
	if c.sel != nil {
		if _, err := c.sel.box.State(ctx); errors.Is(err, mail.ErrNoMailbox) {
			c.unselect()
			c.enc.Status("*", imap.Okay(imap.CodeClosed, "", "Selected mailbox deleted."))
		}
	}
	return nil
}

// handleRename is RENAME (RFC 9051 section 6.3.6).
func (c *Conn) handleRename(ctx context.Context, cmd *command) error {
	c.dec.SP()
	from := c.mailbox()
	c.dec.SP()
	to := strings.TrimSuffix(c.mailbox(), "/")
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if to == "INBOX" {
		return imap.No(imap.CodeAlreadyExists, "INBOX exists already.")
	}
	if _, err := c.access(ctx, from, needDelete, 0); err != nil {
		return err
	}
	if err := c.accessAbove(ctx, to); err != nil {
		return err
	}
	cmd.own = append(cmd.own, from, to)
	return c.unseen(ctx, to, c.account.Rename(ctx, from, to))
}

// handleSubscribe is SUBSCRIBE and UNSUBSCRIBE (RFC 9051 section 6.3.7 and 6.3.8).
func (c *Conn) handleSubscribe(ctx context.Context, cmd *command) error {
	c.dec.SP()
	name := strings.TrimSuffix(c.mailbox(), "/")
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	cmd.own = append(cmd.own, name)
	return c.account.Subscribe(ctx, name, cmd.name == "SUBSCRIBE")
}
