package deflate

import "errors"

// ErrBehindEnd says that the peer sent compressed data behind the octet with which its compression should have ended.
var ErrBehindEnd = errors.New("deflate: data behind the end")

// lastBlock is a block with no data that ends a stream which is at the border of an octet.
var lastBlock = []byte{3, 0}

// End says that the compressed data end with the octet that Read returned last. From now on Read drops what a compressor sends
// behind its data when it flushes (by Z_SYNC_FLUSH or Z_FULL_FLUSH), ends or does both, and returns the octets behind that as
// they are. Text is expected there: octets 1 and 3 are taken for the last block.
func (r *Reader) End() { r.ending = true }

// Plain reports whether the end has been met, and everything that had been read by then was returned: what comes next can be
// read from the source.
func (r *Reader) Plain() bool { return r.plain && r.nbits == 0 && r.start == r.end }

// readBehind is Read after End.
func (r *Reader) readBehind(p []byte) (int, error) {
	for !r.plain {
		more, err := r.endStep()
		if err == nil && !more && !r.plain {
			err = r.fill()
		}
		if err != nil {
			return 0, err
		}
	}
	r.window = nil
	n := 0
	for ; r.nbits > 0 && n < len(p); n++ {
		p[n] = byte(r.take(8))
	}
	if n > 0 {
		return n, nil
	}
	if r.start < r.end {
		n = copy(p, r.in[r.start:r.end])
		r.start += n
		return n, nil
	}
	r.in = nil
	return r.src.Read(p)
}

// endStep takes what stands behind the data. It reports whether it could do something with what there is.
func (r *Reader) endStep() (bool, error) {
	r.refill()
	switch {
	case r.state == atEnd:
		r.take(r.nbits & 7) // what fills up the last octet
		r.plain = true
		return true, nil
	case r.state == atBlock && r.flushed:
		if r.nbits < 8 {
			return false, nil
		}
		if next := byte(r.bits); next != 1 && next != lastBlock[0] {
			r.plain = true
			return true, nil
		}
	}
	var none [1]byte
	n := 0
	more, err := r.step(none[:], &n)
	if n > 0 {
		err = ErrBehindEnd
	}
	if err != nil && r.state != atEnd {
		r.state = failed
	}
	return more, err
}

// Close ends the stream at the border of an octet and gives the compressor back.
func (w *Writer) Close() error {
	w.Release()
	if w.err == nil {
		_, w.err = w.dst.Write(lastBlock)
	}
	return w.err
}
