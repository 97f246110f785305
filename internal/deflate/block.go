package deflate

// The order in which the lengths of the code of code lengths come (RFC 1951 section 3.2.7).
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block that brings its own.
func (r *Reader) dynamic() (bool, error) {
	switch r.state {
	case atDynamic:
		if r.nbits < 14 {
			return false, nil
		}
		r.nlit, r.ndist, r.nlen = int(r.take(5))+257, int(r.take(5))+1, int(r.take(4))+4
		if r.nlit > 286 || r.ndist > 30 {
			return false, ErrCorrupt
		}
		r.lengths, r.have, r.state = [320]uint8{}, 0, inCodes
	case inCodes:
		for ; r.have < r.nlen; r.have++ {
			if r.refill(); r.nbits < 3 {
				return false, nil
			}
			r.lengths[lengthOrder[r.have]] = uint8(r.take(3))
		}
		if r.own == nil {
			r.own = new([2]code)
		}
		if !r.own[0].make(r.lengths[:19]) {
			return false, ErrCorrupt
		}
		r.lengths, r.have, r.state = [320]uint8{}, 0, inLengths
	case inLengths:
		return r.codeLengths()
	}
	return true, nil
}

// codeLengths reads the lengths of both codes, which are one sequence, and makes the codes.
func (r *Reader) codeLengths() (bool, error) {
	for r.have < r.nlit+r.ndist {
		r.refill()
		symbol, n := r.own[0].find(r.bits, r.nbits)
		if n == 0 {
			return false, r.missing()
		}
		value, repeat, extra := uint8(symbol), 1, uint(0)
		switch symbol {
		case 16:
			if r.have == 0 {
				return false, ErrCorrupt
			}
			value, repeat, extra = r.lengths[r.have-1], 3, 2
		case 17:
			value, repeat, extra = 0, 3, 3
		case 18:
			value, repeat, extra = 0, 11, 7
		}
		if n+extra > r.nbits {
			return false, nil
		}
		r.take(n)
		repeat += int(r.take(extra))
		if r.have+repeat > r.nlit+r.ndist {
			return false, ErrCorrupt
		}
		for range repeat {
			r.lengths[r.have] = value
			r.have++
		}
	}
	if r.lengths[256] == 0 || !r.own[1].make(r.lengths[r.nlit:r.have]) || !r.own[0].make(r.lengths[:r.nlit]) {
		return false, ErrCorrupt // without an end of block among it
	}
	r.lit, r.dist, r.state = &r.own[0], &r.own[1], inSymbols
	return true, nil
}

// missing tells a word that has not come whole from one that is none.
func (r *Reader) missing() error {
	if r.nbits >= maxLength {
		return ErrCorrupt
	}
	return nil
}

// The lengths and distances that symbols stand for, with the bits that follow them (RFC 1951 section 3.2.5).
var (
	lengthBase = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthBits = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
)

// distanceOf returns the base and the further bits of a distance symbol below 30.
func distanceOf(symbol uint) (base int, extra uint) {
	if symbol < 2 {
		return int(symbol) + 1, 0
	}
	extra = symbol/2 - 1
	return int(2+symbol&1)<<extra + 1, extra
}

// symbols reads literals and matches until p is full, the block ends or the input does.
func (r *Reader) symbols(p []byte, n *int) (bool, error) {
	for *n < len(p) {
		r.refill()
		symbol, used := r.lit.find(r.bits, r.nbits)
		switch {
		case used == 0:
			return false, r.missing()
		case symbol < 256:
			r.take(used)
			r.put(p, n, byte(symbol))
			continue
		case symbol == 256:
			r.take(used)
			r.endBlock()
			return true, nil
		case symbol > 285:
			return false, ErrCorrupt
		}
		extra := uint(lengthBits[symbol-257])
		length := int(lengthBase[symbol-257]) + int(r.bits>>used&(1<<extra-1))
		if used += extra; used > r.nbits {
			return false, nil
		}
		ds, dn := r.dist.find(r.bits>>used, r.nbits-used)
		if dn == 0 {
			if r.nbits-used >= maxLength {
				return false, ErrCorrupt
			}
			return false, nil
		}
		if ds > 29 {
			return false, ErrCorrupt
		}
		used += dn
		base, extra := distanceOf(ds)
		if used+extra > r.nbits {
			return false, nil
		}
		distance := base + int(r.bits>>used&(1<<extra-1))
		if distance > r.total {
			return false, ErrCorrupt
		}
		r.take(used + extra)
		r.left, r.distance, r.state = length, distance, inMatch
		if r.match(p, n); r.state == inMatch {
			return true, nil // p is full
		}
	}
	return true, nil
}
