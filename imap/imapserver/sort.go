package imapserver

import (
	"context"

	"github.com/buuta/mail/imap"
)

// handleSort is SORT (RFC 5256, RFC 5957, RFC 5267 section 3, RFC 6203 section 6).
func (c *Conn) handleSort(ctx context.Context, cmd *command) error {
	cmd.keepNumbers = !cmd.uid
	c.dec.SP()
	o, by, key := c.dec.SortProgram()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if o.Return && !c.announces(imap.CapESort) && !c.announces(imap.CapContextSort) {
		return imap.Bad("Unknown RETURN option")
	}
	if err := c.allowSearch(&o, &key, imap.CapContextSort); err != nil {
		return err
	}
	for _, b := range by {
		switch b.Key {
		case imap.SortDisplayFrom, imap.SortDisplayTo:
			if c.isDisabled(imap.CapSortDisplay) {
				return imap.Bad("Unknown sort key")
			}
		case imap.SortRelevancy:
			// "RELEVANCY sort criteria MUST NOT be used unless a FUZZY search key is also given." (RFC 6203 section 6)
			if !c.announces(imap.CapSearchFuzzy) || !hasFuzzy(&key) {
				return imap.Bad("RELEVANCY needs FUZZY")
			}
		}
	}
	return c.searchSelected(ctx, cmd, &o, &key, by)
}
