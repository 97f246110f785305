package textcache

import (
	"context"
	"errors"
	"os"

	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/mime/searchtext"
)

// Texts are written when so many octets have come together, and a group is made when so many entries or octets have.
const (
	writeSize  = 1 << 20
	sealSize   = 16 << 20
	sealNumber = groupLimit
)

// update reads the messages that are still undecided, and keeps their texts if nobody else is at it.
func (s *search) update(ctx context.Context, source Source) error {
	c := s.c
	if c.Writer != nil {
		select {
		case c.Writer <- struct{}{}:
			defer func() { <-c.Writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
			if err := s.scan(ctx, v); err != nil {
				v.close()
				return err
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
	var err error
	if missing := s.undecided(); len(missing) > 0 {
		s.next = 0
		err = source(ctx, missing, func(uid uint32, t searchtext.Text) {
			if i, ok := s.find(uid); ok && s.state[i] == undecided {
				s.decide(i, t)
				w.add(uid, t)
			}
		})
	}
	w.flush() // what there is, also when the rest could not be had
	if err != nil {
		return err
	}
	if w != nil && s.wasteful() {
		w.compact(s.live)
	}
	return nil
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

// writer adds to the files. A nil writer does nothing.
type writer struct {
	c      *Cache
	v      *view
	buf    []byte
	filter filterBuilder
}

// add adds a text.
func (w *writer) add(uid uint32, t searchtext.Text) {
	if w == nil || w.c == nil {
		return
	}
	e := newEntry(w.v.generation, uid, t)
	w.buf = append(e.appendTo(w.buf), t.All...)
	w.v.loose++
	if len(w.buf) >= writeSize || w.v.loose >= sealNumber {
		w.flush()
	}
}

// flush writes what waits, and makes groups.
func (w *writer) flush() {
	if w == nil || w.c == nil {
		return
	}
	if len(w.buf) > 0 {
		if _, err := w.v.text.WriteAt(w.buf, w.v.textEnd); err != nil {
			w.fail(err)
			return
		}
		w.v.textEnd += int64(len(w.buf))
		w.buf = w.buf[:0]
	}
	for w.v.untidy() {
		if err := w.seal(); err != nil {
			w.fail(err)
			return
		}
	}
}

// fail ends the writing.
func (w *writer) fail(err error) {
	w.c.failed(err)
	w.c = nil
}

// untidy reports whether there is enough for a group.
func (v *view) untidy() bool { return v.loose >= sealNumber || v.textEnd-v.sealed >= sealSize }

// seal makes a group of the first loose entries.
func (w *writer) seal() error {
	v := w.v
	g := group{at: v.sealed}
	w.filter.reset()
	end, dir := v.textEnd, make([]byte, 0, groupLimit*entrySize)
	v.buf, v.textEnd = v.buf[:0], v.sealed
	for g.n < groupLimit && v.textEnd < end && v.textEnd-v.sealed < sealSize {
		e, raw, ok := v.nextLoose()
		if !ok {
			return errDamaged
		}
		w.filter.add(raw[entrySize:])
		dir = e.appendTo(dir)
		g.n++
	}
	if g.n == 0 {
		return errDamaged
	}
	g.bits = w.filter.bits()
	out := g.fields(make([]byte, 0, g.size()))
	g.sum = sum(v.generation, out, dir)
	out = append(le.AppendUint32(out, g.sum), dir...)
	out = w.filter.appendTo(out, v.generation, g.sum, g.bits)
	if _, err := v.index.WriteAt(out, v.indexEnd); err != nil {
		return err
	}
	v.indexEnd += g.size()
	v.sealed, v.textEnd, v.loose = v.textEnd, end, v.loose-g.n
	return nil
}
