package maildir

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// treeWatch is who watches the mailboxes of one account's tree. What this process changes it is told of; what others do it
// finds by the times of the folders, three a mailbox every Store.Poll, however many watch.
type treeWatch struct {
	a    *account
	refs int // guarded by shared.mu, as is watchers
	all  map[*watcher]struct{}

	// What only the poller uses.
	rootTime time.Time
	dirs     [][3]string             // of the mailboxes, each with its new and cur; put together once
	times    map[string][3]time.Time // of each
}

// watchTree has wake called when something in a's tree may have changed.
func (a *account) watchTree(wake func()) (cancel func()) {
	sh, w := a.sh, &watcher{wake}
	sh.mu.Lock()
	if sh.watches == nil {
		sh.watches = map[string]*treeWatch{}
	}
	t := sh.watches[a.root]
	if t == nil {
		t = &treeWatch{all: map[*watcher]struct{}{}}
		sh.watches[a.root] = t
	}
	t.refs++
	t.all[w] = struct{}{}
	first := t.refs == 1
	sh.mu.Unlock()
	if first {
		t.a = a.again()
	}
	a.s.poller.add(a.s, t)
	return sync.OnceFunc(func() {
		a.s.poller.remove(t)
		sh.mu.Lock()
		delete(t.all, w)
		t.refs--
		last := t.refs == 0
		if last && sh.watches[a.root] == t {
			delete(sh.watches, a.root)
		}
		sh.mu.Unlock()
		if last {
			t.a.end()
		}
	})
}

// wakeTree tells those who watch a tree.
func (sh *shared) wakeTree(root string) {
	sh.mu.Lock()
	t := sh.watches[root]
	var all []*watcher
	if t != nil {
		all = slices.Collect(maps.Keys(t.all))
	}
	sh.mu.Unlock()
	for _, w := range all {
		w.wake()
	}
}

func (t *treeWatch) title() string { return t.a.root }

func (t *treeWatch) wake() { t.a.sh.wakeTree(t.a.root) }

// refresh looks for what other programs did.
func (t *treeWatch) refresh(ctx context.Context) error {
	fsys := t.a.sh.fs
	now, _, err := vfs.Stamp(fsys, t.a.root)
	if err != nil {
		return err
	}
	first := t.times == nil
	changed := false
	if first || !now.Equal(t.rootTime) {
		folders, err := t.a.folders()
		if err != nil {
			return err
		}
		folders[inbox] = ""
		t.rootTime, changed = now, true
		times := make(map[string][3]time.Time, len(folders))
		t.dirs = t.dirs[:0]
		for _, f := range slices.Sorted(maps.Values(folders)) {
			dir := strings.TrimSuffix(t.a.root+"/"+f, "/")
			t.dirs = append(t.dirs, [3]string{dir, dir + "/new", dir + "/cur"})
			times[dir] = t.times[dir]
		}
		t.times = times
	}
	for _, dir := range t.dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		var at [3]time.Time
		for i, d := range dir {
			at[i], _, _ = vfs.Stamp(fsys, d) // what isn't there has none
		}
		if t.times[dir[0]] != at {
			t.times[dir[0]], changed = at, true
		}
	}
	if changed && !first {
		t.wake()
	}
	return nil
}

// Watch implements mail.AccountWatcher. What other programs do is found out by looking every Store.Poll.
func (a *account) Watch(wake func()) (cancel func()) { return a.watchTree(wake) }

// shareWatch is one Watch of an account that sees others' mailboxes: it watches the trees of those who share.
type shareWatch struct {
	u      *sharer
	notify func()

	mu    sync.Mutex
	trees map[string]func() // what ends the watch, by root
	ended bool
}

// Watch implements mail.AccountWatcher.
func (u *sharer) Watch(wake func()) (cancel func()) {
	w := &shareWatch{u: u.again(), notify: wake, trees: map[string]func(){}}
	w.trees[u.own.root] = u.own.watchTree(wake)
	w.follow(context.Background())
	forget := u.own.sh.shares.watch(func() { w.refresh(context.Background()) })
	u.s.poller.add(u.s, w)
	return sync.OnceFunc(func() {
		u.s.poller.remove(w)
		forget()
		w.mu.Lock()
		w.ended = true
		for _, end := range w.trees {
			end()
		}
		w.mu.Unlock()
		w.u.Close()
	})
}

func (w *shareWatch) title() string { return w.u.own.root }
func (w *shareWatch) wake()         { w.notify() }

// refresh looks who shares with the user now.
func (w *shareWatch) refresh(ctx context.Context) error {
	changed, err := w.follow(ctx)
	if changed {
		w.notify()
	}
	return err
}

func (w *shareWatch) follow(ctx context.Context) (changed bool, err error) {
	owners, err := w.u.sharingOwners(ctx)
	if err != nil {
		return false, err
	}
	want := map[string]string{w.u.own.root: w.u.own.name}
	for _, o := range owners {
		if root, err := w.u.s.accountDir(o); err == nil {
			want[root] = o
		}
	}
	if w.u.c.PublicPath != "" {
		want[w.u.c.PublicPath] = ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false, nil
	}
	for root, owner := range want {
		if w.trees[root] != nil {
			continue
		}
		a, err := w.u.tree(owner, root)
		if err != nil {
			continue // not there yet
		}
		w.trees[root] = a.watchTree(w.notify)
		a.end()
		changed = true
	}
	for root, end := range w.trees {
		if _, still := want[root]; !still {
			end()
			delete(w.trees, root)
			changed = true
		}
	}
	return changed, nil
}
