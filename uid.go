package mail

import (
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// UID is a message's unique identifier within a mailbox and a UIDVALIDITY: never 0, strictly ascending in the order
// in which messages were added, never reused (RFC 9051 section 2.3.1.1).
type UID uint32

// MaxUID is the largest UID there can be. In a [UIDSet] it also stands for "to the end", what IMAP writes as "*".
const MaxUID UID = math.MaxUint32

// ModSeq is a modification sequence: each change of a mailbox gets one that is higher than all before it (RFC 7162
// section 3.1). It fits 63 bits. 0 is before every change.
type ModSeq uint64

// GUID names a message's content for ever and across mailboxes: a copy keeps it, other content gets another. It is 1 to
// 255 characters of A-Z a-z 0-9 "-" and "_", as EMAILID wants them (RFC 8474 section 4).
type GUID string

// UIDRange is the UIDs from First to Last, both included.
type UIDRange struct{ First, Last UID }

// UIDSet is a set of UIDs as ascending ranges that neither overlap nor touch. The zero value is the empty set. The
// ranges may name UIDs that no message has.
type UIDSet struct{ ranges []UIDRange }

// AllUIDs is the set of every UID.
func AllUIDs() UIDSet { return UIDRangeSet(1, MaxUID) }

// UIDSetOf returns the set of the given UIDs, in any order.
func UIDSetOf(uids ...UID) UIDSet {
	var s UIDSet
	if !slices.IsSorted(uids) {
		uids = slices.Clone(uids)
		slices.Sort(uids)
	}
	for _, u := range uids {
		s.Add(u)
	}
	return s
}

// UIDRangeSet returns the set from a to b, in either order.
func UIDRangeSet(a, b UID) UIDSet {
	var s UIDSet
	s.AddRange(a, b)
	return s
}

// Add puts u into the set. Adding in ascending order costs constant time.
func (s *UIDSet) Add(u UID) { s.AddRange(u, u) }

// AddRange puts the UIDs from a to b, in either order, into the set. UID 0 does not exist and is left out.
func (s *UIDSet) AddRange(a, b UID) {
	if a > b {
		a, b = b, a
	}
	a = max(a, 1)
	if b == 0 {
		return
	}
	n := len(s.ranges)
	if n == 0 || a > s.ranges[n-1].Last && a-1 > s.ranges[n-1].Last {
		s.ranges = append(s.ranges, UIDRange{a, b})
		return
	}
	if last := &s.ranges[n-1]; a >= last.First {
		last.Last = max(last.Last, b)
		return
	}
	// i is the first range that a..b touches or precedes, j the first behind it.
	i, _ := slices.BinarySearchFunc(s.ranges, a, func(r UIDRange, a UID) int {
		if r.Last < a-1 {
			return -1
		}
		return 1
	})
	j := i
	for j < n && (b == MaxUID || s.ranges[j].First <= b+1) {
		a, b = min(a, s.ranges[j].First), max(b, s.ranges[j].Last)
		j++
	}
	s.ranges = slices.Replace(s.ranges, i, j, UIDRange{a, b})
}

// AddSet puts every UID of t into s.
func (s *UIDSet) AddSet(t UIDSet) {
	for _, r := range t.ranges {
		s.AddRange(r.First, r.Last)
	}
}

// Contains reports whether u is in the set. It costs a binary search.
func (s UIDSet) Contains(u UID) bool {
	i, _ := slices.BinarySearchFunc(s.ranges, u, func(r UIDRange, u UID) int {
		if r.Last < u {
			return -1
		}
		return 1
	})
	return i < len(s.ranges) && s.ranges[i].First <= u
}

// Empty reports whether the set has no UID.
func (s UIDSet) Empty() bool { return len(s.ranges) == 0 }

// Count returns how many UIDs the set names, whether or not messages have them.
func (s UIDSet) Count() int {
	n := 0
	for _, r := range s.ranges {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// Ranges returns the ranges in ascending order. The slice belongs to the set and must not be changed.
func (s UIDSet) Ranges() []UIDRange { return s.ranges }

// All yields every UID of the set in ascending order. Ask a mailbox for the messages of a set instead of walking one
// that may reach to [MaxUID].
func (s UIDSet) All() iter.Seq[UID] {
	return func(yield func(UID) bool) {
		for _, r := range s.ranges {
			for u := r.First; ; u++ {
				if !yield(u) {
					return
				}
				if u == r.Last {
					break
				}
			}
		}
	}
}

// Clone returns a copy that shares nothing with s.
func (s UIDSet) Clone() UIDSet { return UIDSet{slices.Clone(s.ranges)} }

// String writes the set as IMAP does, "1:3,7,9:*" (RFC 9051 section 9, sequence-set). The empty set is "".
func (s UIDSet) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(uidString(r.First))
		if r.First != r.Last {
			b.WriteByte(':')
			b.WriteString(uidString(r.Last))
		}
	}
	return b.String()
}

func uidString(u UID) string {
	if u == MaxUID {
		return "*"
	}
	return strconv.FormatUint(uint64(u), 10)
}
