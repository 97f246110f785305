package textcache

import (
	"slices"
	"sync"
)

// A filter has from 2^minBits to 2^maxBits rows.
const (
	minBits = 8
	maxBits = 15
)

// gram is the row, of 2^maxBits, of three octets.
func gram(a, b, c byte) uint32 {
	return (uint32(a) | uint32(b)<<8 | uint32(c)<<16) * gramFactor >> (32 - maxBits)
}

const gramFactor = 0x9e3779b1

// filterBuilder makes the filter of a group, in a matrix with all the rows there can be. It is some 2 MiB.
type filterBuilder struct {
	rows *matrix
	n    int
	set  int // bits that are set
}

func (f *filterBuilder) reset() {
	if f.rows == nil {
		f.rows = matrices.Get().(*matrix)
	}
	clear(f.rows[:])
	f.n, f.set = 0, 0
}

// release gives the matrix back.
func (f *filterBuilder) release() {
	if f.rows != nil {
		matrices.Put(f.rows)
		f.rows = nil
	}
}

type matrix [1 << maxBits]candidates

// matrices are for filterBuilders. A pool is no state that anybody could notice.
var matrices = sync.Pool{New: func() any { return new(matrix) }}

// add adds the text of the group's next entry. Which rows that has is kept in little memory first: the matrix is far away for a processor.
func (f *filterBuilder) add(text []byte) {
	at, bit := f.n/64, uint64(1)<<(f.n%64)
	f.n++
	if len(text) < 3 {
		return
	}
	var had [1 << maxBits / 64]uint64
	last := uint32(text[0])<<8 | uint32(text[1])<<16
	for _, c := range text[2:] {
		last = last>>8 | uint32(c)<<16
		g := last * gramFactor >> (32 - maxBits)
		if p := &had[g/64]; *p&(1<<(g%64)) == 0 {
			*p |= 1 << (g % 64)
			f.rows[g][at] |= bit
			f.set++
		}
	}
}

// bits chooses how many rows are worth their space: so many that a message has its bit in two of five at most, which a query of
// a few rows makes next to nothing.
func (f *filterBuilder) bits() uint8 {
	bits := uint8(minBits)
	for bits < maxBits && 1<<bits < f.set/max(f.n, 1)*5/2 {
		bits++
	}
	return bits
}

// appendTo appends the filter with 2^bits rows, each with its checksum. It can be done once.
func (f *filterBuilder) appendTo(b []byte, generation uint64, groupSum uint32, bits uint8) []byte {
	fold := 1 << (maxBits - bits)
	for row := range 1 << bits {
		rows := f.rows[row*fold:][:fold]
		for i := range rows[1:] {
			rows[0].or(&rows[1+i])
		}
		start := len(b)
		for _, w := range rows[0] {
			b = le.AppendUint64(b, w)
		}
		b = b[:start+rowSize-4] // the last half word has no entries
		b = le.AppendUint32(b, rowSum(generation, groupSum, row, b[start:]))
	}
	return b
}

func rowSum(generation uint64, groupSum uint32, row int, bits []byte) uint32 {
	var place [8]byte
	le.PutUint32(place[:], groupSum)
	le.PutUint32(place[4:], uint32(row))
	return sum(generation, place[:], bits)
}

// candidates is a bit for each entry of a group.
type candidates [rowSize / 8]uint64

// allEntries keeps the bits of a row that are an entry's, and not the checksum's.
var allEntries = candidates{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), 1<<32 - 1}

func (c *candidates) has(i int) bool { return c[i/64]&(1<<(i%64)) != 0 }

func (c *candidates) and(d *candidates) {
	for i := range c {
		c[i] &= d[i]
	}
}

func (c *candidates) or(d *candidates) {
	for i := range c {
		c[i] |= d[i]
	}
}

func (c *candidates) empty() bool { return *c == candidates{} }

// maxGrams is how many rows are asked for a string: more make no difference.
const maxGrams = 16

// sieve is what a query asks of filters: of each list of strings, one whose rows all have the bit.
type sieve [][][]uint32

// newSieve makes one of what a query needs. It is empty when the query's strings are too short to tell anything.
func newSieve(needs [][][]byte) sieve {
	var out sieve
	for _, any := range needs {
		var list [][]uint32
		for _, s := range any {
			grams := gramsOf(s)
			if len(grams) == 0 {
				list = nil
				break
			}
			list = append(list, grams)
		}
		if list != nil {
			out = append(out, list)
		}
	}
	return out
}

// gramsOf returns the rows of a string, of a long one some that are spread over it.
func gramsOf(s []byte) []uint32 {
	var all []uint32
	for i := 2; i < len(s); i++ {
		if g := gram(s[i-2], s[i-1], s[i]); !slices.Contains(all, g) {
			all = append(all, g)
		}
	}
	if len(all) <= maxGrams {
		return all
	}
	out := make([]uint32, maxGrams)
	for i := range out {
		out[i] = all[i*len(all)/maxGrams]
	}
	return out
}

// pass returns the entries that the sieve leaves over; row fetches a row of the filter.
func (s sieve) pass(row func(gram uint32) candidates) candidates {
	left := allEntries
	for _, list := range s {
		var some candidates
		for _, grams := range list {
			all := left
			for _, g := range grams {
				if all.empty() {
					break
				}
				r := row(g)
				all.and(&r)
			}
			some.or(&all)
		}
		left.and(&some)
	}
	return left
}
