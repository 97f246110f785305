package textcache

import (
	"context"
	"errors"
	"os"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/mime/searchtext"
)

// update reads the messages that are still undecided, and keeps their texts if nobody else is at it.
func (s *search) update(ctx context.Context, source Source) error {
	c := s.c
	if err := c.Turn.take(ctx); err != nil {
		return err
	}
	defer c.Turn.leave()
	var w *writer
	if lock, err := c.FS.Lock(c.Path + lockSuffix); err != nil {
		if !errors.Is(err, vfs.ErrLocked) {
			c.failed(err)
		}
	} else {
		defer lock.Close()
		// Others may have added texts meanwhile, or written new files.
		v := c.open(os.O_RDWR)
		if v != nil {
			if !s.resume(v) {
				if err := s.scan(ctx, v); err != nil {
					v.close()
					return err
				}
			}
			v = c.mend(v)
		}
		if v == nil {
			if v, err = c.create(); err != nil {
				c.failed(err)
			}
		}
		if v != nil {
			w = &writer{c: c, v: v}
			defer func() { w.v.close() }()
		}
	}
	if w == nil && s.adding {
		return nil
	}
	var err error
	if missing := s.undecided(); len(missing) > 0 {
		s.next = 0
		err = source(ctx, missing, func(uid uint32, t searchtext.Text) {
			if i, ok := s.find(uid); ok && s.state[i] == undecided {
				s.decide(i, t)
				w.add(uid, t)
				s.top = max(s.top, uid)
			}
		})
	}
	w.flush() // what there is, also when the rest could not be had
	c.Turn.leftAt(w.whole(), s.top)
	if err != nil {
		return err
	}
	if w.whole() != nil && !s.adding && s.wasteful() {
		w.c.compact(s.live)
	}
	return nil
}

// resume reports whether the files need no looking through, because nothing in them can count.
func (s *search) resume(v *view) bool {
	if !s.adding || !s.c.Turn.resume(v, s.live[0]) {
		return false
	}
	s.top = s.c.Turn.end.top
	return true
}

func (c *Cache) failed(err error) {
	if c.Failed != nil {
		c.Failed(err)
	}
}

// mend makes files that were scanned ready to be added to: what wasn't whole is cut off. It closes v and returns nil when there
// is nothing to be saved.
func (c *Cache) mend(v *view) *view {
	if v.index == nil {
		err := c.replace(c.Path+indexSuffix, v.header.appendTo(nil, indexMagic))
		if err == nil {
			index, h, ok := c.openFile(c.Path+indexSuffix, indexMagic, os.O_RDWR)
			if ok && h == v.header {
				v.index = index
			} else {
				err = errVanished
			}
		}
		if err != nil {
			c.failed(err)
			v.close()
			return nil
		}
	}
	if cut(v.text, v.textEnd) && cut(v.index, v.indexEnd) {
		return v
	}
	v.close()
	return nil
}

// cut makes a file end where it is said to. ok is false when it has ended before.
func cut(f vfs.File, end int64) (ok bool) {
	info, err := f.Stat()
	if err == nil && info.Size() > end {
		err = f.Truncate(end)
	}
	return err == nil && info.Size() >= end
}
