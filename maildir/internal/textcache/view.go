package textcache

import (
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"

	"github.com/buuta/mail/internal/vfs"
)

// view is the two files, opened, and how far they have been looked through. Others may write behind that meanwhile.
type view struct {
	reader
	textEnd  int64 // behind the last entry seen
	indexEnd int64 // behind the last group seen
	sealed   int64 // where the text begins that no group holds
	loose    int   // entries there
	dir      []byte
}

// reader reads the files. Each goroutine has its own.
type reader struct {
	header
	text, index vfs.File // index is nil when there is none that belongs to text

	buf    []byte // of text, from bufAt
	bufAt  int64
	window *[]byte // what buf lies in, from windows
	rowBuf [rowSize]byte
}

// open opens the files. It returns nil when there are none, or none of use.
func (c *Cache) open(flag int) *view {
	text, h, ok := c.openFile(c.Path, textMagic, flag)
	if !ok {
		return nil
	}
	v := &view{reader: reader{header: h, text: text}, textEnd: headerSize, indexEnd: headerSize, sealed: headerSize}
	if index, hi, ok := c.openFile(c.Path+indexSuffix, indexMagic, flag); ok && hi == h {
		v.index = index
	} else if ok {
		index.Close()
	}
	return v
}

// openFile opens one file if it is of this mailbox as it is now.
func (c *Cache) openFile(name, magic string, flag int) (vfs.File, header, bool) {
	f, err := c.FS.OpenFile(name, flag, 0)
	if err != nil {
		return nil, header{}, false
	}
	b := make([]byte, headerSize)
	_, err = f.ReadAt(b, 0)
	h, ok := parseHeader(b, magic)
	if err != nil || !ok || h.validity != c.Validity || h.key != c.Key {
		f.Close()
		return nil, h, false
	}
	return f, h, true
}

func (v *view) close() {
	v.release()
	v.text.Close()
	if v.index != nil {
		v.index.Close()
	}
}

// nextGroup reads the next group and its directory. ok is false when there is none, or none that is whole.
func (v *view) nextGroup() (g group, entries []entry, filterAt int64, ok bool) {
	if v.index == nil {
		return g, nil, 0, false
	}
	v.dir = slices.Grow(v.dir[:0], groupSize+groupLimit*entrySize)[:groupSize+groupLimit*entrySize]
	n, err := v.index.ReadAt(v.dir, v.indexEnd)
	if err != nil && err != io.EOF || n < groupSize {
		return g, nil, 0, false
	}
	g, ok = parseGroup(v.dir)
	if !ok || groupSize+g.directory() > int64(n) || g.at != v.sealed {
		return g, nil, 0, false
	}
	dir := v.dir[groupSize : groupSize+g.directory()]
	if sum(v.generation, v.dir[:groupSize-4], dir) != g.sum {
		return g, nil, 0, false
	}
	entries = make([]entry, g.n)
	for i := range entries {
		if entries[i], ok = parseEntry(dir[i*entrySize:]); !ok {
			return g, nil, 0, false
		}
	}
	filterAt = v.indexEnd + groupSize + g.directory()
	v.indexEnd += g.size()
	for i := range entries {
		v.sealed += entries[i].size()
	}
	v.textEnd = v.sealed
	return g, entries, filterAt, true
}

// row reads a row of a filter. One that can't be read, or is damaged, leaves out nothing.
func (r *reader) row(g *group, filterAt int64, gram uint32) (c candidates) {
	row := int(gram >> (maxBits - g.bits))
	b := r.rowBuf[:]
	if _, err := r.index.ReadAt(b, filterAt+int64(row)*rowSize); err != nil || le.Uint32(b[rowSize-4:]) != rowSum(r.generation, g.sum, row, b[:rowSize-4]) {
		return allEntries
	}
	for i := range c {
		c[i] = le.Uint64(b[8*i:])
	}
	c.and(&allEntries)
	return c
}

// window is how much text is read at a time where much of it is wanted.
const window = 256 << 10

// read returns the octets at a place in the text file, nil when they can't be had. They are valid until the next call. ahead says that what
// follows is wanted soon.
func (r *reader) read(at, n int64, ahead bool) []byte {
	if at >= r.bufAt && at+n <= r.bufAt+int64(len(r.buf)) {
		return r.buf[at-r.bufAt:][:n]
	}
	size := n
	if ahead {
		size = max(n, window)
	}
	if r.window == nil {
		r.window = windows.Get().(*[]byte)
	}
	*r.window = slices.Grow((*r.window)[:0], int(size))
	r.buf = (*r.window)[:size]
	got, err := r.text.ReadAt(r.buf, at)
	r.buf, r.bufAt = r.buf[:got], at
	if err != nil && err != io.EOF || int64(got) < n {
		return nil
	}
	return r.buf[:n]
}

// windows are what readers read into. A pool is no state that anybody could notice.
var windows = sync.Pool{New: func() any {
	b := make([]byte, 0, window)
	return &b
}}

// release gives back what was read into. What read has returned isn't valid any more.
func (r *reader) release() {
	if r.window != nil && cap(*r.window) <= 4*window {
		windows.Put(r.window)
	}
	r.window, r.buf = nil, nil
}

// nextLoose reads the entry behind the last that was seen, and its text. ok is false at the end, or where something isn't whole.
func (v *view) nextLoose() (e entry, raw []byte, ok bool) {
	b := v.read(v.textEnd, entrySize, true)
	if b == nil {
		return e, nil, false
	}
	if e, ok = parseEntry(b); !ok {
		return e, nil, false
	}
	if raw = v.read(v.textEnd, e.size(), true); raw == nil {
		return e, nil, false
	}
	if _, ok = e.open(v.generation, raw); !ok {
		return e, nil, false
	}
	v.textEnd += e.size()
	return e, raw, true
}

// create makes empty files of a new generation in place of whatever is there. The lock is held.
func (c *Cache) create() (*view, error) {
	h := header{c.Validity, c.Key, rand.Uint64()}
	if err := c.replace(c.Path, h.appendTo(nil, textMagic)); err != nil {
		return nil, err
	}
	if err := c.replace(c.Path+indexSuffix, h.appendTo(nil, indexMagic)); err != nil {
		return nil, err
	}
	v := c.open(os.O_RDWR)
	if v == nil {
		return nil, errVanished
	}
	return v, nil
}

// replace puts a new file in the place of another.
func (c *Cache) replace(name string, content []byte) error {
	f, err := c.FS.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = c.FS.Rename(name+".tmp", name)
	}
	if err != nil {
		c.FS.Remove(name + ".tmp")
	}
	return err
}
