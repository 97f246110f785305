package maildir

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/maildirsize"
)

// Quota limits what an account or a mailbox keeps; 0 is no limit. Sizes are those of the files before compression, as Dovecot
// counts them: less than RFC822.SIZE where lines end in LF.
type Quota struct {
	Storage  int64 // octets
	Messages int64
}

func (q Quota) amount() maildirsize.Amount {
	return maildirsize.Amount{Bytes: max(q.Storage, 0), Messages: max(q.Messages, 0)}
}

// The names of quota roots: of the account, as Dovecot's examples call it, and of each mailbox with a limit of its own.
const (
	userRoot    = "User quota"
	mailboxRoot = "Mailbox quota/"
)

// rule returns the limits that the Store sets for an account, or one of its mailboxes.
func (s *Store) rule(account, mailbox string) maildirsize.Amount {
	switch {
	case s.QuotaFunc != nil:
		return s.QuotaFunc(account, mailbox).amount()
	case mailbox == "":
		return s.Quota.amount()
	}
	return maildirsize.Amount{}
}

// QuotaRoots implements mail.QuotaAccount.
func (a *account) QuotaRoots(ctx context.Context, mailbox string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := a.s.cleanName(mailbox)
	if err != nil {
		return nil, err
	}
	var roots []string
	active, err := a.tree.ledger.active()
	if err != nil {
		return nil, err
	}
	if active || a.s.UserQuota {
		roots = append(roots, userRoot)
	}
	if p, _ := a.s.groupOf(a.name); p != nil {
		roots = append(roots, a.s.Groups.root())
	}
	if a.s.rule(a.name, name) != (maildirsize.Amount{}) {
		roots = append(roots, mailboxRoot+name)
	}
	return roots, nil
}

// Quota implements mail.QuotaAccount.
func (a *account) Quota(ctx context.Context, root string) ([]mail.QuotaResource, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(root, mailboxRoot); ok {
		return a.mailboxQuota(ctx, name)
	}
	if p, limits := a.s.groupOf(a.name); p != nil && root == a.s.Groups.root() {
		return resources(limits, p.usage()), nil
	}
	if root != userRoot {
		return nil, fmt.Errorf("%w: %q", mail.ErrNoQuotaRoot, root)
	}
	l := &a.tree.ledger
	switch active, err := l.active(); {
	case err != nil:
		return nil, err
	case !active && a.s.UserQuota:
		return nil, nil
	case !active:
		return nil, fmt.Errorf("%w: %q", mail.ErrNoQuotaRoot, root)
	}
	limits, used, err := l.usage()
	if err != nil {
		return nil, err
	}
	return resources(limits, used), nil
}

func (a *account) mailboxQuota(ctx context.Context, name string) ([]mail.QuotaResource, error) {
	clean, err := a.s.cleanName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrNoQuotaRoot, err)
	}
	limits := a.s.rule(a.name, clean)
	if limits == (maildirsize.Amount{}) || clean != name {
		return nil, fmt.Errorf("%w: %q", mail.ErrNoQuotaRoot, mailboxRoot+name)
	}
	var used maildirsize.Amount
	b, err := a.open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", mail.ErrNoQuotaRoot, err)
	}
	defer a.sh.release(a.s, b)
	err = b.view(ctx, func(st *state) { used = st.physical() })
	return resources(limits, used), err
}

func resources(limits, used maildirsize.Amount) []mail.QuotaResource {
	var out []mail.QuotaResource
	if limits.Bytes > 0 {
		out = append(out, mail.QuotaResource{Kind: mail.QuotaStorage, Used: used.Bytes, Limit: limits.Bytes})
	}
	if limits.Messages > 0 {
		out = append(out, mail.QuotaResource{Kind: mail.QuotaMessages, Used: used.Messages, Limit: limits.Messages})
	}
	return out
}

// SetQuota implements mail.QuotaSetter. Limits are octets and messages of the account; a maildirsize can't say that nothing
// is allowed, so that a limit of 0 is mail.ErrQuotaKind.
func (a *account) SetQuota(ctx context.Context, root string, limits []mail.QuotaResource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p, _ := a.s.groupOf(a.name); p != nil && root == a.s.Groups.root() {
		return fmt.Errorf("%w: the limits of %q are the store's", mail.ErrPermission, root)
	}
	if root != userRoot {
		if roots, err := a.QuotaRoots(ctx, strings.TrimPrefix(root, mailboxRoot)); err == nil && strings.HasPrefix(root, mailboxRoot) && len(roots) > 0 && roots[len(roots)-1] == root {
			return fmt.Errorf("%w: the limits of %q are the store's", mail.ErrPermission, root)
		}
		return fmt.Errorf("%w: %q", mail.ErrNoQuotaRoot, root)
	}
	var next maildirsize.Amount
	for _, l := range limits {
		switch {
		case l.Limit <= 0:
			return fmt.Errorf("%w to %d: %s", mail.ErrQuotaKind, l.Limit, l.Kind)
		case l.Kind == mail.QuotaStorage:
			next.Bytes = l.Limit
		case l.Kind == mail.QuotaMessages:
			next.Messages = l.Limit
		default:
			return fmt.Errorf("%w: %s", mail.ErrQuotaKind, l.Kind)
		}
	}
	if !a.s.UserQuota || a.s.rule(a.name, "") != (maildirsize.Amount{}) {
		return fmt.Errorf("%w: the limits of %q are the store's", mail.ErrPermission, root)
	}
	return a.tree.ledger.setLimits(next)
}

// physical returns what the mailbox's messages take.
func (s *state) physical() maildirsize.Amount {
	used := maildirsize.Amount{Messages: int64(s.n)}
	for _, m := range s.all {
		used.Bytes += m.bytes() - int64(m.lf)
	}
	return used
}

// physical returns the size of the message as it lies in its file, before compression.
func (m *msg) physical() int64 { return m.size - int64(m.lf) }

// counting makes the transaction's meter.
func (t *txn) counting() (err error) {
	if !t.metered {
		t.meter, err = t.b.tree.ledger.meter()
		t.metered = err == nil
	}
	return err
}

// charge counts a message that is about to come into the mailbox: mail.ErrOverQuota when it doesn't fit.
func (t *txn) charge(base string, size int64) error {
	one := maildirsize.Amount{Bytes: size, Messages: 1}
	if err := t.fits(one); err != nil {
		return err
	}
	if err := t.counting(); err != nil {
		return err
	}
	return t.meter.add(base, one)
}

// discharge counts a message that is about to go.
func (t *txn) discharge(m *msg) error {
	if err := t.counting(); err != nil {
		return err
	}
	t.meter.remove(t.base(m), maildirsize.Amount{Bytes: m.physical(), Messages: 1})
	return nil
}

// transfer counts a message that comes from another mailbox of the account, which doesn't become larger by it.
func (t *txn) transfer(tr *transfer, from, to string, size int64) error {
	one := maildirsize.Amount{Bytes: size, Messages: 1}
	if err := t.fits(one); err != nil {
		return err
	}
	tr.exchange(from, to, one)
	return nil
}

// fits says whether this mailbox's own limits let more in.
func (t *txn) fits(more maildirsize.Amount) error {
	limits := t.b.s.rule(t.b.tree.ledger.account, t.b.title())
	if limits == (maildirsize.Amount{}) {
		return nil
	}
	if t.held == nil {
		used := t.st.physical()
		t.held = &used
	}
	used := t.held.Plus(more)
	for i := range t.adds {
		if m := &t.adds[i].m; !t.dead[m.uid] {
			used = used.Plus(maildirsize.Amount{Bytes: m.physical(), Messages: 1})
		}
	}
	for uid := range t.dead {
		if m, ok := t.st.get(uid); ok {
			used = used.Minus(maildirsize.Amount{Bytes: m.physical(), Messages: 1})
		}
	}
	if !used.Within(limits) {
		return fmt.Errorf("%w: mailbox %q", mail.ErrOverQuota, t.b.title())
	}
	return nil
}
