package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleExpunge is EXPUNGE and UID EXPUNGE (RFC 9051 section 6.4.3 and 6.4.9, RFC 7162 section 3.2.7). Only messages that the
// client knows of are removed, so that nobody loses what they have not seen.
func (c *Conn) handleExpunge(ctx context.Context, cmd *command) error {
	d := c.dec
	uids := c.sel.view.all()
	var set imap.NumSet
	if cmd.uid {
		if c.isDisabled(imap.CapUIDPlus) {
			return imap.Bad("Unknown command")
		}
		d.SP()
		set = d.SequenceSet()
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if cmd.uid {
		var err error
		if uids, err = c.resolve(cmd, set); err != nil {
			return err
		}
	}
	if c.sel.readOnly {
		return mail.ErrReadOnly
	}
	if err := c.accessSelected(ctx, needExpunge); err != nil {
		return err
	}
	if cmd.uid {
		// "the server MUST NOT impose any message limit when processing EXPUNGE" (RFC 9738 section 3.1)
		var err error
		if uids, cmd.limited, err = c.limitDeleted(ctx, uids); err != nil {
			return err
		}
	}
	res, err := c.sel.box.Expunge(ctx, uids, &mail.ExpungeOptions{OnlyDeleted: true})
	if err != nil {
		return err
	}
	c.end.Expunged += int64(res.Removed.Count())
	cmd.modSeq = c.condStore && !res.Removed.Empty()
	return nil
}
