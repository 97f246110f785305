package maildir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
)

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
	raw, free, err := readPooled(b.sh.fs, name)
	if err != nil {
		return err
	}
	defer free()
	st := newState(limit(b.s.Limits.History, 10000))
	var end logEnd
	ok := false
	if raw != nil {
		end, err = parseLog(raw, st)
		if errors.Is(err, ErrNewerIndex) {
			return err
		}
		if ok = err == nil; !ok {
			b.s.logger().Warn("mailbox index can't be used and is made anew", "mailbox", b.name, "dir", b.dir, "error", err)
		}
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
	} else {
		st, end = newState(st.history), logEnd{}
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
	b.settleLater()
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

// readBuffers are for index logs. A pool is no state that anybody could notice.
var readBuffers = sync.Pool{New: func() any { return new([]byte) }}

// readPooled is readFile with memory that is given back with free.
func readPooled(fsys FS, name string) (b []byte, free func(), err error) {
	none := func() {}
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, none, nil
	}
	if err != nil {
		return nil, none, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, none, err
	}
	buf := readBuffers.Get().(*[]byte)
	if int64(cap(*buf)) < info.Size() {
		*buf = make([]byte, info.Size())
	}
	n, err := io.ReadFull(f, (*buf)[:info.Size()])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return (*buf)[:n], func() { readBuffers.Put(buf) }, err
}
