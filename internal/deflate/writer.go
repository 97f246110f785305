package deflate

import (
	"compress/flate"
	"io"
	"sync"
)

// Compressors lends out compressors, each of which holds about a megabyte. The zero value is ready; many goroutines may use
// it at once.
type Compressors struct{ pool sync.Pool }

// Writer compresses what is written to it. It borrows a compressor with the first Write and gives it back by Release.
type Writer struct {
	dst  io.Writer
	from *Compressors
	fw   *flate.Writer
	err  error
}

// NewWriter returns a Writer to dst.
func (c *Compressors) NewWriter(dst io.Writer) *Writer { return &Writer{dst: dst, from: c} }

// Write compresses p. Some of it stays here until Flush.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil || len(p) == 0 {
		return 0, w.err
	}
	if w.fw == nil {
		if w.fw, _ = w.from.pool.Get().(*flate.Writer); w.fw != nil {
			w.fw.Reset(w.dst)
		} else if w.fw, w.err = flate.NewWriter(w.dst, flate.BestSpeed); w.err != nil {
			return 0, w.err
		}
	}
	var n int
	n, w.err = w.fw.Write(p)
	return n, w.err
}

// Flush sends everything that was written, up to the border of an octet.
func (w *Writer) Flush() error {
	if w.fw != nil && w.err == nil {
		w.err = w.fw.Flush()
	}
	return w.err
}

// Release flushes and gives the compressor back. The next one begins without a past, which the peer does not notice.
func (w *Writer) Release() {
	if w.fw == nil {
		return
	}
	_ = w.Flush() // kept in w.err
	w.from.pool.Put(w.fw)
	w.fw = nil
}
