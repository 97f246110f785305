package maildir

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sort"
	"strings"

	"github.com/buuta/mail"
)

// msg is what is held in memory of each message: 64 octets, and its base name in state.names.
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
	nameOff  uint32
	nameLen  uint16
	sys      uint8 // mail.SystemFlags
	where    uint8
}

// Where a message's file lies.
const (
	inNew uint8 = iota
	inCur
)

// gone is a range of UIDs that were removed.
type gone struct {
	modseq      uint64
	first, last uint32
}

type tokenKey [16]byte

type tokenUse struct {
	uid uint32
	at  int64
}

// state is a mailbox as of some commit.
type state struct {
	head
	msgs     []msg // by UID
	names    []byte
	odd      map[uint32]string // file names that are not what fileName makes of the flags
	guids    map[uint32]string // as the UID list has them, where they are not the base name
	gone     []gone            // by modseq
	keywords []string          // by letter; the slice is replaced, never changed
	tokens   map[tokenKey]tokenUse
	marks    marks

	unseen, deleted int
	size            int64
	unused          int // octets of names that belong to nobody any more
	history         int // most entries of gone
}

func newState(history int) *state {
	return &state{odd: map[uint32]string{}, guids: map[uint32]string{}, tokens: map[tokenKey]tokenUse{}, history: history}
}

// find returns the index of the message with this UID, or of the first behind it.
func (s *state) find(uid uint32) (int, bool) {
	i := sort.Search(len(s.msgs), func(i int) bool { return s.msgs[i].uid >= uid })
	return i, i < len(s.msgs) && s.msgs[i].uid == uid
}

func (s *state) base(m *msg) string { return string(s.names[m.nameOff : m.nameOff+uint32(m.nameLen)]) }

// fileName returns the name of the message's file within new or cur.
func (s *state) fileName(m *msg) string {
	if odd := s.odd[m.uid]; odd != "" {
		return odd
	}
	return fileName(s.base(m), m.where, m.sys, m.kw, "")
}

// rawGUID returns the message's GUID as Dovecot sees it.
func (s *state) rawGUID(m *msg) string {
	if g := s.guids[m.uid]; g != "" {
		return g
	}
	return s.base(m)
}

// publicGUID makes a GUID as package mail wants it of one as Dovecot has it.
func publicGUID(raw string) mail.GUID {
	if validGUID(raw) {
		return mail.GUID(raw)
	}
	sum := sha256.Sum256([]byte(raw))
	return mail.GUID(hex.EncodeToString(sum[:16]))
}

func validGUID(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// flags translates a message's flags.
func (s *state) flags(sys uint8, kw uint32) mail.Flags {
	f := mail.Flags{System: mail.SystemFlags(sys)}
	if kw == 0 {
		return f
	}
	var names []string
	for i, k := range s.keywords {
		if kw&(1<<i) != 0 && k != "" {
			names = append(names, k)
		}
	}
	f.Keywords = mail.NewFlags(names...).Keywords
	return f
}

// apply takes the steps of a commit.
func (s *state) apply(recs []record) {
	for i := 0; i < len(recs); i++ {
		r := &recs[i]
		switch r.kind {
		case recHead:
			oldest := s.oldest
			s.head = r.head
			s.oldest = max(s.oldest, oldest)
		case recAdd:
			s.add(r)
		case recFlags:
			if j, ok := s.find(r.m.uid); ok {
				m := &s.msgs[j]
				s.count(m, -1)
				m.sys, m.kw, m.where, m.modseq = r.m.sys, r.m.kw, r.m.where, r.m.modseq
				s.count(m, 1)
				delete(s.odd, m.uid)
			}
		case recOdd:
			if r.name == "" {
				delete(s.odd, r.m.uid)
			} else {
				s.odd[r.m.uid] = strings.Clone(r.name)
			}
		case recGone:
			n := i + 1
			for n < len(recs) && recs[n].kind == recGone {
				n++
			}
			s.remove(recs[i:n])
			i = n - 1
		case recKeyword:
			k := slices.Clone(s.keywords)
			for len(k) <= int(r.m.kw) {
				k = append(k, "")
			}
			k[r.m.kw] = strings.Clone(r.name)
			s.keywords = k
		case recToken:
			s.tokens[r.token] = tokenUse{r.m.uid, r.m.sdate}
		case recMarks:
			s.marks = r.marks
		case recSize:
			if j, ok := s.find(r.m.uid); ok {
				s.size += r.m.size - s.msgs[j].size
				s.msgs[j].size, s.msgs[j].lf, s.msgs[j].cacheLen = r.m.size, r.m.lf, 0
			}
		case recCache:
			if j, ok := s.find(r.m.uid); ok {
				s.msgs[j].cache, s.msgs[j].cacheLen = r.m.cache, r.m.cacheLen
			}
		}
	}
}

func (s *state) add(r *record) {
	m := r.m
	if n := len(s.msgs); n > 0 && s.msgs[n-1].uid >= m.uid {
		return // a log that says so is damaged; the UIDs given first stand
	}
	m.nameOff, m.nameLen = uint32(len(s.names)), uint16(len(r.name))
	s.names = append(s.names, r.name...)
	if r.guid != "" {
		s.guids[m.uid] = strings.Clone(r.guid)
	}
	s.msgs = append(s.msgs, m)
	s.count(&s.msgs[len(s.msgs)-1], 1)
}

// count keeps the counters right when a message comes (1) or goes (-1).
func (s *state) count(m *msg, n int) {
	if m.sys&uint8(mail.Seen) == 0 {
		s.unseen += n
	}
	if m.sys&uint8(mail.Deleted) != 0 {
		s.deleted += n
	}
	s.size += int64(n) * m.size
}

// remove takes messages away, in one pass however many there are.
func (s *state) remove(recs []record) {
	var set mail.UIDSet
	for _, r := range recs {
		set.AddRange(mail.UID(r.first), mail.UID(r.last))
		s.gone = append(s.gone, gone{r.m.modseq, r.first, r.last})
	}
	s.forget()
	ranges := set.Ranges()
	if len(ranges) == 0 {
		return
	}
	at, _ := s.find(uint32(ranges[0].First))
	keep := at
	for ; at < len(s.msgs); at++ {
		m := &s.msgs[at]
		for len(ranges) > 0 && uint32(ranges[0].Last) < m.uid {
			ranges = ranges[1:]
		}
		if len(ranges) > 0 && uint32(ranges[0].First) <= m.uid {
			s.count(m, -1)
			delete(s.odd, m.uid)
			delete(s.guids, m.uid)
			s.unused += int(m.nameLen)
			continue
		}
		s.msgs[keep] = *m
		keep++
	}
	s.msgs = s.msgs[:keep]
	s.shrink()
}

// fit gives back what was set aside for more than came.
func (s *state) fit() {
	if 4*cap(s.msgs) > 5*len(s.msgs) {
		s.msgs = slices.Clone(s.msgs)
	}
	if 4*cap(s.names) > 5*len(s.names) {
		s.names = slices.Clone(s.names)
	}
}

// shrink gives back memory when most of what is held belongs to messages that are gone.
func (s *state) shrink() {
	if s.unused > 16<<10 && 2*s.unused > len(s.names) {
		names := make([]byte, 0, len(s.names)-s.unused)
		for i := range s.msgs {
			m := &s.msgs[i]
			base := s.names[m.nameOff : m.nameOff+uint32(m.nameLen)]
			m.nameOff = uint32(len(names))
			names = append(names, base...)
		}
		s.names, s.unused = names, 0
	}
	if cap(s.msgs) > 1024 && cap(s.msgs) > 4*len(s.msgs) {
		s.msgs = slices.Clone(s.msgs)
	}
}

// forget drops the oldest of what was removed when there is too much of it. What it drops, Changes no longer knows.
func (s *state) forget() {
	drop := len(s.gone) - s.history
	if drop < s.history/4 || drop <= 0 {
		return // in larger steps, so that each costs little
	}
	s.oldest = max(s.oldest, s.gone[drop-1].modseq)
	for drop < len(s.gone) && s.gone[drop].modseq <= s.oldest {
		drop++
	}
	s.gone = slices.Clone(s.gone[drop:])
}

// snapshot returns the steps from nothing to this state.
func (s *state) snapshot() []record {
	out := make([]record, 0, 2+len(s.msgs)+len(s.gone)+len(s.keywords)+len(s.odd))
	out = append(out, record{kind: recHead, head: s.head})
	for i, k := range s.keywords {
		if k != "" {
			out = append(out, record{kind: recKeyword, m: msg{kw: uint32(i)}, name: k})
		}
	}
	for i := range s.msgs {
		m := &s.msgs[i]
		out = append(out, record{kind: recAdd, m: *m, name: s.base(m), guid: s.guids[m.uid]})
	}
	out = append(out, record{kind: recMarks, marks: s.marks})
	for uid, name := range s.odd {
		out = append(out, record{kind: recOdd, m: msg{uid: uid}, name: name})
	}
	for _, g := range s.gone {
		out = append(out, record{kind: recGone, m: msg{modseq: g.modseq}, first: g.first, last: g.last})
	}
	for k, t := range s.tokens {
		out = append(out, record{kind: recToken, token: k, m: msg{uid: t.uid, sdate: t.at}})
	}
	return out
}

// tokenLife is how many seconds an append's token is remembered: a day, and an hour for clocks that differ.
const tokenLife = 25 * 3600
