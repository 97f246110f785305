package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleReplace is REPLACE and UID REPLACE: APPEND, and the removal of the message that the new one takes the place of, as
// one action (RFC 8508).
func (c *Conn) handleReplace(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	set := d.SequenceSet()
	if d.Err() == nil && (set.Saved || len(set.Ranges) != 1 || set.Ranges[0].First != set.Ranges[0].Last) {
		return imap.Bad("REPLACE takes one message")
	}
	d.SP()
	a := &appending{c: c, ctx: ctx, name: c.mailbox()}
	defer a.abort()
	d.SP()
	if err := d.Err(); err != nil {
		return err
	}
	old, err := c.resolve(cmd, set)
	switch {
	case err != nil:
		return err
	case c.sel.readOnly:
		return mail.ErrReadOnly
	case !old.Empty() && !c.allThere(ctx, old):
		return mail.ErrExpunged
	case old.Empty():
		return imap.No(imap.CodeNonExistent, "No message with that UID.")
	}
	// The rights of UID STORE and UID EXPUNGE here, and of APPEND there (section 4.1).
	if err := c.accessSelected(ctx, needMove); err != nil {
		return err
	}
	if err := a.open(); err != nil {
		return err
	}
	uid := old.Ranges()[0].First
	replacer, atomic := a.tx.(mail.Replacer)
	if atomic = atomic && a.box.Info().ID == c.sel.box.Info().ID; atomic {
		if err := replacer.Replace(ctx, uid); err != nil {
			return err
		}
	}
	if err := a.message(); err != nil {
		return err
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	done, err := a.commit()
	if err != nil {
		return err
	}
	if !atomic {
		if err := a.removeOld(ctx, old, done); err != nil {
			return err
		}
	}
	c.end.Expunged++
	cmd.modSeq = c.condStore
	if !c.isDisabled(imap.CapUIDPlus) {
		// "advised to send the APPENDUID response code in an untagged OK before sending the EXPUNGE" (section 4.3).
		c.enc.Status("*", imap.Okay(imap.CodeAppendUID, appendUID(done), "Replacement message ready."))
	}
	return nil
}

// removeOld removes the message that was replaced. If that can't be, the new one goes again: "the server MUST NOT leave the
// selected mailbox in an inconsistent state" (section 3.4).
func (a *appending) removeOld(ctx context.Context, old mail.UIDSet, done mail.Appended) error {
	_, err := a.c.sel.box.Expunge(ctx, old, nil)
	if err == nil {
		return nil
	}
	var added mail.UIDSet
	for _, u := range done.UIDs {
		added.Add(u)
	}
	if _, undo := a.box.Expunge(ctx, added, nil); undo != nil {
		a.c.srv.logError(ctx, "REPLACE left both messages", undo)
	}
	return err
}
