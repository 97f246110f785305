package textcache

import (
	"errors"
	"os"
	"slices"
)

var errDamaged = errors.New("textcache: what was just written can't be read")

// compact writes the files anew with the texts of live messages only. What can't be read is left out and made again
// when it is wanted.
func (c *Cache) compact(live []uint32) {
	tmp := &Cache{FS: c.FS, Path: c.Path + ".new", Validity: c.Validity, Key: c.Key, Failed: c.Failed}
	v, err := tmp.create()
	if err != nil {
		c.failed(err)
		return
	}
	out := &writer{c: tmp, v: v}
	old := c.open(os.O_RDONLY)
	if old != nil {
		done := make([]bool, len(live))
		old.each(func(e *entry, at int64) {
			i, ok := slices.BinarySearch(live, e.uid)
			if !ok || done[i] {
				return
			}
			if raw := old.read(at, e.size(), true); raw != nil {
				if t, ok := e.open(old.generation, raw); ok {
					out.add(e.uid, t)
					done[i] = true
				}
			}
		})
		old.close()
	}
	out.flush()
	v.close()
	for _, suffix := range []string{"", indexSuffix} {
		if !out.failed && err == nil {
			err = c.FS.Rename(tmp.Path+suffix, c.Path+suffix)
		} else {
			c.FS.Remove(tmp.Path + suffix)
		}
	}
	if err != nil {
		c.failed(err)
	}
}

// each calls f for every entry and its place in the text file. f may read.
func (v *view) each(f func(e *entry, at int64)) {
	for {
		g, entries, _, ok := v.nextGroup()
		if !ok {
			break
		}
		at := g.at
		for i := range entries {
			f(&entries[i], at)
			at += entries[i].size()
		}
	}
	for {
		at := v.textEnd
		e, _, ok := v.nextLoose()
		if !ok {
			return
		}
		f(&e, at)
	}
}
