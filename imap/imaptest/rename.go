package imaptest

import (
	"context"
	"maps"
	"strings"

	"github.com/buuta/mail"
)

func (a *account) Rename(ctx context.Context, from, to string) error {
	if err := a.store.enter(ctx, "Rename"); err != nil {
		return err
	}
	a.store.mu.Lock()
	wake, err := a.rename(from, to)
	a.store.mu.Unlock()
	if err == nil {
		wake()
	}
	return err
}

// rename is Rename under the store's lock.
func (a *account) rename(from, to string) (wake func(), err error) {
	b, r, err := a.find(from)
	tree, local := a.tree(from)
	switch {
	case err != nil && (tree == nil || !a.seesBelow(from)):
		return nil, err
	case err != nil && tree != a: // a level without a mailbox has no rights that could allow it
		return nil, mail.ErrPermission
	case err == nil && !r.Has(mail.RightDeleteBox):
		return nil, mail.ErrPermission
	case !validName(to):
		return nil, mail.ErrBadName
	}
	if target, _ := a.tree(to); target != tree || local == "INBOX" && tree != a {
		return nil, mail.ErrBadName
	}
	_, name, err := a.place(to)
	switch {
	case err != nil:
		return nil, err
	case strings.HasPrefix(name, local+"/") && local != "INBOX":
		return nil, mail.ErrBadName
	case tree.boxes[name] != nil || tree.hasBelow(name):
		return nil, mail.ErrExists
	}
	more := tree.lacking(name)
	if local != "INBOX" {
		more-- // it only moves
	}
	if err := tree.room(mail.QuotaMailboxes, more); err != nil {
		return nil, err
	}
	tree.makeParents(name)
	if local == "INBOX" {
		saved := a.newBox(name, nil)
		a.boxes[name] = saved
		b.moveTo(saved, mail.AllUIDs(), true, a)
		return a.store.wakers(func(w *account) bool { return w == a || w.rights(b)|w.rights(saved) != 0 }), nil
	}
	for old, b := range maps.Clone(tree.boxes) {
		if old == local || strings.HasPrefix(old, local+"/") {
			delete(tree.boxes, old)
			b.name = name + old[len(local):]
			tree.boxes[b.name] = b
		}
	}
	return a.store.wakers(nil), nil
}

// seesBelow reports whether the user sees a mailbox below a name.
func (a *account) seesBelow(name string) bool {
	for other := range a.visible() {
		if strings.HasPrefix(other, canonical(name)+"/") {
			return true
		}
	}
	return false
}
