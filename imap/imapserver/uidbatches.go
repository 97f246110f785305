package imapserver

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// What draft-ietf-mailmaint-imap-uidbatches wants of every server: batches may be as small as this, and at least so many
// messages can be asked about at once.
const (
	leastBatch       = 500
	messagesOfABatch = 100_000
)

// handleUIDBatches is UIDBATCHES: ranges of UIDs with equally many messages each, the newest first
// (draft-ietf-mailmaint-imap-uidbatches section 3).
func (c *Conn) handleUIDBatches(_ context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	size := d.NZNumber()
	first, last := uint32(1), uint32(0)
	if d.TrySP() {
		first = d.NZNumber()
		d.Special(':')
		if last = d.NZNumber(); last < first {
			d.Fail(imap.Bad("Batches are counted upwards"))
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	all := c.sel.view.all()
	n := uint64(c.sel.view.count())
	asked := n
	if last > 0 {
		asked = uint64(last-first+1) * uint64(size)
	}
	switch {
	case size < leastBatch:
		return imap.No(imap.CodeTooSmall, "Batches have at least 500 messages.")
	case last > 0 && asked > messagesOfABatch:
		return imap.No(imap.CodeLimit, "Too many messages in these batches.")
	}
	out := imap.UIDBatches{Tag: cmd.tag}
	for i := uint64(first - 1); i*uint64(size) < n && (last == 0 || i < uint64(last)); i++ {
		out.Ranges = append(out.Ranges, batch(all, int(n), int(i), int(size)))
	}
	c.enc.Raw("* UIDBATCHES").UIDBatches(out).CRLF()
	return nil
}

// batch returns the range of batch i, counted from the newest message. A range reaches to where the next begins, the last
// down to 1, so that together they have every UID.
func batch(all mail.UIDSet, n, i, size int) imap.NumRange {
	top := n - i*size // how many messages are in this batch and those after it
	r := imap.NumRange{First: uint32(slice(all, top-1, top).Ranges()[0].First), Last: 1}
	if next := top - size; next > 0 {
		r.Last = uint32(slice(all, next-1, next).Ranges()[0].First) + 1
	}
	return r
}
