package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// resolve turns a set as the client wrote it into UIDs that the client knows (RFC 9051 section 9, seq-number).
func (c *Conn) resolve(cmd *command, set imap.NumSet) (mail.UIDSet, error) {
	v := &c.sel.view
	if set.Saved {
		return c.sel.saved, nil
	}
	if cmd.uid {
		return v.intersect(set.UIDs(max(v.last(), 1))), nil
	}
	seqs, ok := set.Seqs(v.count())
	if !ok {
		return mail.UIDSet{}, imap.Bad("No message with that number")
	}
	return v.uids(seqs), nil
}

// handleCopy is COPY (RFC 9051 section 6.4.7).
func (c *Conn) handleCopy(ctx context.Context, cmd *command) error { return c.copyTo(ctx, cmd, false) }

// handleMove is MOVE (RFC 9051 section 6.4.8).
func (c *Conn) handleMove(ctx context.Context, cmd *command) error { return c.copyTo(ctx, cmd, true) }

func (c *Conn) copyTo(ctx context.Context, cmd *command, move bool) error {
	d := c.dec
	d.SP()
	set := d.SequenceSet()
	d.SP()
	name := c.mailbox()
	if err := d.CRLF(); err != nil {
		return err
	}
	uids, err := c.resolve(cmd, set)
	if err != nil {
		return err
	}
	if move && c.sel.readOnly {
		return mail.ErrReadOnly
	}
	if move {
		if err := c.accessSelected(ctx, needMove); err != nil {
			return err
		}
	}
	if _, err := c.access(ctx, name, needAppend, 0); err != nil {
		return tryCreate(err)
	}
	target, err := c.account.Open(ctx, name)
	if err != nil {
		return tryCreate(err)
	}
	info := target.Info()
	_ = target.Close()
	if info.NoSelect {
		return imap.No(imap.CodeCannot, "Mailbox can't hold messages.")
	}
	if uids.Empty() {
		return nil // UIDs that no message has: OK, without COPYUID
	}
	if move {
		uids, cmd.limited = c.limitMessages(uids)
	} else if err := c.refuseMany(uids.Count(), true); err != nil {
		return err
	}
	if !cmd.uid && !c.allThere(ctx, uids) {
		return mail.ErrExpunged
	}
	var m mail.UIDMap
	err = c.while(ctx, cmd, func(ctx context.Context) (err error) {
		m, err = c.sel.box.Copy(ctx, uids, info.ID, &mail.CopyOptions{Move: move})
		return err
	})
	if err != nil {
		return tryCreate(err)
	}
	c.madeMessages(name, m.UIDValidity, m.To)
	if len(m.From) == 0 || c.isDisabled(imap.CapUIDPlus) {
		return nil
	}
	if move {
		c.end.Expunged += int64(len(m.From))
		cmd.modSeq = c.condStore && len(m.From) > 0
	}
	arg := num(m.UIDValidity) + " " + uidList(m.From) + " " + uidList(m.To)
	if move {
		// Before the EXPUNGE responses that the end of the command sends (RFC 6851 section 4.3).
		c.enc.Status("*", imap.Okay(imap.CodeCopyUID, arg, "Moved."))
		return nil
	}
	cmd.done = imap.Okay(imap.CodeCopyUID, arg, "COPY completed.")
	return nil
}

// allThere reports whether every message of set still exists: COPY is all or nothing (RFC 9051 section 6.4.7).
func (c *Conn) allThere(ctx context.Context, set mail.UIDSet) bool {
	n := 0
	for _, err := range c.sel.box.Messages(ctx, set, 0) {
		if err != nil {
			return true // let Copy itself meet it
		}
		n++
	}
	return n == set.Count()
}

// uidList writes UIDs in the order given, runs of them as ranges: pairs in COPYUID go by position (RFC 4315 section 3).
func uidList(uids []mail.UID) string {
	var b []byte
	for i := 0; i < len(uids); {
		j := i
		for j+1 < len(uids) && uids[j+1] == uids[j]+1 {
			j++
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, num(uint32(uids[i]))...)
		if j > i {
			b = append(append(b, ':'), num(uint32(uids[j]))...)
		}
		i = j + 1
	}
	return string(b)
}
