package storetest

import (
	"context"
	"iter"
	"strings"

	"github.com/buuta/mail"
)

// lentStore shows mailboxes below a name of another user's as if they were an account.
type lentStore struct {
	mail.Store
	below string
}

type lentAccount struct {
	mail.Account
	below string
}

type lentMailbox struct {
	mail.Mailbox
	below string
}

func (s lentStore) Account(ctx context.Context, _ string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, Other)
	return lentAccount{a, s.below}, err
}

func (a lentAccount) name(n string) string {
	if strings.EqualFold(n, "INBOX") {
		n = "INBOX"
	}
	return a.below + n
}

func (a lentAccount) Mailboxes(ctx context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return func(yield func(mail.MailboxInfo, error) bool) {
		for info, err := range a.Account.Mailboxes(ctx) {
			below := false
			if info.Name, below = strings.CutPrefix(info.Name, a.below); (below || err != nil) && !yield(info, err) {
				return
			}
		}
	}
}

func (a lentAccount) Open(ctx context.Context, n string) (mail.Mailbox, error) {
	m, err := a.Account.Open(ctx, a.name(n))
	if err != nil {
		return nil, err
	}
	return lentMailbox{m, a.below}, nil
}

func (a lentAccount) Status(ctx context.Context, n string) (mail.State, error) {
	return a.Account.Status(ctx, a.name(n))
}

func (a lentAccount) Create(ctx context.Context, n string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	info, err := a.Account.Create(ctx, a.name(n), opts)
	info.Name = strings.TrimPrefix(info.Name, a.below)
	return info, err
}

func (a lentAccount) Delete(ctx context.Context, n string) error {
	return a.Account.Delete(ctx, a.name(n))
}

func (m lentMailbox) Info() mail.MailboxInfo {
	info := m.Mailbox.Info()
	info.Name = strings.TrimPrefix(info.Name, m.below)
	return info
}
