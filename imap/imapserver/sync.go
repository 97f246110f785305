package imapserver

import (
	"context"
	"errors"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver/internal/notify"
)

func num(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// modSeqString writes a mod-sequence, which is never 0 on the wire where a value is required (RFC 7162 section 7).
func modSeqString(m mail.ModSeq) string { return strconv.FormatUint(uint64(max(m, 1)), 10) }

// errMailboxGone ends a session whose mailbox was deleted, as RFC 2180 section 3.3 allows.
var errMailboxGone = &imap.Status{Type: imap.BYE, Code: imap.CodeNonExistent, Text: "The selected mailbox was deleted."}

// sync tells the client what has happened to its mailbox. Without expunge, messages that are gone stay in the view
// until the next time. A failure of the store is logged and tried again by the next command; an error ends the session.
func (c *Conn) sync(ctx context.Context, expunge bool) error {
	sel := c.sel
	events := c.selectedEvents()
	ch, err := sel.box.Changes(ctx, sel.modSeq)
	if errors.Is(err, mail.ErrTooOld) {
		ch, err = c.rescan(ctx, sel)
	}
	switch {
	case errors.Is(err, mail.ErrNoMailbox), errors.Is(err, mail.ErrPermission):
		// Of one that may not be read any more nothing else is told (RFC 4314 section 5.1.1).
		c.enc.Status("*", errMailboxGone)
		c.end.Cause, c.bye = CauseDeleted, true
		return nil
	case err != nil:
		c.srv.logError(ctx, "changes", err)
		return nil
	}
	gone := sel.view.intersect(ch.Vanished)
	if sel.gone.Empty() {
		sel.goneSince = sel.modSeq
	}
	sel.gone.AddSet(gone)
	if expunge && !sel.gone.Empty() {
		c.contextsGone(sel)
		c.tellGone(sel)
	}
	known := sel.maxUID
	grew := false
	for i := range ch.Changed {
		if u := ch.Changed[i].UID; u > sel.maxUID {
			sel.view.add(u)
			grew = true
		}
	}
	sel.modSeq = ch.State.HighestModSeq
	sel.maxUID = max(sel.maxUID, ch.State.UIDNext-1)
	if grew {
		if err := c.takeRecent(ctx, sel); err != nil {
			c.srv.logError(ctx, "recent", err)
		}
		c.enc.Raw("* ").Number(uint64(sel.view.count())).Raw(" EXISTS").CRLF()
		if !c.rev2 {
			c.enc.Raw("* ").Number(uint64(sel.recent.Count())).Raw(" RECENT").CRLF()
		}
	}
	if events&notify.Flags != 0 {
		c.tellChanged(sel, ch.Changed, known)
	}
	c.contextsChanged(ctx, sel, ch.Changed)
	if grew && c.notify != nil && c.notify.filter.Fetch != nil {
		return c.fetchNew(ctx, ch.Changed, known)
	}
	return nil
}

// highest returns the mod-sequence up to which the client knows everything: a client that comes back with it must be told of what
// could not be told now (RFC 7162 section 3.2.5.1).
func (s *selected) highest() mail.ModSeq {
	if !s.gone.Empty() {
		return s.goneSince
	}
	return s.modSeq
}

// tellGone sends EXPUNGE or VANISHED for all messages that are gone and takes them out of the view.
func (c *Conn) tellGone(sel *selected) {
	if c.qresync || c.uidOnly {
		c.enc.Raw("* VANISHED ").UIDSet(sel.gone).CRLF()
	} else {
		// From the highest down, so that each number is right at its moment without counting.
		ranges := sel.gone.Ranges()
		for i := len(ranges) - 1; i >= 0; i-- {
			first, _ := sel.view.seq(ranges[i].First)
			last, _ := sel.view.seq(ranges[i].Last)
			for seq := last; seq >= first && seq > 0; seq-- {
				c.enc.Raw("* ").Number(uint64(seq)).Raw(" EXPUNGE").CRLF()
			}
		}
	}
	sel.view.remove(sel.gone)
	sel.recent = without(sel.recent, sel.gone)
	sel.saved = without(sel.saved, sel.gone)
	sel.gone = mail.UIDSet{}
}

// tellChanged sends FETCH responses with the flags of messages, but for those that the client has been told of and those
// above known, which are new: the client will ask what it wants of them.
func (c *Conn) tellChanged(sel *selected, changed []mail.Message, known mail.UID) {
	grown := false
	for i := range changed {
		grown = sel.addKeywords(changed[i].Flags.Keywords) || grown
	}
	if grown {
		c.tellFlags(sel)
	}
	for i := range changed {
		m := &changed[i]
		seq, ok := sel.view.seq(m.UID)
		if !ok || m.UID > known || m.ModSeq <= sel.toldAt && sel.told.Contains(m.UID) {
			continue
		}
		c.tellMessage(sel, seq, m, true)
	}
	sel.told, sel.toldAt = mail.UIDSet{}, 0
}

// tellMessage sends a FETCH response with flags, where they are asked for, and what belongs to them in this session.
func (c *Conn) tellMessage(sel *selected, seq uint32, m *mail.Message, flags bool) {
	e := c.beginFetch(seq, m.UID).Raw("UID ").Number(uint64(m.UID))
	if flags {
		e.Raw(" FLAGS ").Flags(m.Flags, sel.isRecent(m.UID))
	}
	if c.condStore {
		e.Raw(" MODSEQ (").Number(uint64(m.ModSeq)).Raw(")")
	}
	e.Raw(")").CRLF()
}

func (s *selected) isRecent(u mail.UID) bool { return !s.recent.Empty() && s.recent.Contains(u) }

// rescan compares the view with the mailbox where the log of changes doesn't reach back far enough.
func (c *Conn) rescan(ctx context.Context, sel *selected) (mail.Changes, error) {
	state, err := sel.box.State(ctx)
	if err != nil {
		return mail.Changes{}, err
	}
	ch := mail.Changes{State: state}
	var there mail.UIDSet
	for m, err := range sel.box.Messages(ctx, mail.AllUIDs(), mail.FieldFlags) {
		if err != nil {
			return mail.Changes{}, err
		}
		if m.UID >= state.UIDNext {
			break
		}
		there.Add(m.UID)
		if m.UID > sel.maxUID || m.ModSeq > sel.modSeq {
			ch.Changed = append(ch.Changed, m)
		}
	}
	ch.Vanished = without(sel.view.all(), there)
	return ch, nil
}

// without returns a less b.
func without(a, b mail.UIDSet) mail.UIDSet {
	if a.Empty() || b.Empty() {
		return a
	}
	var out mail.UIDSet
	ranges := b.Ranges()
	for _, r := range a.Ranges() {
		from, done := r.First, false
		for len(ranges) > 0 && ranges[0].Last < from {
			ranges = ranges[1:]
		}
		for _, g := range ranges {
			if g.First > r.Last {
				break
			}
			if g.First > from {
				out.AddRange(from, g.First-1)
			}
			if g.Last >= r.Last {
				done = true
				break
			}
			from = max(from, g.Last+1)
		}
		if !done {
			out.AddRange(from, r.Last)
		}
	}
	return out
}
