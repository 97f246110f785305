package imaptest

import (
	"context"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
)

// Store is a [mail.Store] in memory. Accounts come into being when they are first opened. Use NewStore.
type Store struct {
	// Now is the clock; nil is time.Now. Set it before the store is used.
	Now func() time.Time
	// Quota is how many octets a new account may hold; 0: no limit. [mail.QuotaSetter] changes it. Set it before the store
	// is used.
	Quota int64
	// Fail, if not nil, is asked before each operation, by its name ("Append", "Commit", "OpenBody", …), and makes it
	// fail when it returns an error. Set it before the store is used.
	Fail func(operation string) error
	// Sharing lets users see what others share with them, below [Others], and what is everybody's, below [Public]. The
	// accounts then are a [mail.SharingAccount] and a [mail.NamespaceAccount]. Set it before the store is used.
	Sharing bool
	// Groups returns the groups that a user is in, for entries of access lists that begin with "$". nil: none.
	Groups func(user string) []string
	// TextSearch makes mailboxes a [mail.TextSearcher]; otherwise servers read messages themselves. Set it before the store
	// is used.
	TextSearch bool
	// CharsetReader makes more charsets known to TextSearch. Set it before the store is used.
	CharsetReader mime.CharsetReader

	mu       sync.Mutex // guards all that follows, and the accounts
	accounts map[string]*account
	public   *account
	serial   int // of mailboxes
	watchers map[*func()]*account
}

// NewStore returns an empty store.
func NewStore() *Store {
	s := &Store{accounts: map[string]*account{}, watchers: map[*func()]*account{}}
	s.public = s.newAccount("")
	return s
}

// Account implements [mail.Store].
func (s *Store) Account(ctx context.Context, name string) (mail.Account, error) {
	if err := s.enter(ctx, "Account"); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(name)
	if s.Sharing {
		return sharing{a}, nil
	}
	return a, nil
}

// account returns the account of a name, which it makes when there is none. The store is locked.
func (s *Store) account(name string) *account {
	a := s.accounts[name]
	if a == nil {
		a = s.newAccount(name)
		a.boxes["INBOX"] = a.newBox("INBOX", nil)
		if s.Quota > 0 {
			a.limits = map[mail.QuotaKind]int64{mail.QuotaStorage: s.Quota}
		}
		s.accounts[name] = a
	}
	return a
}

func (s *Store) newAccount(name string) *account {
	return &account{store: s, name: name, boxes: map[string]*box{}, subscribed: map[string]bool{}, tokens: map[string]token{}}
}

// enter is where every operation begins.
func (s *Store) enter(ctx context.Context, operation string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Fail != nil {
		return s.Fail(operation)
	}
	return nil
}

func (s *Store) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
