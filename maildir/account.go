package maildir

import (
	"context"
	"iter"

	"github.com/buuta/mail"
)

// account is an open account.
type account struct {
	s    *Store
	name string
	dir  string
}

func (s *Store) openAccount(name, dir string) (mail.Account, error) {
	s.start()
	return &account{s, name, dir}, nil
}

func (a *account) Mailboxes(ctx context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return func(yield func(mail.MailboxInfo, error) bool) {
		yield(mail.MailboxInfo{}, mail.ErrReadOnly)
	}
}

func (a *account) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	return nil, mail.ErrNoMailbox
}

func (a *account) Status(ctx context.Context, name string) (mail.State, error) {
	return mail.State{}, mail.ErrNoMailbox
}

func (a *account) Create(ctx context.Context, name string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	return mail.MailboxInfo{}, mail.ErrReadOnly
}

func (a *account) Delete(ctx context.Context, name string) error { return mail.ErrReadOnly }

func (a *account) Rename(ctx context.Context, from, to string) error { return mail.ErrReadOnly }

func (a *account) Subscribe(ctx context.Context, name string, on bool) error { return mail.ErrReadOnly }

func (a *account) Close() error { return nil }
