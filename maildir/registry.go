package maildir

import (
	"context"
	"errors"
	"sync"

	"github.com/buuta/mail"
)

// tree is what the sessions of one account share: the lock under which mailboxes are made, renamed and removed.
type tree struct {
	mu       sync.RWMutex
	validity sync.Mutex    // held while a new mailbox is given its UIDVALIDITY
	move     chan struct{} // held while messages move between two mailboxes, so that no two moves wait for each other
	refs     int

	ledger ledger
}

func (sh *shared) acquireTree(s *Store, account, root string) *tree {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	t := sh.trees[root]
	if t == nil {
		t = &tree{move: make(chan struct{}, 1), ledger: ledger{s: s, sh: sh, root: root, account: account}}
		sh.trees[root] = t
	}
	t.refs++
	return t
}

// moving waits until nobody moves messages, and keeps others from it until end is called.
func (t *tree) moving(ctx context.Context) (end func(), err error) {
	select {
	case t.move <- struct{}{}:
		return func() { <-t.move }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (sh *shared) releaseTree(root string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.unrefTree(root)
}

// unrefTree is releaseTree with the lock held.
func (sh *shared) unrefTree(root string) {
	if t := sh.trees[root]; t != nil {
		if t.refs--; t.refs == 0 {
			delete(sh.trees, root)
		}
	}
}

// acquire returns the box of a folder, the same for all who ask. A box holds its tree for as long as it is in memory.
func (a *account) acquire(dir, name string) *box {
	sh := a.sh
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b := sh.boxes[dir]
	if b == nil {
		b = &box{s: a.s, sh: sh, w: make(chan struct{}, 1), root: a.root, dir: dir, name: name, tree: a.tree, key: dir}
		a.tree.refs++
		sh.boxes[dir] = b
	}
	if b.idle != nil {
		sh.unidle(b)
	}
	b.refs++
	return b
}

// release gives a box back. Some that nobody has open stay in memory; they hold no files.
func (sh *shared) release(s *Store, b *box) {
	sh.leave(b)
	weight := b.weight()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if b.refs--; b.refs > 0 {
		return
	}
	if sh.boxes[b.key] != b {
		sh.unrefTree(b.root)
		return
	}
	b.idleWeight = weight
	b.idle = sh.idle.PushBack(b)
	sh.idleWeight += weight
	most, heaviest := limit(s.Limits.IdleMailboxes, 1024), int64(limit(s.Limits.IdleMemory, 32<<20))
	for sh.idle.Len() > 0 && (sh.idle.Len() > most || sh.idleWeight > heaviest) {
		oldest := sh.idle.Front().Value.(*box)
		sh.unidle(oldest)
		sh.forget(oldest)
	}
}

// leave tidies up when the last session leaves. Loose names are settled: the program may end now and another go on with the tree, whose
// flags we would take for lost ones should the machine stop long after. A log that has grown long is written anew, so that the next
// to open the mailbox reads a snapshot, which is several times as fast.
func (sh *shared) leave(b *box) {
	sh.mu.Lock()
	last := b.refs == 1
	sh.mu.Unlock()
	if !last {
		return
	}
	b.mu.RLock()
	loose := b.st != nil && !b.dead && len(b.st.loose) > 0
	long := b.st != nil && !b.dead && b.long.Load()
	b.mu.RUnlock()
	if !loose && !long {
		return
	}
	err := b.do(context.Background(), func(t *txn) error {
		t.snapshot = t.snapshot || long
		return t.settle()
	})
	if err != nil && !errors.Is(err, mail.ErrNoMailbox) {
		b.s.logger().Warn("can't tidy up a mailbox that was left", "mailbox", b.title(), "error", err)
	}
}

// forget takes a box that nobody has open out of memory. The lock is held.
func (sh *shared) forget(b *box) {
	if sh.boxes[b.key] == b {
		delete(sh.boxes, b.key)
	}
	sh.unrefTree(b.root)
}

// unidle takes a box from those that nobody has open. The lock is held.
func (sh *shared) unidle(b *box) {
	sh.idle.Remove(b.idle)
	sh.idleWeight -= b.idleWeight
	b.idle = nil
}

// weight returns about how many octets of memory a box takes.
func (b *box) weight() int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	n := int64(1 << 10)
	if b.st != nil {
		n += int64(b.st.snapshotSize())
	}
	return n
}

// rekey takes a box that is no more out of the registry, or one that has moved to another folder to its new place.
func (sh *shared) rekey(b *box, from, to string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.boxes[from] == b {
		delete(sh.boxes, from)
	}
	if to != "" {
		if was := sh.boxes[to]; was != nil && was.idle != nil {
			sh.unidle(was)
			sh.forget(was)
		}
		sh.boxes[to], b.key = b, to
	}
}

// writer makes the caller the box's writer until release is called.
func (b *box) writer(ctx context.Context) (release func(), err error) {
	select {
	case b.w <- struct{}{}:
		return func() { <-b.w }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *box) title() string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.name
}

func (b *box) folder() string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.dir
}
