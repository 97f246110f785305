package imapserver_test

import (
	"context"
	"iter"

	"github.com/buuta/mail"
)

// noIndex is a store that keeps no index of its messages.
type noIndex struct{ mail.Store }
type noIndexAccount struct{ mail.Account }
type noIndexMailbox struct{ mail.Mailbox }

func (s noIndex) Account(ctx context.Context, name string) (mail.Account, error) {
	a, err := s.Store.Account(ctx, name)
	return noIndexAccount{a}, err
}

func (a noIndexAccount) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	b, err := a.Account.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return noIndexMailbox{b}, nil
}

func (b noIndexMailbox) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return b.Mailbox.Messages(ctx, set, f&^mail.FieldIndex)
}
