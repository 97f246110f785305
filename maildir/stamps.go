package maildir

import (
	"errors"
	"io/fs"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

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

func (b *box) stamp(name string) (fileStamp, error) { return stampOf(b.sh.fs, name) }

// stampOf is a file's stamp, the zero one where there is no file.
func stampOf(fsys vfs.FS, name string) (fileStamp, error) {
	mtime, size, err := vfs.Stamp(fsys, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileStamp{}, err
	}
	return fileStamp{mtime, size}, nil
}

// stampNames are where a mailbox's stamps are read. Each mailbox that is watched is looked at every second: their names are put together once.
type stampNames struct {
	dir                      string
	log, list, kws, new, cur string
}

// namesIn returns those of a folder.
func (b *box) namesIn(dir string) *stampNames {
	if p := b.at.Load(); p != nil && p.dir == dir {
		return p
	}
	p := &stampNames{dir, dir + "/" + logName, dir + "/" + uidListName, dir + "/" + keywordsName, dir + "/new", dir + "/cur"}
	b.at.Store(p)
	return p
}

// changed reports whether a commit would find something new in the folder.
func (b *box) changed(dir string, seen *stamps) (bool, error) {
	at := b.namesIn(dir)
	for _, f := range [...]struct {
		name string
		was  fileStamp
	}{{at.log, seen.log}, {at.list, seen.list}, {at.kws, seen.kws}} {
		now, err := b.stamp(f.name)
		if err != nil || !now.same(f.was) {
			return true, err
		}
	}
	for _, d := range [...]struct {
		name string
		was  dirStamp
	}{{at.new, seen.new}, {at.cur, seen.cur}} {
		now, err := b.stamp(d.name)
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
