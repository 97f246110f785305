package deflate

import (
	"math/bits"
	"sync"
)

const (
	maxLength = 15 // of a code word
	fastBits  = 9  // code words up to this length are looked up at once
)

// code is a Huffman code.
type code struct {
	fast   [1 << fastBits]uint16 // symbol<<4 | length by the next bits; 0 for longer words
	count  [maxLength + 1]uint16 // words of each length
	symbol [288]uint16           // in the order of their words
}

// make builds the code from its words' lengths. Only a code of one word may leave bits unused (RFC 1951 section 3.2.7).
func (c *code) make(lengths []uint8) bool {
	*c = code{}
	for _, l := range lengths {
		c.count[l]++
	}
	left, words := 1, 0
	for l := 1; l <= maxLength; l++ {
		if left = left<<1 - int(c.count[l]); left < 0 {
			return false
		}
		words += int(c.count[l])
	}
	if left > 0 && (words > 1 || words == 1 && c.count[1] != 1) {
		return false
	}
	var next, first [maxLength + 2]uint16
	for l := 1; l <= maxLength; l++ {
		next[l+1] = next[l] + c.count[l]
		first[l+1] = (first[l] + c.count[l]) << 1
	}
	for s, l := range lengths {
		if l == 0 {
			continue
		}
		c.symbol[next[l]] = uint16(s)
		next[l]++
		if l <= fastBits {
			word := bits.Reverse16(first[l]) >> (16 - l)
			for ; word < 1<<fastBits; word += 1 << l {
				c.fast[word] = uint16(s)<<4 | uint16(l)
			}
		}
		first[l]++
	}
	return true
}

// find returns the symbol of the word at the beginning of b, and its length; 0 when there is none in n bits.
func (c *code) find(b uint64, n uint) (symbol, length uint) {
	if e := uint(c.fast[b&(1<<fastBits-1)]); e != 0 {
		if length = e & 15; length > n {
			return 0, 0
		}
		return e >> 4, length
	}
	word, first, index := 0, 0, 0
	for l := uint(1); l <= min(n, maxLength); l++ {
		word |= int(b & 1)
		b >>= 1
		count := int(c.count[l])
		if word-count < first {
			return uint(c.symbol[index+word-first]), l
		}
		index += count
		first = (first + count) << 1
		word <<= 1
	}
	return 0, 0
}

// fixedCodes returns the codes of blocks that bring none (RFC 1951 section 3.2.6).
func fixedCodes() (lit, dist *code) {
	c := fixed()
	return &c[0], &c[1]
}

var fixed = sync.OnceValue(func() *[2]code {
	var c [2]code
	lengths := make([]uint8, 288)
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	c[0].make(lengths)
	for i := range 32 {
		lengths[i] = 5
	}
	c[1].make(lengths[:32])
	return &c
})
