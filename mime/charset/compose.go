package charset

import (
	"io"

	"golang.org/x/text/unicode/norm"
)

// composeReader brings text in UTF-8 to normalisation form C. The marks of a letter are held back until the next letter, but no
// more than maxOpen octets of them: what nobody writes need not be composed. It stands in place of norm's own Reader, which
// panics on long runs of marks (x/text 0.43.0), as anybody may send them.
type composeReader struct {
	r     io.Reader
	buf   []byte // read, not yet composed
	out   []byte
	ready []byte // of out, not yet given away
	err   error
}

const maxOpen = 256

// Read implements io.Reader.
func (c *composeReader) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		if c.buf == nil {
			c.buf = make([]byte, 0, 2048+maxOpen)
		}
		var n int
		n, c.err = c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		cut := len(c.buf)
		if c.err == nil {
			if b := norm.NFC.LastBoundary(c.buf); b >= 0 && len(c.buf)-b <= maxOpen {
				cut = b
			} else if b < 0 && len(c.buf) <= maxOpen {
				cut = 0
			}
		}
		c.out = norm.NFC.Append(c.out[:0], c.buf[:cut]...)
		c.ready = c.out
		c.buf = c.buf[:copy(c.buf, c.buf[cut:])]
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}
