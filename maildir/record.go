package maildir

import (
	"encoding/binary"
	"errors"
	"strings"
)

// A record is one step from one state of a mailbox to the next. The same records that a commit applies in memory are
// written to the index log, so that reading the log again gives the same state.
type record struct {
	kind  recordKind
	m     msg    // what of it is set depends on the kind
	name  string // base name, file name or keyword
	guid  string
	first uint32
	last  uint32
	token tokenKey
	head  head
	marks marks
}

type recordKind byte

const (
	recHead    recordKind = 'h' // head: the mailbox itself
	recAdd     recordKind = 'a' // m, name (base), guid: a message
	recFlags   recordKind = 'f' // m.uid, sys, kw, where, modseq
	recOdd     recordKind = 'o' // m.uid, name: the file is called so; "" means as it should be
	recGone    recordKind = 'v' // first, last, m.modseq: removed
	recKeyword recordKind = 'k' // m.kw is the letter's number, name the keyword
	recToken   recordKind = 't' // token, m.uid, m.sdate: an append that must not be done again
	recMarks   recordKind = 'd' // marks: the folders as they were when the state was in step with them
	recSize    recordKind = 's' // m.uid, size, lf: the file's name told other sizes than it has
	recCache   recordKind = 'c' // m.uid, cache, cacheLen: where the structure index lies
)

// head is what a mailbox has besides messages.
type head struct {
	validity    uint32
	next        uint32 // UIDNEXT
	firstRecent uint32 // messages from this UID on are recent
	high        uint64 // HIGHESTMODSEQ
	oldest      uint64 // Changes reaches back to here
	id          string // mailbox GUID
}

// marks are the times, in nanoseconds, and lengths by which it is known that nobody has changed a mailbox since: then it need
// not be read when it is opened.
type marks struct {
	new, cur, list, kws int64
	listSize, kwsSize   int64
	lines               uint32
}

var errRecord = errors.New("maildir: damaged index record")

// appendTo writes the record's binary form behind b.
func (r *record) appendTo(b []byte) []byte {
	le := binary.LittleEndian
	b = append(b, byte(r.kind))
	m := &r.m
	switch r.kind {
	case recHead:
		b = le.AppendUint32(b, r.head.validity)
		b = le.AppendUint32(b, r.head.next)
		b = le.AppendUint32(b, r.head.firstRecent)
		b = le.AppendUint64(b, r.head.high)
		b = le.AppendUint64(b, r.head.oldest)
		b = appendShort(b, r.head.id)
	case recAdd:
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint32(b, m.kw)
		b = le.AppendUint64(b, m.modseq)
		b = le.AppendUint64(b, uint64(m.size))
		b = le.AppendUint64(b, uint64(m.idate))
		b = le.AppendUint64(b, uint64(m.sdate))
		b = le.AppendUint64(b, uint64(m.cache))
		b = le.AppendUint32(b, m.cacheLen)
		b = le.AppendUint32(b, m.lf)
		b = append(b, m.sys, m.where)
		b = le.AppendUint16(b, 0)
		b = appendShort(b, r.name)
		b = appendShort(b, r.guid)
	case recFlags:
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint32(b, m.kw)
		b = le.AppendUint64(b, m.modseq)
		b = append(b, m.sys, m.where)
	case recOdd:
		b = le.AppendUint32(b, m.uid)
		b = appendShort(b, r.name)
	case recGone:
		b = le.AppendUint32(b, r.first)
		b = le.AppendUint32(b, r.last)
		b = le.AppendUint64(b, m.modseq)
	case recKeyword:
		b = append(b, byte(m.kw))
		b = appendShort(b, r.name)
	case recToken:
		b = append(b, r.token[:]...)
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint64(b, uint64(m.sdate))
	case recMarks:
		d := &r.marks
		for _, n := range []int64{d.new, d.cur, d.list, d.kws, d.listSize, d.kwsSize} {
			b = le.AppendUint64(b, uint64(n))
		}
		b = le.AppendUint32(b, d.lines)
	case recSize:
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint64(b, uint64(m.size))
		b = le.AppendUint32(b, m.lf)
	case recCache:
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint64(b, uint64(m.cache))
		b = le.AppendUint32(b, m.cacheLen)
	}
	return b
}

func appendShort(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// recordReader takes records apart. The first thing that doesn't fit ends it with errRecord.
type recordReader struct {
	b   []byte
	s   string // the same octets, so that many strings cost one allocation
	err error
}

func newRecordReader(b []byte) recordReader { return recordReader{b: b, s: string(b)} }

func (r *recordReader) bytes(n int) []byte {
	if len(r.b) < n {
		r.err, r.b, r.s = errRecord, nil, ""
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b, r.s = r.b[n:], r.s[n:]
	return out
}

func (r *recordReader) u16() uint16 { return binary.LittleEndian.Uint16(r.bytes(2)) }
func (r *recordReader) u32() uint32 { return binary.LittleEndian.Uint32(r.bytes(4)) }
func (r *recordReader) u64() uint64 { return binary.LittleEndian.Uint64(r.bytes(8)) }

// short returns a string that shares the reader's memory: who keeps it, clones it.
func (r *recordReader) short() string {
	n := int(r.u16())
	s := r.s
	if r.bytes(n); r.err != nil {
		return ""
	}
	return s[:n]
}

// next reads a record into rec; ok is false at the end and after damage.
func (r *recordReader) next(rec *record) (ok bool) {
	if len(r.b) == 0 || r.err != nil {
		return false
	}
	*rec = record{kind: recordKind(r.bytes(1)[0])}
	m := &rec.m
	switch rec.kind {
	case recHead:
		rec.head = head{validity: r.u32(), next: r.u32(), firstRecent: r.u32(), high: r.u64(), oldest: r.u64(), id: strings.Clone(r.short())}
		if rec.head.validity == 0 || rec.head.next == 0 {
			r.err = errRecord
		}
	case recAdd:
		m.uid, m.kw, m.modseq = r.u32(), r.u32(), r.u64()
		m.size, m.idate, m.sdate = int64(r.u64()), int64(r.u64()), int64(r.u64())
		m.cache, m.cacheLen, m.lf = int64(r.u64()), r.u32(), r.u32()
		m.sys, m.where = r.bytes(1)[0], r.bytes(1)[0]
		r.u16()
		rec.name, rec.guid = r.short(), r.short()
		if m.uid == 0 || m.size < 0 || !safeBase(rec.name) {
			r.err = errRecord
		}
	case recFlags:
		m.uid, m.kw, m.modseq = r.u32(), r.u32(), r.u64()
		m.sys, m.where = r.bytes(1)[0], r.bytes(1)[0]
	case recOdd:
		m.uid, rec.name = r.u32(), r.short()
		if rec.name != "" && !safeBase(rec.name) {
			r.err = errRecord
		}
	case recGone:
		rec.first, rec.last, m.modseq = r.u32(), r.u32(), r.u64()
		if rec.first == 0 || rec.last < rec.first {
			r.err = errRecord
		}
	case recKeyword:
		m.kw, rec.name = uint32(r.bytes(1)[0]), r.short()
		if m.kw >= maxKeywords {
			r.err = errRecord
		}
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
		if m.size < 0 {
			r.err = errRecord
		}
	case recCache:
		m.uid, m.cache, m.cacheLen = r.u32(), int64(r.u64()), r.u32()
	default:
		r.err = errRecord
	}
	return r.err == nil
}
