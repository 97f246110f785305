package maildir

import (
	"encoding/binary"
	"errors"
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
	shape *shape
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
	recLoose   recordKind = 'l' // m.uid, kw, sys, name (boot): after a power cut the file's name may say otherwise of these flags
	recSettled recordKind = 'n' // no file's name is loose any more
	recDoomed  recordKind = 'x' // first, last: their files are about to be removed, all; m.sys: of those that are \Deleted
	recSpared  recordKind = 'y' // no message is doomed any more

	// Of snapshots only:
	recShape recordKind = 'p' // shape.modBase, messages, tails
	recBlock recordKind = 'b' // shape.slots, names: messages
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
	case recDoomed:
		b = le.AppendUint32(b, r.first)
		b = le.AppendUint32(b, r.last)
		b = append(b, m.sys)
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
	case recLoose:
		b = le.AppendUint32(b, m.uid)
		b = le.AppendUint32(b, m.kw)
		b = append(b, m.sys)
		b = appendShort(b, r.name)
	case recShape:
		b = le.AppendUint64(b, r.shape.modBase)
		b = le.AppendUint32(b, r.shape.messages)
		b = append(b, byte(len(r.shape.tails)))
		for _, t := range r.shape.tails {
			b = appendShort(b, t)
		}
	case recBlock:
		b = le.AppendUint32(b, uint32(len(r.shape.slots)))
		b = le.AppendUint32(b, uint32(len(r.shape.names)))
		b = appendSlots(b, r.shape.slots)
		b = append(b, r.shape.names...)
	}
	return b
}

func appendShort(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}
