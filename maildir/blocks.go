package maildir

import (
	"slices"
	"sort"
	"sync/atomic"

	"github.com/buuta/mail"
)

// blockSize is how many messages a block has at most: few enough that to copy one is nothing, many enough that a million
// messages are a list that is quickly searched.
const blockSize = 512

// block is some messages, ascending by UID, and their names. Names are only ever added; slots of a block that a view holds are
// copied before they change (see state.own), though new ones may be put behind them.
type block struct {
	slots  []slot
	names  []byte
	unused int    // octets of names that belong to nobody any more
	high   uint32 // no slot's modseq is above it
	epoch  uint64
}

// view is the messages of a mailbox as of one moment. One that a reader takes stays as it is when the state it came from goes on.
type view struct {
	blocks   []block
	modBase  uint64   // what the slots' ModSeqs count from
	tails    []string // what names of this mailbox end in, by slot.tail-1
	keywords []string // by letter; the slice is replaced, never changed
}

// epochs counts the views that were taken, so that a state knows what it may change in place.
type epochs struct{ n atomic.Uint64 }

// seek returns the place of the first message whose UID isn't below uid.
func (v *view) seek(uid uint32) (bi, si int) {
	bi = sort.Search(len(v.blocks), func(i int) bool { b := &v.blocks[i]; return b.slots[len(b.slots)-1].uid >= uid })
	if bi < len(v.blocks) {
		slots := v.blocks[bi].slots
		si = sort.Search(len(slots), func(i int) bool { return slots[i].uid >= uid })
	}
	return bi, si
}

// find returns the message with this UID, nil when there is none. What is returned may only be read.
func (v *view) find(uid uint32) (*block, *slot) {
	if bi, si := v.seek(uid); bi < len(v.blocks) && v.blocks[bi].slots[si].uid == uid {
		return &v.blocks[bi], &v.blocks[bi].slots[si]
	}
	return nil, nil
}

// get returns what is known of the message with this UID.
func (v *view) get(uid uint32) (msg, bool) {
	if _, s := v.find(uid); s != nil {
		return v.msg(s), true
	}
	return msg{}, false
}

// rank returns how many messages have a UID below uid.
func (v *view) rank(uid uint32) int {
	bi, si := v.seek(uid)
	for i := range bi {
		si += len(v.blocks[i].slots)
	}
	return si
}

// all yields every message.
func (v *view) all(yield func(*block, *slot) bool) {
	for i := range v.blocks {
		b := &v.blocks[i]
		for j := range b.slots {
			if !yield(b, &b.slots[j]) {
				return
			}
		}
	}
}

// in yields the messages of set.
func (v *view) in(set mail.UIDSet) func(yield func(*block, *slot) bool) {
	return func(yield func(*block, *slot) bool) {
		w := v.walk(set)
		for b, s := w.next(); s != nil && yield(b, s); b, s = w.next() {
		}
	}
}

// entry is where a view has a message.
type entry struct {
	b *block
	s *slot
}

// walker goes through a view's messages step by step.
type walker struct {
	v      *view
	ranges []mail.UIDRange // those that are left; the first is the one it is in
	bi, si int
}

// walk begins to go through the messages of set.
func (v *view) walk(set mail.UIDSet) walker {
	w := walker{v: v, ranges: set.Ranges()}
	w.seek()
	return w
}

func (w *walker) seek() {
	if len(w.ranges) > 0 {
		w.bi, w.si = w.v.seek(uint32(w.ranges[0].First))
	}
}

// next returns the next message, nil at the end.
func (w *walker) next() (*block, *slot) {
	for len(w.ranges) > 0 && w.bi < len(w.v.blocks) {
		b := &w.v.blocks[w.bi]
		switch {
		case w.si == len(b.slots):
			w.bi, w.si = w.bi+1, 0
		case b.slots[w.si].uid > uint32(w.ranges[0].Last):
			w.ranges = w.ranges[1:]
			w.seek()
		default:
			w.si++
			return b, &b.slots[w.si-1]
		}
	}
	return nil, nil
}

// many reports whether set has more messages than a block.
func (v *view) many(set mail.UIDSet) bool {
	n := 0
	for range v.in(set) {
		if n++; n > blockSize {
			return true
		}
	}
	return false
}

// take returns a view that holds at least the messages of set. Few are copied; of many, the blocks are held.
func (s *state) take(set mail.UIDSet) view {
	out := s.view
	out.blocks = nil
	if s.many(set) {
		out.blocks = slices.Clone(s.blocks)
		s.epochs.n.Add(1)
		return out
	}
	var was *block
	for b, m := range s.in(set) {
		if n := len(out.blocks); n > 0 && b == was {
			out.blocks[n-1].slots = append(out.blocks[n-1].slots, *m)
		} else {
			out.blocks = append(out.blocks, block{slots: []slot{*m}, names: b.names})
			was = b
		}
	}
	return out
}

// own returns a block whose slots may be changed: no view has them.
func (s *state) own(bi int) *block {
	b := &s.blocks[bi]
	if now := s.epochs.n.Load(); b.epoch != now {
		b.slots, b.epoch = append(make([]slot, 0, cap(b.slots)), b.slots...), now
	}
	return b
}

// last returns the block that the next message goes into, with room for it.
func (s *state) last() *block {
	n := len(s.blocks)
	if n == 0 || len(s.blocks[n-1].slots) >= blockSize {
		b := block{epoch: s.epochs.n.Load()}
		if n > 0 { // where there are many, more are to be expected than one: no growing by halves
			b.slots, b.names = make([]slot, 0, blockSize/4), make([]byte, 0, cap(s.blocks[n-1].names)/4)
		}
		s.blocks = append(s.blocks, b)
		n++
	}
	b := &s.blocks[n-1]
	if len(b.slots) == cap(b.slots) {
		b.slots = append(make([]slot, 0, min(blockSize, max(8, 2*cap(b.slots)))), b.slots...)
		b.epoch = s.epochs.n.Load()
	}
	return b
}

// shrink gives back memory when most of what a block holds belongs to messages that are gone.
func (b *block) shrink() {
	if cap(b.slots) > 64 && cap(b.slots) > 4*len(b.slots) {
		b.slots = slices.Clone(b.slots)
	}
	if b.unused < 1<<10 || 2*b.unused < len(b.names) {
		return
	}
	names := make([]byte, 0, len(b.names)-b.unused)
	for i := range b.slots {
		s := &b.slots[i]
		at := uint32(len(names))
		names = append(names, b.names[s.name:int(s.name)+s.nameSize(b.names)]...)
		s.name = at
	}
	b.names, b.unused = names, 0
}
