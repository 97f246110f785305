package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Replace puts a new message in the place of one of the selected mailbox, in one step where the server can (REPLACE, RFC 8508): a draft
// that is edited. Elsewhere it is added first, and then the old one is marked \Deleted and, with UIDPLUS, expunged. mailbox is where
// the new one goes. When it fails before the new message is there, the old one stays.
func (c *Client) Replace(ctx context.Context, uid mail.UID, mailbox string, d Draft) (out mail.Appended, err error) {
	if !c.Has(imap.CapReplace) {
		if out, err = c.Append(ctx, mailbox, d); err != nil {
			return out, err
		}
		if _, err := c.Store(ctx, UID(uid), mail.FlagsAdd, mail.Flags{System: mail.Deleted}, &StoreOptions{Silent: true}); err != nil {
			return out, err
		}
		if !c.Has(imap.CapUIDPlus) {
			return out, nil
		}
		return out, c.ExpungeSet(ctx, UID(uid))
	}
	if err := c.checkDraft("UID REPLACE", &d); err != nil {
		return out, err
	}
	if !c.Has(imap.CapCatenate) {
		whole, err := c.catenate(ctx, []Draft{d})
		if err != nil {
			return out, err
		}
		d = whole[0]
	}
	cmd := &command{name: "UID REPLACE", rule: rule{moves: true, class: "APPEND", flags: 1}}
	var got mail.Appended
	cmd.code = func(s *imap.Status) { addAppended(&got, s) }
	return answer(ctx, c, cmd, &got, func(e *imap.Encoder) {
		e.SP().Number(uint64(uid)).SP().Mailbox(mailbox)
		c.writeDraft(e, &d)
	})
}
