package imaptest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/buuta/mail"
)

// QuotaRoot is the one root to which every mailbox of an account belongs.
const QuotaRoot = ""

// QuotaRoots implements [mail.QuotaAccount]. What others' mailboxes count against is not told.
func (a *account) QuotaRoots(ctx context.Context, mailbox string) ([]string, error) {
	if err := a.store.enter(ctx, "QuotaRoots"); err != nil {
		return nil, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if t, _ := a.tree(mailbox); t != a {
		return nil, nil
	}
	return []string{QuotaRoot}, nil
}

// Quota implements [mail.QuotaAccount].
func (a *account) Quota(ctx context.Context, root string) ([]mail.QuotaResource, error) {
	if err := a.store.enter(ctx, "Quota"); err != nil {
		return nil, err
	}
	if root != QuotaRoot {
		return nil, mail.ErrNoQuotaRoot
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	var out []mail.QuotaResource
	for kind, limit := range a.limits {
		out = append(out, mail.QuotaResource{Kind: kind, Used: a.used(kind), Limit: limit})
	}
	slices.SortFunc(out, func(x, y mail.QuotaResource) int { return cmp.Compare(x.Kind, y.Kind) })
	return out, nil
}

// SetQuota implements [mail.QuotaSetter].
func (a *account) SetQuota(ctx context.Context, root string, limits []mail.QuotaResource) error {
	if err := a.store.enter(ctx, "SetQuota"); err != nil {
		return err
	}
	if root != QuotaRoot {
		return mail.ErrNoQuotaRoot
	}
	next := map[mail.QuotaKind]int64{}
	for _, l := range limits {
		if !slices.Contains([]mail.QuotaKind{mail.QuotaStorage, mail.QuotaMessages, mail.QuotaMailboxes, mail.QuotaMetadata}, l.Kind) || l.Limit < 0 {
			return mail.ErrQuotaKind
		}
		next[l.Kind] = l.Limit
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	a.limits = next
	return nil
}

// used returns how much there is of a resource. The store is locked.
func (a *account) used(kind mail.QuotaKind) (n int64) {
	switch kind {
	case mail.QuotaStorage:
		return a.size
	case mail.QuotaMessages:
		for b := range maps.Values(a.boxes) {
			n += int64(len(b.msgs))
		}
	case mail.QuotaMailboxes:
		return int64(len(a.boxes))
	case mail.QuotaMetadata:
		n = a.notes.size()
		for b := range maps.Values(a.boxes) {
			n += b.notes.size()
			for _, others := range b.private {
				n += others.size()
			}
		}
	}
	return n
}

// room says whether more of a resource can be had. The store is locked.
func (a *account) room(kind mail.QuotaKind, more int64) error {
	if limit, limited := a.limits[kind]; limited && more > 0 && a.used(kind)+more > limit {
		return mail.ErrOverQuota
	}
	return nil
}

// roomFor is room for messages.
func (a *account) roomFor(list []*message) error {
	var size int64
	for _, m := range list {
		size += m.Size
	}
	return cmp.Or(a.room(mail.QuotaStorage, size), a.room(mail.QuotaMessages, int64(len(list))))
}
