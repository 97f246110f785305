package deflate

import (
	"bufio"
	"compress/flate"
	"io"
	"sync"
)

// Compressors lends out compressors, each of which holds about a megabyte. The zero value is ready; many goroutines may use
// it at once.
type Compressors struct{ pool sync.Pool }

// compressor collects what flate writes: an answer of one line it would hand on in five pieces, each of them a packet. Some make no
// sense by themselves, and there are clients (Thunderbird 153) that stop listening when they have got one that decompresses to nothing.
type compressor struct {
	*flate.Writer
	to *bufio.Writer
}

// collected is how much compressed data is sent at once.
const collected = 8 << 10

// Writer compresses what is written to it. It borrows a compressor with the first Write and gives it back by Release.
type Writer struct {
	dst  io.Writer
	from *Compressors
	c    *compressor
	held bool // something was written since the last Flush
	err  error
}

// NewWriter returns a Writer to dst.
func (c *Compressors) NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst, from: c} }

// Write compresses p. Some of it stays here until Flush.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil || len(p) == 0 {
		return 0, w.err
	}
	if w.c == nil {
		if w.c, w.err = w.from.get(w.dst); w.err != nil {
			return 0, w.err
		}
	}
	var n int
	w.held = true
	n, w.err = w.c.Write(p)
	return n, w.err
}

// get lends a compressor that writes to dst.
func (c *Compressors) get(dst io.Writer) (*compressor, error) {
	if lent, _ := c.pool.Get().(*compressor); lent != nil {
		lent.to.Reset(dst)
		lent.Reset(lent.to)
		return lent, nil
	}
	to := bufio.NewWriterSize(dst, collected)
	fw, err := flate.NewWriter(to, flate.BestSpeed)
	return &compressor{fw, to}, err
}

// Flush sends everything that was written, up to the border of an octet, in one piece where it is short.
func (w *Writer) Flush() error {
	if w.held && w.err == nil {
		w.held = false
		if w.err = w.c.Flush(); w.err == nil {
			w.err = w.c.to.Flush()
		}
	}
	return w.err
}

// Release flushes and gives the compressor back. The next one begins without a past, which the peer does not notice.
func (w *Writer) Release() {
	if w.c == nil {
		return
	}
	_ = w.Flush() // kept in w.err
	w.c.to.Reset(nil)
	w.from.pool.Put(w.c)
	w.c = nil
}
