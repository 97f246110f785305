package maildir

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/buuta/mail"
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

	qmu   sync.Mutex
	queue []*op

	mu    sync.RWMutex
	root  string // the account's folder
	dir   string
	name  string
	st    *state // nil before the first load, and after an error left it in doubt
	seen  stamps
	dead  bool // deleted
	watch map[*watcher]struct{}

	refs int    // guarded by shared.mu
	idle uint64 // when the last one left

	// What only the writer uses.
	end       logEnd
	lines     int // of the UID list
	cleaned   bool
	cacheSize int64
	rescan    bool // look at the folders whatever their times say
}

// stamps are the marks by which changes of others show.
type stamps struct {
	new, cur       dirStamp
	list, log, kws fileStamp
	scanned        time.Time     // when the folders were last read
	took           time.Duration // how long that took
}

type fileStamp struct {
	mtime time.Time
	size  int64
}

// dirStamp is a folder's time. It is unsure when something may have happened to the folder since it was read that the
// time doesn't show: our own change came after, or the time is so fresh that the next change may get the same.
type dirStamp struct {
	mtime  time.Time
	unsure bool
}

// tick is the coarsest step in which file systems of today write times, with room to spare. A time without fractions
// of a second is taken to come from one that has only seconds.
func tick(mtime time.Time) time.Duration {
	if mtime.Nanosecond() == 0 {
		return 2 * time.Second
	}
	return 20 * time.Millisecond
}

// stamps returns what marks say, for a log with this stamp.
func (d *marks) stamps(log fileStamp) stamps {
	at := func(ns int64) time.Time {
		if ns == 0 {
			return time.Time{}
		}
		return time.Unix(0, ns)
	}
	return stamps{
		new:  dirStamp{mtime: at(d.new)},
		cur:  dirStamp{mtime: at(d.cur)},
		list: fileStamp{at(d.list), d.listSize},
		kws:  fileStamp{at(d.kws), d.kwsSize},
		log:  log,
	}
}

// marks returns what can be kept of the stamps.
func (s *stamps) marks(lines int) marks {
	at := func(t time.Time) int64 {
		if t.IsZero() {
			return 0
		}
		return t.UnixNano()
	}
	return marks{at(s.new.mtime), at(s.cur.mtime), at(s.list.mtime), at(s.kws.mtime), s.list.size, s.kws.size, uint32(lines)}
}

// same reports whether two stamps are equal. Times that come from a file have no location or clock that would count.
func (f fileStamp) same(g fileStamp) bool { return f.size == g.size && f.mtime.Equal(g.mtime) }

func (b *box) stamp(name string) (fileStamp, error) {
	info, err := b.sh.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fileStamp{}, nil
	}
	if err != nil {
		return fileStamp{}, err
	}
	return fileStamp{info.ModTime(), info.Size()}, nil
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
func (b *box) batch(ctx context.Context, ops []*op) (err error) {
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
	for _, o := range ops {
		at := t.mark()
		if o.err = o.ctx.Err(); o.err == nil {
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

// doubt forgets what is in memory after a failure that may have left more on disk than is known.
func (b *box) doubt() {
	b.mu.Lock()
	b.st, b.seen, b.rescan = nil, stamps{}, true
	b.mu.Unlock()
}

// load reads the index log when nothing is in memory, or when another process has written to it.
func (b *box) load() error {
	name := b.dir + "/" + logName
	now, err := b.stamp(name)
	if err != nil {
		return err
	}
	if b.st != nil && now.same(b.seen.log) {
		return nil
	}
	raw, err := readFile(b.sh.fs, name)
	if err != nil {
		return err
	}
	st := newState(limit(b.s.Limits.History, 10000))
	end, ok, err := parseLog(raw, st)
	if err != nil {
		return err
	}
	if !ok {
		st, end = newState(st.history), logEnd{}
	}
	if ok {
		if end.size < int64(len(raw)) {
			b.s.logger().Warn("mailbox index ends torn; cut", "mailbox", b.name, "dir", b.dir, "at", end.size, "size", len(raw))
		}
		// What was read may not be durable yet: who wrote it may have died before its sync.
		if err := b.settle(name, end.size, int64(len(raw))); err != nil {
			return err
		}
		if now, err = b.stamp(name); err != nil {
			return err
		}
	}
	b.end = end
	cache, err := b.stamp(b.dir + "/" + cacheName)
	if err != nil {
		return err
	}
	b.cacheSize = cache.size
	seen := stamps{log: now}
	if ok {
		seen = st.marks.stamps(now)
		b.lines = int(st.marks.lines)
	}
	b.mu.Lock()
	b.st, b.seen = st, seen
	b.mu.Unlock()
	return nil
}

// settle cuts a log behind its last good frame and syncs it.
func (b *box) settle(name string, good, size int64) error {
	f, err := b.sh.fs.OpenFile(name, osRDWR, 0)
	if err != nil {
		return err
	}
	if good < size {
		err = f.Truncate(good)
	}
	if err == nil && !b.s.NoSync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// refresh looks whether others have changed something and takes it in.
func (b *box) refresh(ctx context.Context) error {
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
			if b.overdue(&seen) {
				return b.do(ctx, (*txn).doubtful)
			}
			return nil
		}
	}
	return b.do(ctx, func(*txn) error { return nil })
}

// changed reports whether a commit would find something new in the folder.
func (b *box) changed(dir string, seen *stamps) (bool, error) {
	for _, f := range []struct {
		name string
		was  fileStamp
	}{{logName, seen.log}, {uidListName, seen.list}, {keywordsName, seen.kws}} {
		now, err := b.stamp(dir + "/" + f.name)
		if err != nil || !now.same(f.was) {
			return true, err
		}
	}
	for _, d := range []struct {
		name string
		was  dirStamp
	}{{"new", seen.new}, {"cur", seen.cur}} {
		now, err := b.stamp(dir + "/" + d.name)
		if err != nil || !now.mtime.Equal(d.was.mtime) {
			return true, err
		}
	}
	return false, nil
}

// overdue reports whether a folder of which we are unsure should be read again now. Large folders are read less often,
// so that this takes a tenth of the time at most.
func (b *box) overdue(seen *stamps) bool {
	if !seen.new.unsure && !seen.cur.unsure {
		return false
	}
	return b.s.now().Sub(seen.scanned) >= max(tick(seen.new.mtime), tick(seen.cur.mtime), 10*seen.took)
}
