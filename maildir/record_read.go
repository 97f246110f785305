package maildir

import (
	"encoding/binary"
	"slices"
)

// recordReader takes records apart. The first thing that doesn't fit ends it with errRecord.
type recordReader struct {
	b   []byte
	s   string // the same octets, so that many strings cost one allocation; "" where they are copied one by one
	err error
}

// newRecordReader reads the records of a frame.
func newRecordReader(b []byte) recordReader {
	if len(b) > 4<<10 {
		return recordReader{b: b} // the strings are a small part of it, and all of it, for a moment, much memory
	}
	return recordReader{b: b, s: string(b)}
}

func (r *recordReader) bytes(n int) []byte {
	if n < 0 || len(r.b) < n {
		r.err, r.b, r.s = errRecord, nil, ""
		return make([]byte, min(max(n, 0), 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	if r.s != "" {
		r.s = r.s[n:]
	}
	return out
}

func (r *recordReader) u8() uint8   { return r.bytes(1)[0] }
func (r *recordReader) u16() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }
func (r *recordReader) u32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *recordReader) u64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }

// short returns a string that may share the reader's memory: who keeps it, clones it.
func (r *recordReader) short() string {
	n := int(r.u16())
	s := r.s
	b := r.bytes(n)
	if r.err != nil {
		return ""
	}
	if s == "" {
		return string(b)
	}
	return s[:n]
}

// fits ends the reader when ok is false.
func (r *recordReader) fits(ok bool) {
	if !ok && r.err == nil {
		r.err = errRecord
	}
}

// next reads a record into rec; ok is false at the end and after damage.
func (r *recordReader) next(rec *record) (ok bool) {
	if len(r.b) == 0 || r.err != nil {
		return false
	}
	*rec = record{kind: recordKind(r.u8())}
	m := &rec.m
	switch rec.kind {
	case recHead:
		rec.head = head{validity: r.u32(), next: r.u32(), firstRecent: r.u32(), high: r.u64(), oldest: r.u64(), id: r.short()}
		r.fits(rec.head.validity != 0 && rec.head.next != 0)
	case recAdd:
		m.uid, m.kw, m.modseq = r.u32(), r.u32(), r.u64()
		m.size, m.idate, m.sdate = int64(r.u64()), int64(r.u64()), int64(r.u64())
		m.cache, m.cacheLen, m.lf = int64(r.u64()), r.u32(), r.u32()
		m.sys, m.where = r.u8(), r.u8()
		r.fits(r.u16() == 0)
		rec.name, rec.guid = r.short(), r.short()
		r.fits(m.uid != 0 && m.kw < 1<<maxKeywords && m.where <= inCur && safeBase(rec.name) && (rec.guid == "" || safeBase(rec.guid)))
		r.fits(m.size >= 0 && m.size <= most40 && int64(m.lf) <= m.size)
	case recFlags:
		m.uid, m.kw, m.modseq = r.u32(), r.u32(), r.u64()
		m.sys, m.where = r.u8(), r.u8()
		r.fits(m.kw < 1<<maxKeywords && m.where <= inCur)
	case recOdd:
		m.uid, rec.name = r.u32(), r.short()
		r.fits(rec.name == "" || safeBase(rec.name))
	case recGone:
		rec.first, rec.last, m.modseq = r.u32(), r.u32(), r.u64()
		r.fits(rec.first != 0 && rec.last >= rec.first)
	case recKeyword:
		m.kw, rec.name = uint32(r.u8()), r.short()
		r.fits(m.kw < maxKeywords)
	case recToken:
		copy(rec.token[:], r.bytes(len(rec.token)))
		m.uid, m.sdate = r.u32(), int64(r.u64())
	case recMarks:
		d := &rec.marks
		for _, n := range []*int64{&d.new, &d.cur, &d.list, &d.kws, &d.listSize, &d.kwsSize} {
			*n = int64(r.u64())
		}
		d.lines = r.u32()
	case recSize:
		m.uid, m.size, m.lf = r.u32(), int64(r.u64()), r.u32()
		r.fits(m.size >= 0 && m.size <= most40 && int64(m.lf) <= m.size)
	case recCache:
		m.uid, m.cache, m.cacheLen = r.u32(), int64(r.u64()), r.u32()
	case recLoose:
		m.uid, m.kw, m.sys, rec.name = r.u32(), r.u32(), r.u8(), r.short()
		r.fits(m.kw < 1<<maxKeywords)
	case recDoomed:
		rec.first, rec.last, m.sys = r.u32(), r.u32(), r.u8()
		r.fits(rec.first != 0 && rec.last >= rec.first && m.sys <= 1)
	case recSettled, recSpared:
	case recShape:
		rec.shape = &shape{modBase: r.u64(), messages: r.u32()}
		for range r.u8() {
			t := r.short()
			r.fits(t != "" && safeBase("x"+t))
			rec.shape.tails = append(rec.shape.tails, t)
		}
	case recBlock:
		slots, names := r.u32(), int(r.u32())
		r.fits(int64(slots) <= int64(len(r.b)/slotSize))
		if r.err == nil {
			rec.shape = &shape{slots: readSlots(r.bytes(int(slots) * slotSize)), names: slices.Clone(r.bytes(names))}
			r.fits(safeNames(rec.shape.names))
		}
	default:
		r.fits(false)
	}
	return r.err == nil
}
