package imapserver

import (
	"context"
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// qresyncParam is the parameter of SELECT (QRESYNC (…)) (RFC 7162 section 3.2.5): what the client knows.
type qresyncParam struct {
	validity uint32
	modSeq   mail.ModSeq
	known    *imap.NumSet // UIDs; nil: all
}

func (c *Conn) qresyncParam() *qresyncParam {
	d := c.dec
	q := &qresyncParam{}
	d.SP()
	d.Special('(')
	q.validity = d.NZNumber()
	d.SP()
	q.modSeq = mail.ModSeq(d.Number64())
	if d.TrySP() {
		more := true
		if !d.Peek('(') {
			set := d.SequenceSet()
			q.known = &set
			more = d.TrySP()
		}
		if more {
			// Sequence numbers and their UIDs: a help for servers that forget expunged UIDs. Read, checked and not needed.
			d.Special('(')
			d.SequenceSet()
			d.SP()
			d.SequenceSet()
			d.Special(')')
		}
	}
	d.Special(')')
	return q
}

// tellQResync sends what has changed since the client was last here (RFC 7162 section 3.2.5.1).
func (c *Conn) tellQResync(ctx context.Context, sel *selected, q *qresyncParam) error {
	known := mail.UIDRangeSet(1, max(sel.maxUID, 1))
	if q.known != nil {
		known = q.known.UIDs(max(sel.view.last(), 1))
	}
	vanished, changed, err := c.changesSince(ctx, sel, q.modSeq, known)
	if err != nil {
		return err
	}
	if !vanished.Empty() {
		c.enc.Raw("* VANISHED (EARLIER) ").UIDSet(vanished).CRLF()
	}
	for i := range changed {
		if seq, ok := sel.view.seq(changed[i].UID); ok {
			c.tellMessage(sel, seq, &changed[i], true)
		}
	}
	return nil
}

// changesSince returns which UIDs of known are gone and which messages of known have changed after since. Where the log
// of changes doesn't reach back, all UIDs that are not there are gone, which may name more than the client ever saw
// (RFC 7162 section 3.2.5.1 allows that).
func (c *Conn) changesSince(ctx context.Context, sel *selected, since mail.ModSeq, known mail.UIDSet) (mail.UIDSet, []mail.Message, error) {
	ch, err := sel.box.Changes(ctx, since)
	if errors.Is(err, mail.ErrTooOld) {
		err = nil
		ch.Vanished = without(mail.UIDRangeSet(1, sel.maxUID), sel.view.all())
		for m, err := range sel.box.Messages(ctx, sel.view.intersect(known), mail.FieldFlags) {
			if err != nil {
				return mail.UIDSet{}, nil, err
			}
			if m.ModSeq > since {
				ch.Changed = append(ch.Changed, m)
			}
		}
	}
	if err != nil {
		return mail.UIDSet{}, nil, err
	}
	// What is in the view is not gone as far as this client is concerned, until it is told so in the usual way.
	vanished := without(intersection(ch.Vanished, known), sel.view.all())
	changed := ch.Changed[:0]
	for _, m := range ch.Changed {
		if known.Contains(m.UID) {
			changed = append(changed, m)
		}
	}
	return vanished, changed, nil
}

// intersection returns the UIDs that are in both sets.
func intersection(a, b mail.UIDSet) mail.UIDSet { return without(a, without(a, b)) }
