package maildir

import (
	"container/list"
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/textcache"
)

// box is a mailbox in memory, shared by every session of the process that has it open.
//
// Who holds the token of w is the writer: only it changes the folder and st, and it needs no lock to read st. mu is held for
// the moments in which st is replaced or changed in memory, and by all who read. So readers never wait for a disk,
// and see nothing that isn't durable.
type box struct {
	s  *Store
	sh *shared
	w  chan struct{}

	textTurn, threadTurn *textcache.Turn // of those who add to the text cache, and to that of threads; nil until somebody does. Guarded by mu

	qmu   sync.Mutex
	queue []*op

	mu    sync.RWMutex
	root  string // the account's folder
	dir   string
	name  string
	st    *state // nil before the first load, and after an error left it in doubt
	seen  stamps
	at    atomic.Pointer[stampNames]
	plain fileStamp // of a UID list that has no unique-ids of POP3
	dead  bool      // deleted
	watch map[*watcher]struct{}

	tree *tree         // of who has it open
	refs int           // guarded by shared.mu
	key  string        // in shared.boxes; guarded by shared.mu, as is what follows
	idle *list.Element // in shared.idle while nobody has it open

	idleWeight int64

	// What only the writer uses.
	end       logEnd
	lines     int       // of the UID list
	cleaned   time.Time // when leftovers in tmp were last looked for
	cacheSize int64
	rescan    bool        // look at the folders whatever their times say
	settling  atomic.Bool // settleLater is under way
	long      atomic.Bool // the log has many records behind its snapshot
	undone    bool        // files were renamed there and back: a crash could find them amid that
}

// op is a change that waits for its turn.
type op struct {
	ctx  context.Context
	run  func(*txn) error
	err  error
	done chan struct{}
}

// do runs f as a part of a commit: when it returns nil, what f did is durable and seen by all. Changes that come while
// another commit is at work are done together, each as if alone: one that fails leaves the others.
func (b *box) do(ctx context.Context, f func(*txn) error) error {
	o := &op{ctx: ctx, run: f, done: make(chan struct{})}
	b.qmu.Lock()
	b.queue = append(b.queue, o)
	b.qmu.Unlock()
	select {
	case <-o.done:
		return o.err
	case b.w <- struct{}{}:
		b.commit(ctx)
		<-b.w
		<-o.done
		return o.err
	case <-ctx.Done():
		if b.unqueue(o) {
			return ctx.Err()
		}
		<-o.done // it is being done
		return o.err
	}
}

// unqueue takes back an op that nobody has begun.
func (b *box) unqueue(o *op) bool {
	b.qmu.Lock()
	defer b.qmu.Unlock()
	for i, q := range b.queue {
		if q == o {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			return true
		}
	}
	return false
}

// commit does what is in the queue. The caller is the writer.
func (b *box) commit(ctx context.Context) {
	b.qmu.Lock()
	ops := b.queue
	b.queue = nil
	b.qmu.Unlock()
	if len(ops) == 0 {
		return
	}
	// The batch is for many: it doesn't end when one of them goes away.
	err := b.batch(context.WithoutCancel(ctx), ops)
	for _, o := range ops {
		if err != nil && o.err == nil {
			o.err = err
		}
		close(o.done)
	}
}

// batch runs ops in one transaction and makes it durable. An error is everybody's.
func (b *box) batch(ctx context.Context, ops []*op) error {
	b.mu.RLock()
	dead := b.dead
	b.mu.RUnlock()
	if dead {
		return mail.ErrNoMailbox
	}
	lock, err := lockFile(ctx, b.sh.fs, b.dir+"/"+lockName)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return mail.ErrNoMailbox
		}
		return err
	}
	defer lock.Close()
	return b.locked(ctx, ops)
}

// locked is batch for who holds the lock already.
func (b *box) locked(ctx context.Context, ops []*op) error {
	if err := b.load(); err != nil {
		return err
	}
	t := b.begin(ctx)
	defer t.close()
	if err := t.sync(); err != nil {
		t.rollback(mark{})
		b.doubt()
		return err
	}
	if t.fresh {
		t.old = len(t.adds)
	}
	for _, o := range ops {
		at := t.mark()
		if o.err = o.ctx.Err(); o.err == nil {
			o.err = o.run(t)
		}
		if errors.Is(o.err, errListed) {
			t.rollback(at)
			if err := t.takeIn(); err != nil {
				t.rollback(mark{})
				b.doubt()
				return err
			}
			at = t.mark()
			o.err = o.run(t)
		}
		if o.err != nil {
			t.rollback(at)
		}
	}
	if err := t.flush(); err != nil {
		t.rollback(mark{})
		b.doubt()
		return err
	}
	return nil
}

// refresh looks whether others have changed something and takes it in.
func (b *box) refresh(ctx context.Context) error { return b.look(ctx, true) }

// look is refresh, that reads folders again which are in doubt only when it is asked to.
func (b *box) look(ctx context.Context, doubt bool) error {
	b.mu.RLock()
	dead, dir, loaded, seen := b.dead, b.dir, b.st != nil, b.seen
	b.mu.RUnlock()
	if dead {
		return mail.ErrNoMailbox
	}
	if loaded {
		changed, err := b.changed(dir, &seen)
		if err != nil {
			return err
		}
		if !changed {
			if doubt && b.overdue(&seen) {
				return b.do(ctx, (*txn).doubtful)
			}
			return nil
		}
	}
	return b.do(ctx, func(*txn) error { return nil })
}
