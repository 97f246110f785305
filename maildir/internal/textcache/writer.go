package textcache

import (
	"sync"

	"github.com/buuta/mail/mime/searchtext"
)

// Texts are written when so many octets have come together, and a group is made when so many entries or octets have.
const (
	writeSize  = 1 << 20
	sealSize   = 16 << 20
	sealNumber = groupLimit
)

// writer adds to the files, in the background: whoever adds would wait for groups to be made otherwise, which is a third of the work. A nil
// writer does nothing.
type writer struct {
	c   *Cache
	v   *view // until flush, the background's
	buf []byte
	n   int // entries in buf

	background sync.WaitGroup
	spare      []byte // what was handed to it last
	failed     bool
	filter     filterBuilder
}

// add adds a text.
func (w *writer) add(uid uint32, t searchtext.Text) {
	if w == nil {
		return
	}
	e := newEntry(w.v.generation, uid, t)
	w.buf = append(e.appendTo(w.buf), t.All...)
	w.n++
	if len(w.buf) >= writeSize || w.n >= sealNumber {
		w.hand()
	}
}

// flush writes what waits, and returns when all is written or writing has failed.
func (w *writer) flush() {
	if w != nil {
		w.hand()
		w.background.Wait()
		w.filter.release()
	}
}

// whole returns the files when all that was added is in them, otherwise nil. It is called after flush.
func (w *writer) whole() *view {
	if w == nil || w.failed {
		return nil
	}
	return w.v
}

// hand hands what waits to the background, when that has done with what it had.
func (w *writer) hand() {
	w.background.Wait()
	buf, n := w.buf, w.n
	w.buf, w.n, w.spare = w.spare[:0], 0, buf
	if !w.failed {
		w.background.Go(func() { w.write(buf, n) })
	}
}

// write writes n entries, and makes groups. The first failure ends the writing.
func (w *writer) write(buf []byte, n int) {
	var err error
	if n > 0 {
		_, err = w.v.text.WriteAt(buf, w.v.textEnd)
	}
	if err == nil {
		w.v.textEnd += int64(len(buf))
		w.v.loose += n
	}
	for err == nil && w.v.untidy() {
		err = w.seal()
	}
	if err != nil {
		w.failed = true
		w.c.failed(err)
	}
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
