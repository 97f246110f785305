package maildir

import (
	"context"
	"sync"
)

// tree is what the sessions of one account share: the lock under which mailboxes are made, renamed and removed.
type tree struct {
	mu   sync.RWMutex
	move chan struct{} // held while messages move between two mailboxes, so that no two moves wait for each other
	refs int

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

func (sh *shared) releaseTree(root string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if t := sh.trees[root]; t != nil {
		if t.refs--; t.refs == 0 {
			delete(sh.trees, root)
		}
	}
}

// acquire returns the box of a folder, the same for all who ask.
func (a *account) acquire(dir, name string) *box {
	sh := a.sh
	sh.mu.Lock()
	defer sh.mu.Unlock()
	b := sh.boxes[dir]
	if b == nil {
		b = &box{s: a.s, sh: sh, w: make(chan struct{}, 1), root: a.root, dir: dir, name: name}
		sh.boxes[dir] = b
	}
	if b.refs == 0 {
		b.tree = a.tree // which lives as long as any of those that have the box
	}
	b.refs++
	return b
}

// release gives a box back. Some that nobody has open stay in memory; they hold no files.
func (sh *shared) release(s *Store, b *box) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if b.refs--; b.refs > 0 {
		return
	}
	sh.clock++
	b.idle = sh.clock
	var oldest *box
	n := 0
	for _, o := range sh.boxes {
		if o.refs == 0 {
			n++
			if oldest == nil || o.idle < oldest.idle {
				oldest = o
			}
		}
	}
	if n > limit(s.Limits.IdleMailboxes, 64) {
		delete(sh.boxes, oldest.dir)
	}
}

// rekey takes a box that is no more out of the registry, or one that has moved to another folder to its new place.
func (sh *shared) rekey(b *box, from, to string) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.boxes[from] == b {
		delete(sh.boxes, from)
	}
	if to != "" {
		sh.boxes[to] = b
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
