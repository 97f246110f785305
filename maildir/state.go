package maildir

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/buuta/mail"
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
	view
	n      int                // messages
	odd    map[uint32]string  // file names that are not what fileName makes of the flags
	loose  map[uint32]flagged // what file names may lack after a power cut, see loose.go
	boot   string             // the run of the machine in which loose came to be
	gone   []gone             // by modseq
	doomed []doomed           // being removed, see doomed.go
	tokens map[tokenKey]tokenUse
	marks  marks

	unseen, deleted int
	size            int64
	history         int // most entries of gone
	epochs          epochs
}

func newState(history int) *state {
	return &state{history: history}
}

// setOdd notes a file name that isn't what fileName makes of the flags; "" for one that is.
func (s *state) setOdd(uid uint32, name string) {
	if name == "" {
		delete(s.odd, uid)
		return
	}
	if s.odd == nil {
		s.odd = map[uint32]string{}
	}
	s.odd[uid] = strings.Clone(name)
}

// fileName returns the name of a message's file within new or cur.
func (s *state) fileName(b *block, m *slot) string {
	if odd := s.odd[m.uid]; odd != "" {
		return odd
	}
	return fileName(s.base(b, m), m.bits&slotCur, m.sys, m.kw, "")
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
func (v *view) flags(sys uint8, kw uint32) mail.Flags {
	f := mail.Flags{System: mail.SystemFlags(sys)}
	if kw == 0 {
		return f
	}
	var names []string
	for i, k := range v.keywords {
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
			s.id = strings.Clone(s.id)
			s.oldest = max(s.oldest, oldest)
		case recAdd:
			s.add(r)
		case recFlags:
			s.change(r.m.uid, func(b *block, m *slot) {
				m.sys, m.kw, m.bits = r.m.sys, r.m.kw, m.bits&^slotCur|r.m.where*slotCur
				s.setModSeq(b, m, r.m.modseq)
			})
			s.setOdd(r.m.uid, "")
		case recOdd:
			s.setOdd(r.m.uid, r.name)
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
			if s.tokens == nil {
				s.tokens = map[tokenKey]tokenUse{}
			}
			s.tokens[r.token] = tokenUse{r.m.uid, r.m.sdate}
		case recMarks:
			s.marks = r.marks
		case recSize:
			s.change(r.m.uid, func(b *block, m *slot) {
				base, guid := s.base(b, m), b.guid(m)
				b.unused += m.nameSize(b.names)
				m.size, m.sizeHi = split40(r.m.size)
				m.lf, m.cacheLen = r.m.lf, 0
				s.setName(b, m, base, guid)
			})
		case recCache:
			s.change(r.m.uid, func(_ *block, m *slot) {
				m.cache, m.cacheHi = split40(r.m.cache)
				m.cacheLen = r.m.cacheLen
			})
		case recLoose:
			s.loosen(r)
		case recSettled:
			s.loose = nil
		case recDoomed:
			s.doomed = append(s.doomed, doomed{r.first, r.last, r.m.sys != 0})
		case recSpared:
			s.doomed = nil
		case recShape:
			if len(s.blocks) == 0 {
				s.modBase, s.tails = r.shape.modBase, nil
				for _, t := range r.shape.tails {
					s.tails = append(s.tails, strings.Clone(t))
				}
			}
		case recBlock:
			s.addBlock(r.shape)
		}
	}
}

// change does f to a message, if it is there.
func (s *state) change(uid uint32, f func(*block, *slot)) {
	bi, si := s.seek(uid)
	if bi == len(s.blocks) || s.blocks[bi].slots[si].uid != uid {
		return
	}
	b := s.own(bi)
	m := &b.slots[si]
	s.count(m, -1)
	f(b, m)
	s.count(m, 1)
}

func (s *state) add(r *record) {
	if s.n > 0 && s.lastUID() >= r.m.uid {
		return // a log that says so is damaged; the UIDs given first stand
	}
	if s.n == 0 && r.m.modseq > s.modBase {
		s.modBase = r.m.modseq
	}
	var m slot
	m.set(&r.m)
	b := s.last()
	s.setName(b, &m, r.name, r.guid)
	b.slots = append(b.slots, m)
	s.n++
	s.count(&m, 1)
	s.setModSeq(b, &b.slots[len(b.slots)-1], r.m.modseq)
}

func (s *state) lastUID() uint32 {
	b := &s.blocks[len(s.blocks)-1]
	return b.slots[len(b.slots)-1].uid
}

// setModSeq sets a message's ModSeq. One further from the base than 32 bits can tell moves the base: what is older than that then
// counts as changed at the new base, which makes clients hear of it again and does no harm.
func (s *state) setModSeq(b *block, m *slot, modseq uint64) {
	if modseq > s.modBase && modseq-s.modBase > 1<<32-1 {
		by := modseq - 1<<31 - s.modBase
		for i := range s.blocks {
			o := s.own(i)
			o.high = 0
			for j := range o.slots {
				x := &o.slots[j]
				x.modseq -= uint32(min(by, uint64(x.modseq)))
				o.high = max(o.high, x.modseq)
			}
		}
		s.modBase += by
	}
	m.modseq = 0
	if modseq > s.modBase {
		m.modseq = uint32(modseq - s.modBase)
	}
	b.high = max(b.high, m.modseq)
}

// count keeps the counters right when a message comes (1) or goes (-1).
func (s *state) count(m *slot, n int) {
	if !m.seen() {
		s.unseen += n
	}
	if m.deleted() {
		s.deleted += n
	}
	s.size += int64(n) * m.bytes()
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
	if len(ranges) == 0 || s.n == 0 {
		return
	}
	emptied := false
	for bi, _ := s.seek(uint32(ranges[0].First)); bi < len(s.blocks) && len(ranges) > 0; bi++ {
		first, last := s.blocks[bi].slots[0].uid, s.blocks[bi].slots[len(s.blocks[bi].slots)-1].uid
		for len(ranges) > 0 && uint32(ranges[0].Last) < first {
			ranges = ranges[1:]
		}
		if len(ranges) == 0 || uint32(ranges[0].First) > last {
			continue
		}
		b := s.own(bi)
		keep := b.slots[:0]
		for i := range b.slots {
			m := &b.slots[i]
			for len(ranges) > 0 && uint32(ranges[0].Last) < m.uid {
				ranges = ranges[1:]
			}
			if len(ranges) > 0 && uint32(ranges[0].First) <= m.uid {
				s.count(m, -1)
				s.n--
				delete(s.odd, m.uid)
				delete(s.loose, m.uid)
				b.unused += m.nameSize(b.names)
				continue
			}
			keep = append(keep, *m)
		}
		b.slots = keep
		b.shrink()
		emptied = emptied || len(keep) == 0
	}
	if emptied {
		s.blocks = slices.DeleteFunc(slices.Clone(s.blocks), func(b block) bool { return len(b.slots) == 0 })
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

// tokenLife is how many seconds an append's token is remembered: a day, and an hour for clocks that differ.
const tokenLife = 25 * 3600
