package imaptest

import (
	"context"
	"crypto/rand"

	"github.com/buuta/mail"
)

var _ mail.URLKeyAccount = (*account)(nil)

// URLKey implements [mail.URLKeyAccount].
func (a *account) URLKey(ctx context.Context, mailbox mail.MailboxID, create bool) ([]byte, error) {
	if err := a.store.enter(ctx, "URLKey"); err != nil {
		return nil, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if a.urlKeys[mailbox] == nil && create {
		a.newURLKey(mailbox)
	}
	return a.urlKeys[mailbox], nil
}

// ResetURLKey implements [mail.URLKeyAccount].
func (a *account) ResetURLKey(ctx context.Context, mailbox mail.MailboxID) error {
	if err := a.store.enter(ctx, "ResetURLKey"); err != nil {
		return err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if mailbox == "" {
		clear(a.urlKeys)
		return nil
	}
	a.newURLKey(mailbox)
	return nil
}

// newURLKey makes a key. The store is locked.
func (a *account) newURLKey(mailbox mail.MailboxID) {
	if a.urlKeys == nil {
		a.urlKeys = map[mail.MailboxID][]byte{}
	}
	a.urlKeys[mailbox] = []byte(rand.Text())
}
