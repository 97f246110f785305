package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// Groups limit what several accounts keep together, besides what each may keep: those of a customer's domain, of a company.
type Groups struct {
	// Of returns the group that an account belongs to and what all of it may keep, asked at every use; "", or no limits, for an account
	// that counts for itself alone.
	Of func(account string) (group string, limits Quota)

	// Accounts lists the accounts of a group. It is asked when a group is first counted, every quarter of an hour while mail comes in, and before
	// somebody is refused. While it fails the accounts that were known count.
	Accounts func(ctx context.Context, group string) ([]string, error)

	// Root is the name of the group's quota root, which its users see; "" means "Domain quota", as Dovecot's examples have it.
	Root string
}

func (g *Groups) root() string {
	if g.Root == "" {
		return "Domain quota"
	}
	return g.Root
}

// groupOf returns an account's pool and its limits; nil for none.
func (s *Store) groupOf(account string) (*pool, maildirsize.Amount) {
	if s.Groups == nil {
		return nil, maildirsize.Amount{}
	}
	group, quota := s.Groups.Of(account)
	limits := quota.amount()
	if group == "" || limits == (maildirsize.Amount{}) {
		return nil, maildirsize.Amount{}
	}
	return s.start().pool(s, group), limits
}

// ledgerOf returns an account's ledger; nil for an account that keeps nothing because it has no folder yet, or because there is none of the name.
func (s *Store) ledgerOf(account string) (l *ledger, end func(), err error) {
	sh := s.start()
	dir, err := s.accountDir(account)
	if err == nil {
		_, err = sh.fs.Stat(dir)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, mail.ErrNoAccount) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return &sh.acquireTree(s, account, dir).ledger, func() { sh.releaseTree(dir) }, nil
}

// Fits reports whether a message of size octets would find room in an account and its group: nil, or [mail.ErrOverQuota]. It reserves nothing,
// so that an append may be refused all the same; servers ask it before they take a message.
func (s *Store) Fits(ctx context.Context, account string, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	more := maildirsize.Amount{Bytes: max(size, 1), Messages: 1}
	l, end, err := s.ledgerOf(account)
	if err != nil {
		return err
	}
	if l != nil {
		defer end()
		return l.fits(more)
	}
	if !more.Within(s.rule(account, "")) {
		return fmt.Errorf("%w: the message alone is larger", mail.ErrOverQuota)
	}
	p, limits := s.groupOf(account)
	if p == nil {
		return nil
	}
	return p.fits(limits, more)
}

// Usage returns what an account keeps, counted where nobody has counted it yet. An account without a folder keeps nothing.
func (s *Store) Usage(ctx context.Context, account string) (Quota, error) {
	if err := ctx.Err(); err != nil {
		return Quota{}, err
	}
	l, end, err := s.ledgerOf(account)
	if l == nil {
		return Quota{}, err
	}
	defer end()
	l.mu.Lock()
	defer l.mu.Unlock()
	file, _, err := l.read()
	return Quota{Storage: file.Used.Bytes, Messages: file.Used.Messages}, err
}
