package imap

import (
	"cmp"
	"iter"
	"slices"
	"strconv"

	"github.com/buuta/mail"
)

// NumRange is a seq-range as written: either end may be 0, which stands for "*", and they may be in either order.
type NumRange struct{ First, Last uint32 }

// NumSet is a sequence-set as a client wrote it (RFC 9051 section 9): whether the numbers are message sequence numbers
// or UIDs depends on the command, and what "*" stands for is known only when the command runs. Resolve it with
// [NumSet.Seqs] or [NumSet.UIDs].
type NumSet struct {
	Saved  bool // "$": the result that SEARCH saved (RFC 5182); then there are no Ranges
	Ranges []NumRange
}

// Seqs resolves the set in a mailbox of n messages. It reports false when the set names a number above n, which a
// server answers with BAD; "*" in an empty mailbox is one of these.
func (s NumSet) Seqs(n uint32) (SeqSet, bool) {
	ranges := s.resolve(n)
	if len(ranges) == 0 {
		return SeqSet{}, false
	}
	out := ranges[:1]
	for _, r := range ranges {
		if last := &out[len(out)-1]; r.First <= last.Last || r.First == last.Last+1 {
			last.Last = max(last.Last, r.Last)
		} else {
			out = append(out, r)
		}
	}
	return SeqSet{out}, out[0].First > 0 && out[len(out)-1].Last <= n
}

// UIDs resolves the set where last is the highest UID in use, or UIDNEXT in an empty mailbox. UIDs that no message
// has are no error.
func (s NumSet) UIDs(last mail.UID) mail.UIDSet {
	var out mail.UIDSet
	for _, r := range s.resolve(uint32(last)) {
		out.AddRange(mail.UID(r.First), mail.UID(r.Last))
	}
	return out
}

// resolve replaces "*" by star and returns the ranges in ascending order, so that building a set from them is linear.
func (s NumSet) resolve(star uint32) []NumRange {
	out := slices.Clone(s.Ranges)
	for i, r := range out {
		if r.First == 0 {
			r.First = star
		}
		if r.Last == 0 {
			r.Last = star
		}
		out[i] = NumRange{min(r.First, r.Last), max(r.First, r.Last)}
	}
	slices.SortFunc(out, func(a, b NumRange) int { return cmp.Compare(a.First, b.First) })
	return out
}

// String writes the set as it would stand in a command.
func (s NumSet) String() string { return string(s.append(nil)) }

func (s NumSet) append(b []byte) []byte {
	if s.Saved {
		return append(b, '$')
	}
	for i, r := range s.Ranges {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNum(b, r.First)
		if r.Last != r.First {
			b = appendNum(append(b, ':'), r.Last)
		}
	}
	return b
}

func appendNum(b []byte, n uint32) []byte {
	if n == 0 {
		return append(b, '*')
	}
	return strconv.AppendUint(b, uint64(n), 10)
}

// SeqSet is a set of message sequence numbers as ascending ranges that neither overlap nor touch: a kind of its own, so
// that the compiler keeps it apart from [mail.UIDSet]. The zero value is the empty set.
type SeqSet struct{ ranges []NumRange }

// SeqSetOf returns the set of the given numbers, which must ascend.
func SeqSetOf(nums ...uint32) SeqSet {
	var s SeqSet
	for _, n := range nums {
		s.Add(n)
	}
	return s
}

// Add puts n, which must not be lower than any number in the set, into it.
func (s *SeqSet) Add(n uint32) { s.AddRange(n, n) }

// AddRange puts the numbers from first to last into the set, none of them lower than any number in it.
func (s *SeqSet) AddRange(first, last uint32) {
	if k := len(s.ranges); k > 0 && first <= s.ranges[k-1].Last+1 {
		s.ranges[k-1].Last = max(last, s.ranges[k-1].Last)
		return
	}
	s.ranges = append(s.ranges, NumRange{first, last})
}

// Ranges returns the ranges in ascending order. The slice belongs to the set.
func (s SeqSet) Ranges() []NumRange { return s.ranges }

// Empty reports whether the set has no number.
func (s SeqSet) Empty() bool { return len(s.ranges) == 0 }

// Contains reports whether n is in the set.
func (s SeqSet) Contains(n uint32) bool {
	i, ok := slices.BinarySearchFunc(s.ranges, n, func(r NumRange, n uint32) int { return cmp.Compare(r.First, n) })
	return ok || i > 0 && s.ranges[i-1].Last >= n
}

// All yields every number in ascending order.
func (s SeqSet) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s.ranges {
			for n := r.First; ; n++ {
				if !yield(n) {
					return
				}
				if n == r.Last {
					break
				}
			}
		}
	}
}

// String writes the set as a sequence-set; the empty set is "".
func (s SeqSet) String() string { return string(NumSet{Ranges: s.ranges}.append(nil)) }
