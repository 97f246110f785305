package imapserver

import (
	"context"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// nextLook is when a wait that would last until end must be broken off to look at the account.
func (c *Conn) nextLook(end time.Time) time.Time {
	if n := c.notify; n != nil && !n.filter.Idle() {
		if next := n.nextLook(c.accountPoll()); next.Before(end) {
			return next
		}
	}
	return end
}

// nextNews is nextLook for a wait between commands: only NOTIFY lets the server speak there. A selected mailbox is looked at
// now and then, for its hints may be lost.
func (c *Conn) nextNews(end time.Time) time.Time {
	if c.notify == nil || !c.notify.push {
		return end
	}
	if c.sel != nil && c.sel.unwatch != nil {
		if poll := time.Now().Add(wait(c.srv.Timeouts.Poll, time.Minute)); poll.Before(end) {
			end = poll
		}
	}
	return c.nextLook(end)
}

// tellNews tells between commands what the client has asked for by NOTIFY. Where it has asked for SELECTED-DELAYED, message
// numbers stay as they are (RFC 5465 section 6.1.2).
func (c *Conn) tellNews(ctx context.Context) error {
	if c.notify == nil || !c.notify.push {
		return nil
	}
	if c.sel != nil && c.notify.filter.Selected != 0 {
		if err := c.sync(ctx, !c.notify.filter.Delayed); err != nil {
			return err
		}
		if c.bye {
			return errMailboxGone
		}
	}
	c.look(ctx)
	err := c.stream.flush()
	c.release()
	return err
}

// fetchNew sends what the client has asked for of messages that are new (RFC 5465 section 5.2), but not of those that it has
// just brought itself.
func (c *Conn) fetchNew(ctx context.Context, changed []mail.Message, known mail.UID) error {
	var fresh mail.UIDSet
	for i := range changed {
		if u := changed[i].UID; u > known && !c.sel.created.Contains(u) {
			fresh.Add(u)
		}
	}
	c.sel.created = mail.UIDSet{}
	if fresh.Empty() {
		return nil
	}
	f := c.newsFetch(c.notify.filter.Fetch)
	f.plan()
	if err := f.run(ctx, fresh); err != nil && c.enc.Err() == nil {
		c.srv.logError(ctx, "fetch for NOTIFY", err) // the client knows that the messages are there, and may ask itself
	}
	return c.enc.Err()
}

// newsFetch is the FETCH that tells of new messages.
func (c *Conn) newsFetch(items []imap.FetchItem) *fetch {
	return &fetch{c: c, srv: c.srv, cmd: &command{name: "UID FETCH", uid: true}, box: c.sel.box, items: slices.Clone(items)}
}

// madeMessages notes messages that this session has put into a mailbox, if that is the selected one.
func (c *Conn) madeMessages(mailbox string, validity uint32, uids []mail.UID) {
	if c.notify != nil && c.notify.filter.Fetch != nil && c.sel != nil && c.sel.validity == validity && c.sel.box.Info().Name == mailbox {
		c.sel.created.AddSet(mail.UIDSetOf(uids...))
	}
}
