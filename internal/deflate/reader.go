package deflate

import (
	"errors"
	"io"
)

// ErrCorrupt says that the input is no deflate stream.
var ErrCorrupt = errors.New("deflate: input is corrupt")

const (
	maxWindow = 32 << 10 // how far back the input may refer
	minWindow = 1 << 10
	minInput  = 256
	maxInput  = 8 << 10
)

// state is what the Reader expects next.
type state uint8

const (
	atBlock   state = iota // three bits of a block's header
	atStored               // length of a stored block
	inStored               // its octets
	atDynamic              // counts of a dynamic block
	inCodes                // lengths of the code of code lengths
	inLengths              // lengths of the two codes
	inSymbols              // the compressed data
	inMatch                // copying from the window
	atEnd                  // the last block has ended
	failed                 // the input is corrupt
)

// Reader decompresses. Each step of it needs at most 48 bits and takes them together or not at all: so it can stop anywhere
// for want of input, and go on when there is some.
type Reader struct {
	src        io.Reader
	in         []byte // in[start:end] has been read from src
	start, end int
	bits       uint64 // the next nbits bits, the first of them lowest
	nbits      uint

	window []byte // the last octets of the output; its size is a power of two
	total  int    // octets in the window
	at     int    // where the next goes

	state       state
	ending      bool // End was called
	plain       bool // the end has been met
	last        bool // this block is the last
	flushed     bool // the block before was empty and stored, so that the next begins an octet
	left        int  // octets of a stored block or a match
	distance    int  // of a match
	lit, dist   *code
	own         *[2]code // where dynamic codes are made
	lengths     [320]uint8
	nlit, ndist int
	nlen, have  int
}

// NewReader returns a Reader of what src compresses.
func NewReader(src io.Reader) *Reader { return &Reader{src: src} }

// Release gives back what is not needed while src has nothing to read.
func (r *Reader) Release() {
	if r.start == r.end {
		r.in, r.start, r.end = nil, 0, 0
	}
}

// Read waits for input only when it has nothing to return. An error of the source is returned as it came, and the next
// call tries again: a deadline that has passed breaks nothing.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.ending {
		return r.readBehind(p)
	}
	n := 0
	for {
		more, err := r.step(p, &n)
		if err == ErrCorrupt {
			r.state = failed
		}
		switch {
		case err != nil && n == 0:
			return 0, err
		case n == len(p) || err != nil || !more && n > 0:
			return n, nil // an error comes again
		case n > 0 && r.flushed && r.state == atBlock:
			return n, nil // what follows a flush may not be for us, see End
		case !more:
			if err := r.fill(); err != nil {
				return 0, err
			}
		}
	}
}

// fill reads from the source. What fills the buffer gets a larger one next time.
func (r *Reader) fill() error {
	if r.start == r.end {
		r.start, r.end = 0, 0
	}
	if r.in == nil {
		r.in = make([]byte, minInput)
	} else if r.start > 0 && r.end == len(r.in) {
		r.end = copy(r.in, r.in[r.start:r.end])
		r.start = 0
	}
	n, err := r.src.Read(r.in[r.end:])
	r.end += n
	if n > 0 {
		if r.end == len(r.in) && len(r.in) < maxInput {
			r.in = append(make([]byte, 0, 4*len(r.in)), r.in...)
			r.in = r.in[:cap(r.in)]
		}
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	if err == io.EOF && (r.state != atBlock || r.nbits >= 8) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// refill takes as many whole octets as there is room for.
func (r *Reader) refill() {
	for r.nbits <= 56 && r.start < r.end {
		r.bits |= uint64(r.in[r.start]) << r.nbits
		r.nbits += 8
		r.start++
	}
}

// take removes the next n bits, which are there.
func (r *Reader) take(n uint) uint {
	v := uint(r.bits & (1<<n - 1))
	r.bits >>= n
	r.nbits -= n
	return v
}

// step does what can be done. It returns false when there is not enough input, and true when p is full or another step can
// follow.
func (r *Reader) step(p []byte, n *int) (bool, error) {
	r.refill()
	switch r.state {
	case atBlock:
		if r.nbits < 3 {
			return false, nil
		}
		return true, r.block()
	case atStored:
		skip := r.nbits & 7 // to the next octet
		if r.nbits-skip < 32 {
			return false, nil
		}
		r.take(skip)
		size := r.take(16)
		if r.take(16) != size^0xffff {
			return false, ErrCorrupt
		}
		r.left, r.state, r.flushed = int(size), inStored, size == 0
	case inStored:
		return r.stored(p, n), nil
	case atDynamic, inCodes, inLengths:
		return r.dynamic()
	case inSymbols:
		return r.symbols(p, n)
	case inMatch:
		r.match(p, n)
	case atEnd:
		return false, io.EOF
	case failed:
		return false, ErrCorrupt
	}
	return true, nil
}

// block begins a block.
func (r *Reader) block() error {
	r.last, r.flushed = r.take(1) == 1, false
	switch r.take(2) {
	case 0:
		r.state = atStored
	case 1:
		r.lit, r.dist = fixedCodes()
		r.state = inSymbols
	case 2:
		r.state = atDynamic
	default:
		return ErrCorrupt
	}
	return nil
}

// endBlock ends a block.
func (r *Reader) endBlock() {
	if r.state = atBlock; r.last {
		r.state = atEnd
	}
}

// stored copies octets of a stored block: first what is among the bits, then from the buffer.
func (r *Reader) stored(p []byte, n *int) bool {
	for r.left > 0 && *n < len(p) && r.nbits >= 8 {
		r.put(p, n, byte(r.take(8)))
		r.left--
	}
	for r.left > 0 && *n < len(p) && r.start < r.end {
		r.put(p, n, r.in[r.start])
		r.start++
		r.left--
	}
	if r.left == 0 {
		r.endBlock()
		return true
	}
	return *n == len(p)
}

// put writes an octet of output.
func (r *Reader) put(p []byte, n *int, c byte) {
	p[*n] = c
	*n++
	if r.at == len(r.window) {
		r.grow()
	}
	r.window[r.at] = c
	if r.at++; r.total < r.at {
		r.total = r.at
	}
	if r.at == maxWindow {
		r.at = 0
	}
}

// grow makes the window larger, before it has been written around: only what is full of history costs its whole size.
func (r *Reader) grow() {
	window := make([]byte, max(minWindow, 2*len(r.window)))
	copy(window, r.window)
	r.window = window
}

// match copies from the window.
func (r *Reader) match(p []byte, n *int) {
	for r.left > 0 && *n < len(p) {
		from := r.at - r.distance
		if from < 0 {
			from += maxWindow
		}
		r.put(p, n, r.window[from])
		r.left--
	}
	if r.left == 0 {
		r.state = inSymbols
	}
}
