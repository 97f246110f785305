package pop2

import (
	"context"
	"errors"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
)

// folder is a selected mailbox: the messages that were there at that moment, numbered from 1. A nil folder is one that
// doesn't exist, or isn't selected yet, and has no messages.
type folder struct {
	mailbox  mail.Mailbox
	messages []item
	marked   mail.UIDSet
	current  int // counted from 0
}

type item struct {
	uid     mail.UID
	deleted bool
}

// open opens the account and its INBOX.
func (c *Conn) open() error {
	if c.srv.Store == nil {
		return failed("there is no mail here")
	}
	name := c.identity.AccountName()
	var err error
	if c.unlock, err = c.srv.locker().LockMaildrop(c.ctx, name); errors.Is(err, pop3.ErrInUse) {
		return &failure{text: "mailbox is locked by another session", cause: err}
	} else if err != nil {
		return c.unavailable(err)
	}
	if c.account, err = c.srv.Store.Account(c.ctx, name); err != nil {
		return c.unavailable(err)
	}
	return c.selectFolder("INBOX")
}

func (c *Conn) unavailable(err error) error {
	c.srv.logError(c.ctx, "opening a mailbox", err, "user", c.identity.Username)
	return &failure{text: "internal error, try again later", cause: err}
}

// selectFolder opens a mailbox: "If the mailbox is empty or does not exist, the number of messages reported is zero."
func (c *Conn) selectFolder(name string) error {
	c.folder.close()
	c.folder = new(folder)
	mb, err := c.account.Open(c.ctx, name)
	switch {
	case errors.Is(err, mail.ErrNoMailbox), errors.Is(err, mail.ErrBadName), errors.Is(err, mail.ErrPermission):
		return nil
	case err != nil:
		return c.unavailable(err)
	}
	c.folder.mailbox = mb
	for m, err := range mb.Messages(c.ctx, mail.AllUIDs(), 0) {
		if err != nil {
			return c.unavailable(err)
		}
		c.folder.messages = append(c.folder.messages, item{uid: m.UID})
	}
	return nil
}

// release removes what is marked: "The actual change is made when the mailbox is released at the end of the session or
// when the client selects another mailbox".
func (c *Conn) release() error {
	f := c.folder
	if f == nil || f.marked.Empty() {
		return nil
	}
	_, err := f.mailbox.Expunge(c.ctx, f.marked, nil)
	if errors.Is(err, mail.ErrReadOnly) || errors.Is(err, mail.ErrPermission) {
		return nil // "If the user does not have write access to the mailbox no change is made"
	}
	if err != nil {
		c.srv.logError(c.ctx, "deleting messages", err, "user", c.identity.Username)
		return &failure{text: "messages were not deleted", cause: err}
	}
	c.deleted += f.marked.Count()
	f.marked = mail.UIDSet{}
	return nil
}

// body opens the current message; nil when there is none, or no longer.
func (f *folder) body(ctx context.Context) (mail.Body, error) {
	if f.current >= len(f.messages) || f.messages[f.current].deleted {
		return nil, nil
	}
	b, err := f.mailbox.OpenBody(ctx, f.messages[f.current].uid)
	if errors.Is(err, mail.ErrExpunged) {
		return nil, nil
	}
	return b, err
}

// mark marks the current message for deletion.
func (f *folder) mark() {
	m := &f.messages[f.current]
	m.deleted = true
	f.marked.Add(m.uid)
}

// untouched reports whether nothing is marked.
func (f *folder) untouched() bool { return f == nil || f.marked.Empty() }

func (f *folder) close() {
	if f != nil && f.mailbox != nil {
		_ = f.mailbox.Close()
		f.mailbox = nil
	}
}
