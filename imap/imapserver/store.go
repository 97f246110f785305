package imapserver

import (
	"context"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleStore is STORE (RFC 9051 section 6.4.6, RFC 7162 section 3.1.3).
func (c *Conn) handleStore(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	d := c.dec
	d.SP()
	set := d.SequenceSet()
	d.SP()
	var change mail.FlagChange
	conditional := false
	if d.Peek('(') {
		conditional = c.storeModifiers(&change)
		d.SP()
	}
	silent := false
	change.Op, silent = storeItem(d.Keyword(), d)
	d.SP()
	change.Flags = d.Flags()
	if err := d.CRLF(); err != nil {
		return err
	}
	uids, err := c.resolve(cmd, set)
	if err != nil {
		return err
	}
	uids, cmd.limited = c.limitMessages(uids)
	if c.sel.readOnly {
		return mail.ErrReadOnly
	}
	if err := c.accessSelected(ctx, 0); err != nil {
		return err
	}
	if conditional {
		c.enableCondStore()
	}
	res, err := c.sel.box.SetFlags(ctx, uids, change)
	if err != nil {
		return err
	}
	missing, err := c.tellStored(ctx, cmd, uids, res, silent)
	if err != nil {
		return err
	}
	if !res.Modified.Empty() {
		cmd.done = imap.Okay(imap.CodeModified, c.numbers(cmd, res.Modified), "Conditional STORE failed for some.")
	} else if missing && !cmd.uid {
		return mail.ErrExpunged
	}
	return nil
}

// storeModifiers reads "(UNCHANGEDSINCE n)".
func (c *Conn) storeModifiers(change *mail.FlagChange) (conditional bool) {
	d := c.dec
	d.List(func() {
		if d.Keyword() != "UNCHANGEDSINCE" || c.isDisabled(imap.CapCondStore) {
			d.Fail(imap.Bad("Unknown STORE modifier"))
			return
		}
		d.SP()
		change.UnchangedSince = mail.ModSeq(d.Number64())
		change.UnchangedSinceZero = change.UnchangedSince == 0
		conditional = true
	})
	return conditional
}

// storeItem reads the data item's name, "+FLAGS.SILENT" and the like.
func storeItem(word string, d *imap.Decoder) (op mail.FlagOp, silent bool) {
	word, silent = strings.CutSuffix(word, ".SILENT")
	switch word {
	case "FLAGS":
		return mail.FlagsReplace, silent
	case "+FLAGS":
		return mail.FlagsAdd, silent
	case "-FLAGS":
		return mail.FlagsRemove, silent
	}
	d.Fail(imap.Bad("FLAGS, +FLAGS or -FLAGS expected"))
	return 0, silent
}

// tellStored sends the new flags of the messages of a STORE and reports whether some are gone. It first tells what others
// have done meanwhile, so that what comes later is the newer.
func (c *Conn) tellStored(ctx context.Context, cmd *command, uids mail.UIDSet, res mail.FlagResult, silent bool) (missing bool, err error) {
	sel := c.sel
	tell := uids
	if silent {
		// Not the flags, but those who know mod-sequences need the new ones (RFC 7162 section 3.1.3).
		if tell = res.Changed; !c.condStore {
			tell = mail.UIDSet{}
		}
		sel.told, sel.toldAt = res.Changed, res.ModSeq
	}
	n := 0
	for m, err := range sel.box.Messages(ctx, tell, mail.FieldFlags) {
		if err != nil {
			return false, err
		}
		n++
		if seq, ok := sel.view.seq(m.UID); ok {
			if sel.addKeywords(m.Flags.Keywords) {
				c.tellFlags(sel)
			}
			if silent && m.ModSeq > res.ModSeq {
				continue // changed again by somebody else: it comes with the others' changes
			}
			c.tellMessage(sel, seq, &m, !silent)
		}
		sel.toldAt = max(sel.toldAt, m.ModSeq)
	}
	if !silent {
		sel.told = uids
	}
	return n < tell.Count(), nil
}

// numbers writes a set of UIDs in the command's kind of numbers.
func (c *Conn) numbers(cmd *command, set mail.UIDSet) string {
	if cmd.uid {
		return set.String()
	}
	var seqs imap.SeqSet
	for _, r := range c.sel.view.intersect(set).Ranges() {
		first, _ := c.sel.view.seq(r.First)
		seqs.AddRange(first, first+uint32(r.Last-r.First))
	}
	return seqs.String()
}
