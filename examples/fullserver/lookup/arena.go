package lookup

import (
	"encoding/binary"
	"errors"
	"hash/maphash"
	"iter"
	"math"
	"strings"
)

// An arena holds the entries of a table one behind the other in one piece of memory, and their offsets in a hash table: 100,000 entries
// are two objects for the garbage collector, and a value is a part of the arena, so that a look-up allocates nothing.
//
// An entry is the length of its key, that of its value, both as varints, the key, the value.
type arena struct {
	data  string
	slots []uint32 // offset + 1 of the entry; 0 is empty. Open addressing, at most half full.
	seed  maphash.Seed
	count int
}

// An arenaBuilder makes an arena.
type arenaBuilder struct {
	data  strings.Builder
	first []uint32 // offsets in the order they came
	a     arena
}

var errArenaFull = errors.New("more than 4 GiB of keys and values")

func newArena(size int) *arenaBuilder {
	b := &arenaBuilder{a: arena{seed: maphash.MakeSeed()}}
	b.data.Grow(size)
	b.a.slots = make([]uint32, 16)
	return b
}

// add takes an entry, unless the key is there already: the first one holds, and dup is true.
func (b *arenaBuilder) add(key, value string) (dup bool, err error) {
	b.a.data = b.data.String()
	if _, ok := b.a.slot(maphash.String(b.a.seed, key), key); ok {
		return true, nil
	}
	if b.data.Len()+len(key)+len(value)+2*binary.MaxVarintLen64 > math.MaxUint32 {
		return false, errArenaFull
	}
	off := uint32(b.data.Len())
	var head [2 * binary.MaxVarintLen64]byte
	h := binary.AppendUvarint(head[:0], uint64(len(key)))
	h = binary.AppendUvarint(h, uint64(len(value)))
	b.data.Write(h)
	b.data.WriteString(key)
	b.data.WriteString(value)
	b.a.data = b.data.String()
	b.first = append(b.first, off)
	if 2*len(b.first) > len(b.a.slots) {
		b.a.slots = make([]uint32, 2*len(b.a.slots))
		for _, off := range b.first {
			key, _, _ := b.a.entry(int(off))
			b.put(key, off)
		}
		return false, nil
	}
	b.put(key, off)
	return false, nil
}

func (b *arenaBuilder) put(key string, off uint32) {
	i, _ := b.a.slot(maphash.String(b.a.seed, key), key)
	b.a.slots[i] = off + 1
}

func (b *arenaBuilder) done() *arena {
	b.a.data, b.a.count = b.data.String(), len(b.first)
	return &b.a
}

// slot is where key is, or where it would be put.
func (a *arena) slot(hash uint64, key string) (int, bool) {
	mask := len(a.slots) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		off := a.slots[i]
		if off == 0 {
			return i, false
		}
		if k, _, _ := a.entry(int(off - 1)); k == key {
			return i, true
		}
	}
}

// entry reads the entry at off, and returns the offset of the next.
func (a *arena) entry(off int) (key, value string, next int) {
	klen, off := a.uvarint(off)
	vlen, off := a.uvarint(off)
	return a.data[off : off+klen], a.data[off+klen : off+klen+vlen], off + klen + vlen
}

func (a *arena) uvarint(off int) (v, next int) {
	for shift := 0; ; shift += 7 {
		c := a.data[off]
		off++
		v |= int(c&0x7f) << shift
		if c < 0x80 {
			return v, off
		}
	}
}

func (a *arena) find(key string) (string, bool) {
	i, ok := a.slot(maphash.String(a.seed, key), key)
	if !ok {
		return "", false
	}
	_, value, _ := a.entry(int(a.slots[i] - 1))
	return value, true
}

// findFolded finds an ASCII key in any case.
func (a *arena) findFolded(key string) (string, bool) {
	var buf [256]byte
	if len(key) > len(buf) {
		return a.find(fold(key, true))
	}
	b := buf[:len(key)]
	foldASCII(b, key)
	mask := len(a.slots) - 1
	for i := int(maphash.Bytes(a.seed, b)) & mask; a.slots[i] != 0; i = (i + 1) & mask {
		if k, value, _ := a.entry(int(a.slots[i] - 1)); k == string(b) {
			return value, true
		}
	}
	return "", false
}

// all goes through the entries in the order they were added.
func (a *arena) all() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for off := 0; off < len(a.data); {
			key, value, next := a.entry(off)
			if !yield(key, value) {
				return
			}
			off = next
		}
	}
}
