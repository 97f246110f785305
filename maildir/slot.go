package maildir

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/buuta/mail"
)

// msg is what is known of a message besides its name.
type msg struct {
	uid      uint32
	kw       uint32 // keywords by letter, a = 1<<0
	modseq   uint64
	size     int64 // with CRLF
	idate    int64 // internal date, Unix seconds
	sdate    int64 // save date, Unix seconds
	cache    int64 // offset of the structure index in the cache file, when cacheLen isn't 0
	cacheLen uint32
	lf       uint32 // line ends without CR in the file: its length is size-lf
	sys      uint8  // mail.SystemFlags
	where    uint8
}

// Where a message's file lies.
const (
	inNew uint8 = iota
	inCur
)

// slot is a msg as it is held in memory and in the index log's snapshot: 48 octets. Times and lengths have 40 bits, ModSeqs count
// from the view's base. Of the name, what can be told from the rest of the slot is left out, and so is what many names of
// a mailbox have in common.
type slot struct {
	uid, kw, modseq, size, idate, sdate, cache, cacheLen, lf uint32
	name                                                     uint32 // offset in the block's names
	sizeHi, idateHi, sdateHi, cacheHi                        uint8
	nameLen, tail, sys, bits                                 uint8
}

const slotSize = 48

// The bits of a slot.
const (
	slotCur   = 1 << iota // where is inCur
	slotSecs              // the name begins with the save date and a dot
	slotSizes             // it ends with ",S=<size>,W=<size>"
	slotGUID              // behind the name stands the GUID that the UID list gives, with its length before it
)

const most40 = 1<<39 - 1

// high and low of a number that is kept within 40 bits.
func split40(n int64) (lo uint32, hi uint8) {
	n = min(max(n, -most40), most40)
	return uint32(n), uint8(n >> 32)
}

func join40(lo uint32, hi uint8) int64 { return int64(int8(hi))<<32 | int64(lo) }

// set takes over m but for its ModSeq and name.
func (s *slot) set(m *msg) {
	s.uid, s.kw, s.cacheLen, s.lf, s.sys = m.uid, m.kw, m.cacheLen, m.lf, m.sys
	s.size, s.sizeHi = split40(m.size)
	s.idate, s.idateHi = split40(m.idate)
	s.sdate, s.sdateHi = split40(m.sdate)
	s.cache, s.cacheHi = split40(m.cache)
	s.bits = s.bits&^slotCur | m.where*slotCur
}

func (s *slot) bytes() int64 { return join40(s.size, s.sizeHi) }

// sizes returns what ends a name that tells the sizes.
func appendSizes(b []byte, physical, virtual int64) []byte {
	b = append(b, ",S="...)
	b = strconv.AppendInt(b, physical, 10)
	b = append(b, ",W="...)
	return strconv.AppendInt(b, virtual, 10)
}

// setName stores base and guid in b, for the slot s that has all else.
func (v *view) setName(b *block, s *slot, base, guid string) {
	var buf [64]byte
	s.bits &= slotCur
	stem := base
	secs := append(strconv.AppendInt(buf[:0], join40(s.sdate, s.sdateHi), 10), '.')
	if rest, ok := strings.CutPrefix(stem, string(secs)); ok {
		stem = rest
		s.bits |= slotSecs
	}
	size := s.bytes()
	if rest, ok := strings.CutSuffix(stem, string(appendSizes(buf[:0], size-int64(s.lf), size))); ok {
		stem = rest
		s.bits |= slotSizes
	}
	s.tail = 0
	if i := strings.IndexByte(stem, '.'); i >= 0 && s.bits&slotSecs != 0 {
		if s.tail = v.tailOf(stem[i:]); s.tail > 0 {
			stem = stem[:i]
		}
	}
	s.name, s.nameLen = uint32(len(b.names)), uint8(len(stem))
	b.names = append(b.names, stem...)
	if guid != "" && len(guid) < 256 {
		s.bits |= slotGUID
		n := uint8(len(guid))
		b.names = append(b.names, 'a'+n>>4, 'a'+n&15) // letters, so that names hold nothing but what names may
		b.names = append(b.names, guid...)
	}
}

// tailOf returns the number of a tail, 0 when there is no room for more.
func (v *view) tailOf(s string) uint8 {
	for i, t := range v.tails {
		if t == s {
			return uint8(i + 1)
		}
	}
	if len(v.tails) == 255 {
		return 0
	}
	v.tails = append(v.tails, strings.Clone(s))
	return uint8(len(v.tails))
}

// nameSize returns how many octets of the block's names belong to the slot; -1 when they can't.
func (s *slot) nameSize(names []byte) int {
	n := int(s.nameLen)
	if s.bits&slotGUID == 0 || int64(s.name)+int64(n)+2 > int64(len(names)) {
		return n
	}
	g := names[int(s.name)+n:]
	if g[0] < 'a' || g[0] > 'p' || g[1] < 'a' || g[1] > 'p' {
		return -1
	}
	return n + 2 + int(g[0]-'a')<<4 + int(g[1]-'a')
}

// base returns a message's base name.
func (v *view) base(b *block, s *slot) string {
	var buf [320]byte
	return string(v.appendBase(buf[:0], b, s))
}

func (v *view) appendBase(out []byte, b *block, s *slot) []byte {
	if s.bits&slotSecs != 0 {
		out = append(strconv.AppendInt(out, join40(s.sdate, s.sdateHi), 10), '.')
	}
	out = append(out, b.names[s.name:s.name+uint32(s.nameLen)]...)
	if s.tail > 0 {
		out = append(out, v.tails[s.tail-1]...)
	}
	if s.bits&slotSizes != 0 {
		size := s.bytes()
		out = appendSizes(out, size-int64(s.lf), size)
	}
	return out
}

// guid returns the GUID that the UID list gives a message, "" where it is the base name.
func (b *block) guid(s *slot) string {
	if s.bits&slotGUID == 0 {
		return ""
	}
	return string(b.names[int(s.name)+int(s.nameLen)+2 : int(s.name)+s.nameSize(b.names)])
}

// rawGUID returns a message's GUID as Dovecot sees it.
func (v *view) rawGUID(b *block, s *slot) string {
	if g := b.guid(s); g != "" {
		return g
	}
	return v.base(b, s)
}

// msg returns what a slot holds.
func (v *view) msg(s *slot) msg {
	return msg{
		uid: s.uid, kw: s.kw, modseq: v.modBase + uint64(s.modseq), size: s.bytes(),
		idate: join40(s.idate, s.idateHi), sdate: join40(s.sdate, s.sdateHi),
		cache: join40(s.cache, s.cacheHi), cacheLen: s.cacheLen, lf: s.lf, sys: s.sys, where: s.bits & slotCur,
	}
}

// sound reports whether a slot that was read can be one of ours.
func (v *view) sound(s *slot, names []byte) bool {
	n := s.nameSize(names)
	return n >= 0 && int64(s.name)+int64(n) <= int64(len(names)) && int(s.tail) <= len(v.tails) && s.bytes() >= 0 && int64(s.lf) <= s.bytes() &&
		(s.nameLen > 0 || s.bits&slotSecs != 0) && s.kw < 1<<maxKeywords && s.bits < slotGUID<<1
}

// safeNames reports whether names that were read hold nothing that would lead out of a folder or break a list's line.
func safeNames(names []byte) bool {
	return bytes.IndexByte(names, '/') < 0 && bytes.IndexByte(names, '\n') < 0 && bytes.IndexByte(names, 0) < 0
}

func (s *slot) seen() bool    { return s.sys&uint8(mail.Seen) != 0 }
func (s *slot) deleted() bool { return s.sys&uint8(mail.Deleted) != 0 }
