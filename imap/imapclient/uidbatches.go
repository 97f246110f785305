package imapclient

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// leastBatch is the size of a batch that every server with UIDBATCHES takes (draft-ietf-mailmaint-imap-uidbatches section 3.1).
const leastBatch = 500

// UIDBatches divides the selected mailbox into ranges of UIDs with size messages each, the newest first; the last has what is left
// (draft-ietf-mailmaint-imap-uidbatches): for reading a large mailbox piece by piece. Together they have every UID up to the highest.
// Without UIDBATCHES, and for batches smaller than servers need to know, a search finds out where they are.
func (c *Client) UIDBatches(ctx context.Context, size int) ([]mail.UIDRange, error) {
	if size <= 0 {
		return nil, &Error{Command: "UIDBATCHES", Host: c.host, Err: badArgument("batches of no message")}
	}
	if size < leastBatch || !c.Has(imap.CapUIDBatches) {
		return c.batchesHere(ctx, size)
	}
	var out []mail.UIDRange
	cmd := &command{name: "UIDBATCHES", rule: rule{moves: true, class: "UIDBATCHES"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "UIDBATCHES" {
			return false
		}
		b := d.UIDBatches()
		if d.Err() == nil && strings.EqualFold(b.Tag, cmd.tag) {
			for _, r := range b.Ranges {
				out = append(out, mail.UIDRange{First: mail.UID(min(r.First, r.Last)), Last: mail.UID(max(r.First, r.Last))})
			}
		}
		return true
	}
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) { e.SP().Number(uint64(size)) })
}

// batchesHere finds the batches by searching.
func (c *Client) batchesHere(ctx context.Context, size int) (out []mail.UIDRange, err error) {
	r, err := c.Search(ctx, imap.SearchKey{Op: imap.SearchAll}, nil)
	if err != nil {
		return nil, err
	}
	// From the oldest on: where each batch ends, counted from the end.
	n := r.UIDs.Count()
	first, at := mail.UID(1), 0
	for u := range r.UIDs.All() {
		if at++; (n-at)%size == 0 {
			out = append(out, mail.UIDRange{First: first, Last: u})
			first = u + 1
		}
	}
	slices.Reverse(out)
	return out, nil
}
