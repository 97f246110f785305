package maildir

import (
	"context"
	"os"
	"path"
	"sync"

	"github.com/buuta/mail/maildir/internal/seen"
)

// privateDir is the folder in a user's own one for the \Seen of mailboxes that are others': a file for each, named after the
// mailbox's ID, which stays when its name changes.
const privateDir = "buuta.seen"

// private is one such file, shared by the sessions that have the mailbox open.
type private struct {
	name string
	refs int // guarded by shared.mu

	mu    sync.Mutex // also held while the user changes something in the mailbox
	table *seen.Table
	stamp fileStamp
	size  int64 // of what is whole in the file
	whole int64 // of the file when it was last written as a whole

	wmu      sync.Mutex
	watchers map[*watcher]struct{}
}

func (sh *shared) acquirePrivate(name string) *private {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.privates == nil {
		sh.privates = map[string]*private{}
	}
	p := sh.privates[name]
	if p == nil {
		p = &private{name: name}
		sh.privates[name] = p
	}
	p.refs++
	return p
}

func (sh *shared) releasePrivate(p *private) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if p.refs--; p.refs == 0 {
		delete(sh.privates, p.name)
	}
}

// load reads the file when another process has written it. A file of another UIDVALIDITY counts as none. The lock is held.
func (p *private) load(s *Store, validity uint32) error {
	stamp, err := stampOf(s.shared.fs, p.name)
	if err != nil {
		return err
	}
	if p.table != nil && p.table.Validity == validity && p.stamp.same(stamp) {
		return nil
	}
	var raw []byte
	if stamp.size <= seen.MaxFile {
		if raw, err = readFile(s.shared.fs, p.name); err != nil {
			return err
		}
	}
	t, good, err := seen.Decode(raw)
	if err != nil {
		return err
	}
	if int64(good) < stamp.size {
		s.logger().Warn("end of a file of seen messages can't be read", "file", p.name, "whole", good, "size", stamp.size)
	}
	if t.Validity != validity {
		t, good = seen.New(validity), 0
	}
	p.table, p.stamp, p.size, p.whole = t, stamp, int64(good), int64(good)
	return nil
}

// change does a change that f makes of the table, durably. The lock is held.
func (p *private) change(ctx context.Context, s *Store, validity uint32, f func(*seen.Table) (seen.Change, error)) (modseq uint64, err error) {
	lock, err := lockFile(ctx, s.shared.fs, path.Dir(p.name)+"/lock")
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	if err := p.load(s, validity); err != nil {
		return 0, err
	}
	c, err := f(p.table)
	if err != nil {
		return 0, err
	}
	line := c.Line()
	if p.size == 0 || p.size != p.stamp.size || p.size > 4*p.whole+64<<10 {
		p.table.Apply(c)
		b := p.table.Encode()
		if err = writeFile(s.shared.fs, path.Dir(p.name), path.Base(p.name), b, !s.NoSync); err == nil {
			p.size, p.whole = int64(len(b)), int64(len(b))
		}
	} else if err = p.append(s, line); err == nil {
		p.table.Apply(c)
		p.size += int64(len(line))
	}
	if err != nil {
		p.table = nil // what is on disk is in doubt
		return 0, err
	}
	info, err := s.shared.fs.Stat(p.name)
	if err != nil {
		p.table = nil
		return 0, err
	}
	p.stamp = fileStamp{info.ModTime(), info.Size()}
	p.wake()
	return c.At + c.Add, nil
}

func (p *private) append(s *Store, line []byte) error {
	f, err := s.shared.fs.OpenFile(p.name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(line, p.size)
	if err == nil && !s.NoSync {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func (p *private) watch(wake func()) (cancel func()) {
	w := &watcher{wake}
	p.wmu.Lock()
	defer p.wmu.Unlock()
	if p.watchers == nil {
		p.watchers = map[*watcher]struct{}{}
	}
	p.watchers[w] = struct{}{}
	return func() {
		p.wmu.Lock()
		defer p.wmu.Unlock()
		delete(p.watchers, w)
	}
}

func (p *private) wake() {
	p.wmu.Lock()
	all := make([]*watcher, 0, len(p.watchers))
	for w := range p.watchers {
		all = append(all, w)
	}
	p.wmu.Unlock()
	for _, w := range all {
		w.wake()
	}
}
