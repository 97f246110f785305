package imapserver

import (
	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// partialModifier reads the range of the modifier PARTIAL (RFC 9394 section 3.3).
func (f *fetch) partialModifier() {
	d := f.c.dec
	if f.partial != nil {
		d.Fail(imap.Bad("PARTIAL given twice"))
	}
	d.SP()
	p := d.PartialRange()
	f.partial = &p
}

// page returns the messages that PARTIAL and MESSAGELIMIT leave of a set. "The above example causes the server to first
// select the last 30 messages and then only return flag changes for a subset" (RFC 9394 section 3.4).
func (f *fetch) page(uids mail.UIDSet) (mail.UIDSet, error) {
	if p := f.partial; p != nil {
		// "The total message count (as specified by the PARTIAL range) exceeds the server's published 1000-message limit, so
		// the server refuses to do any work in this case." (RFC 9738 section 3.1)
		if err := f.c.refuseMany(p.Len(), false); err != nil {
			return uids, err
		}
		a, b := p.Slice(uids.Count())
		return slice(uids, a, b), nil
	}
	uids, f.cmd.limited = f.c.limitMessages(uids)
	return uids, nil
}
