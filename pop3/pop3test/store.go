package pop3test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Store is a [mail.Store] in memory: accounts with an INBOX each and no other mailbox. The zero value has no accounts. It
// may be used by many goroutines at once.
type Store struct {
	mu       sync.Mutex
	accounts map[string]*inbox
}

// inbox is an account's only mailbox.
type inbox struct {
	store    *Store
	name     string
	nextUID  mail.UID
	modSeq   mail.ModSeq
	messages []stored // ascending; elements are never changed, so that a copy of the slice is a snapshot
	vanished map[mail.UID]mail.ModSeq
	watchers map[int]func()
	watch    int
	tokens   map[string]mail.Appended
}

type stored struct {
	mail.Message
	content []byte
}

// AddAccount makes an account with an empty maildrop, unless there is one.
func (s *Store) AddAccount(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account(name)
}

func (s *Store) account(name string) *inbox {
	b := s.accounts[name]
	if b == nil {
		b = &inbox{store: s, name: name, nextUID: 1, vanished: map[mail.UID]mail.ModSeq{}, watchers: map[int]func(){}, tokens: map[string]mail.Appended{}}
		if s.accounts == nil {
			s.accounts = map[string]*inbox{}
		}
		s.accounts[name] = b
	}
	return b
}

// Add puts a message, with CRLF line ends, into an account's maildrop, and makes the account if there is none.
func (s *Store) Add(account, message string) mail.UID {
	s.mu.Lock()
	b := s.account(account)
	uid := b.add(stored{Message: mail.Message{InternalDate: time.Now()}, content: []byte(message)})
	wake := slices.Collect(maps.Values(b.watchers))
	s.mu.Unlock()
	for _, w := range wake {
		w()
	}
	return uid
}

// Messages returns the messages of an account's maildrop.
func (s *Store) Messages(account string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	if b := s.accounts[account]; b != nil {
		for _, m := range b.messages {
			out = append(out, string(m.content))
		}
	}
	return out
}

// Account implements [mail.Store].
func (s *Store) Account(_ context.Context, name string) (mail.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.accounts[name]
	if b == nil {
		return nil, mail.ErrNoAccount
	}
	return account{b}, nil
}

// add files a message. The store is locked.
func (b *inbox) add(m stored) mail.UID {
	b.modSeq++
	m.UID, m.ModSeq = b.nextUID, b.modSeq
	m.Size = int64(len(m.content))
	m.SaveDate = time.Now()
	if m.GUID == "" {
		m.GUID = mail.GUID(fmt.Sprintf("%s-%d", b.info().ID, m.UID))
	}
	b.nextUID++
	b.messages = append(b.messages, m)
	return m.UID
}

func (b *inbox) info() mail.MailboxInfo {
	return mail.MailboxInfo{ID: mail.MailboxID(fmt.Sprintf("%x", b.name)), Name: "INBOX", Subscribed: true}
}

func (b *inbox) state() mail.State {
	st := mail.State{UIDValidity: 1, UIDNext: b.nextUID, HighestModSeq: b.modSeq, Messages: uint32(len(b.messages))}
	for _, m := range b.messages {
		st.Size += m.Size
		if m.Flags.System&mail.Seen == 0 {
			st.Unseen++
		}
		if m.Flags.System&mail.Deleted != 0 {
			st.Deleted++
		}
	}
	return st
}

// account is an account with one mailbox, which can't be removed or renamed.
type account struct{ b *inbox }

func (a account) Mailboxes(context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return func(yield func(mail.MailboxInfo, error) bool) { yield(a.b.info(), nil) }
}

func (a account) Open(_ context.Context, name string) (mail.Mailbox, error) {
	if name != "INBOX" {
		return nil, mail.ErrNoMailbox
	}
	return mailbox(a), nil
}

func (a account) Status(ctx context.Context, name string) (mail.State, error) {
	m, err := a.Open(ctx, name)
	if err != nil {
		return mail.State{}, err
	}
	return m.State(ctx)
}

func (a account) Create(_ context.Context, name string, _ *mail.CreateOptions) (mail.MailboxInfo, error) {
	if name == "INBOX" {
		return mail.MailboxInfo{}, mail.ErrExists
	}
	return mail.MailboxInfo{}, mail.ErrBadName
}

func (a account) Delete(_ context.Context, name string) error {
	if name == "INBOX" {
		return mail.ErrBadName
	}
	return mail.ErrNoMailbox
}

func (a account) Rename(_ context.Context, from, _ string) error {
	if from == "INBOX" {
		return mail.ErrBadName
	}
	return mail.ErrNoMailbox
}

func (a account) Subscribe(context.Context, string, bool) error { return mail.ErrBadName }
func (a account) Close() error                                  { return nil }

// content is a message being read.
type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

var _ io.WriterTo = content{}
