package maildir

import (
	"hash/maphash"

	"github.com/buuta/mail/internal/vfs"
)

// readDirs reads new and cur. Files that are as we know them are noted in names, all others in found, so that a folder with a million
// files isn't held in memory. Of two files with one base name that in cur counts.
func (s *scanner) readDirs() error {
	s.found = map[string]place{}
	clear(s.names.as)
	astray := s.t.astray()
	for _, where := range []uint8{inNew, inCur} {
		for e, err := range vfs.Entries(s.t.b.sh.fs, s.t.b.dir+"/"+whereDir(where)) {
			if err != nil {
				return err
			}
			name := e.Name()
			if e.IsDir() || !safeBase(name) {
				continue
			}
			base, _, _, _ := parseName(name)
			if base == "" {
				continue
			}
			p := place{where, name}
			at := s.names.find(base)
			if at >= 0 && !astray && s.asKnown(at, base, p) {
				s.names.as.set(at, true)
				delete(s.found, base)
				continue
			}
			if at >= 0 {
				s.names.as.set(at, false)
			}
			s.found[base] = p
		}
	}
	return nil
}

// asKnown reports whether the file of the message at a place is where the state says, and this commit has nothing to do with it.
func (s *scanner) asKnown(at int, base string, p place) bool {
	t := s.t
	m := s.names.slot(at)
	if _, over := t.over[m.uid]; over || t.dead[m.uid] {
		return false
	}
	if _, odd := t.odds[m.uid]; odd {
		return false
	}
	if p.where != m.bits&slotCur {
		return false
	}
	if odd := t.st.odd[m.uid]; odd != "" {
		return p.name == odd
	}
	return p.name == fileName(base, p.where, m.sys, m.kw, "")
}

// nameIndex finds messages of a view by the base names of their files: a hash table of places, with some 12 octets a message. A place is
// a block's number times blockSize and the number within it.
type nameIndex struct {
	v     *view
	seed  maphash.Seed
	table []uint32 // places + 1, at the name's hash or behind it
	as    places   // of messages whose files are as they should be
}

func indexNames(v *view) *nameIndex {
	x := &nameIndex{v: v, seed: maphash.MakeSeed(), as: make(places, (len(v.blocks)*blockSize+63)/64)}
	n := 0
	for i := range v.blocks {
		n += len(v.blocks[i].slots)
	}
	size := 8
	for size < n*3/2 {
		size *= 2
	}
	x.table = make([]uint32, size)
	var buf [320]byte
	for at, s := range x.all {
		h := maphash.Bytes(x.seed, v.appendBase(buf[:0], x.block(at), s))
		for i := int(h) & (size - 1); ; i = (i + 1) & (size - 1) {
			if x.table[i] == 0 {
				x.table[i] = uint32(at + 1)
				break
			}
		}
	}
	return x
}

// find returns the place of the first message with a base name, -1 when there is none.
func (x *nameIndex) find(base string) int {
	var buf [320]byte
	last := len(x.table) - 1
	for i := int(maphash.String(x.seed, base)) & last; x.table[i] != 0; i = (i + 1) & last {
		at := int(x.table[i] - 1)
		if string(x.v.appendBase(buf[:0], x.block(at), x.slot(at))) == base {
			return at
		}
	}
	return -1
}

func (x *nameIndex) block(at int) *block { return &x.v.blocks[at/blockSize] }

func (x *nameIndex) slot(at int) *slot { return &x.v.blocks[at/blockSize].slots[at%blockSize] }

// all yields every message and its place.
func (x *nameIndex) all(yield func(int, *slot) bool) {
	for i := range x.v.blocks {
		slots := x.v.blocks[i].slots
		for j := range slots {
			if !yield(i*blockSize+j, &slots[j]) {
				return
			}
		}
	}
}

// places is a set of places, a bit each.
type places []uint64

func (p places) has(at int) bool { return p[at/64]&(1<<(at%64)) != 0 }

func (p places) set(at int, on bool) {
	if on {
		p[at/64] |= 1 << (at % 64)
	} else {
		p[at/64] &^= 1 << (at % 64)
	}
}
