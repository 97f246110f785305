package maildir

import (
	"encoding/binary"
	"slices"
)

// shape is what a snapshot says of many messages at once: what their slots count from, or a block of them.
type shape struct {
	modBase  uint64
	messages uint32
	tails    []string

	slots []slot
	names []byte
}

// snapshot returns the steps from nothing to this state. They share its memory: they are to be written, not to be kept.
func (s *state) snapshot() []record {
	out := make([]record, 0, 8+len(s.blocks)+len(s.gone)+len(s.keywords)+len(s.odd))
	out = append(out, record{kind: recHead, head: s.head})
	for i, k := range s.keywords {
		if k != "" {
			out = append(out, record{kind: recKeyword, m: msg{kw: uint32(i)}, name: k})
		}
	}
	out = append(out, record{kind: recShape, shape: &shape{modBase: s.modBase, messages: uint32(s.n), tails: s.tails}})
	for i := range s.blocks {
		out = append(out, record{kind: recBlock, shape: &shape{slots: s.blocks[i].slots, names: s.blocks[i].names}})
	}
	out = append(out, record{kind: recMarks, marks: s.marks})
	for uid, name := range s.odd {
		out = append(out, record{kind: recOdd, m: msg{uid: uid}, name: name})
	}
	for uid, f := range s.loose {
		out = append(out, record{kind: recLoose, m: msg{uid: uid, kw: f.kw, sys: f.sys}, name: s.boot})
	}
	for _, g := range s.gone {
		out = append(out, record{kind: recGone, m: msg{modseq: g.modseq}, first: g.first, last: g.last})
	}
	for k, t := range s.tokens {
		out = append(out, record{kind: recToken, token: k, m: msg{uid: t.uid, sdate: t.at}})
	}
	return out
}

// snapshotSize returns about how many octets a snapshot has.
func (s *state) snapshotSize() int {
	n := 1024 + 32*len(s.gone) + 32*len(s.tokens) + 80*len(s.odd) + 64*len(s.loose)
	for i := range s.blocks {
		n += 16 + len(s.blocks[i].slots)*slotSize + len(s.blocks[i].names)
	}
	return n
}

// addBlock takes a block of a snapshot. What can't be ours is left out.
func (s *state) addBlock(r *shape) {
	last := uint32(0)
	if s.n > 0 {
		last = s.lastUID()
	}
	slots := r.slots
	ok := true
	for i := range slots {
		m := &slots[i]
		if ok = m.uid > last && s.sound(m, r.names); !ok {
			break
		}
		last = m.uid
	}
	if !ok || len(slots) == 0 || len(slots) > blockSize {
		return
	}
	var high uint32
	unused := len(r.names)
	for i := range slots {
		s.count(&slots[i], 1)
		high = max(high, slots[i].modseq)
		unused -= slots[i].nameSize(r.names)
	}
	s.n += len(slots)
	now := s.epochs.n.Load()
	if n := len(s.blocks); n > 0 && len(s.blocks[n-1].slots)+len(slots) <= blockSize {
		b := s.own(n - 1)
		at := uint32(len(b.names))
		b.names = append(b.names, r.names...)
		for _, m := range slots {
			m.name += at
			b.slots = append(b.slots, m)
		}
		b.high, b.unused = max(b.high, high), b.unused+unused
		return
	}
	s.blocks = append(s.blocks, block{slots: slices.Clip(slots), names: slices.Clip(r.names), unused: unused, high: high, epoch: now})
}

// appendSlots writes slots in their binary form.
func appendSlots(b []byte, slots []slot) []byte {
	b = slices.Grow(b, len(slots)*slotSize)
	le := binary.LittleEndian
	for i := range slots {
		s := &slots[i]
		at := len(b)
		b = b[:at+slotSize]
		p := b[at : at+slotSize : at+slotSize]
		le.PutUint32(p[0:], s.uid)
		le.PutUint32(p[4:], s.kw)
		le.PutUint32(p[8:], s.modseq)
		le.PutUint32(p[12:], s.size)
		le.PutUint32(p[16:], s.idate)
		le.PutUint32(p[20:], s.sdate)
		le.PutUint32(p[24:], s.cache)
		le.PutUint32(p[28:], s.cacheLen)
		le.PutUint32(p[32:], s.lf)
		le.PutUint32(p[36:], s.name)
		p[40], p[41], p[42], p[43] = s.sizeHi, s.idateHi, s.sdateHi, s.cacheHi
		p[44], p[45], p[46], p[47] = s.nameLen, s.tail, s.sys, s.bits
	}
	return b
}

// readSlots reads what appendSlots has written.
func readSlots(b []byte) []slot {
	le := binary.LittleEndian
	out := make([]slot, len(b)/slotSize)
	for i := range out {
		p := b[i*slotSize : i*slotSize+slotSize : i*slotSize+slotSize]
		s := &out[i]
		s.uid, s.kw, s.modseq = le.Uint32(p[0:]), le.Uint32(p[4:]), le.Uint32(p[8:])
		s.size, s.idate, s.sdate = le.Uint32(p[12:]), le.Uint32(p[16:]), le.Uint32(p[20:])
		s.cache, s.cacheLen, s.lf, s.name = le.Uint32(p[24:]), le.Uint32(p[28:]), le.Uint32(p[32:]), le.Uint32(p[36:])
		s.sizeHi, s.idateHi, s.sdateHi, s.cacheHi = p[40], p[41], p[42], p[43]
		s.nameLen, s.tail, s.sys, s.bits = p[44], p[45], p[46], p[47]
	}
	return out
}
