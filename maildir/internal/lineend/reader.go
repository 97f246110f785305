package lineend

import (
	"io"
	"sort"
	"sync"
)

// chunkSize is how much of a file is converted at once, and the distance of the known points in it.
const chunkSize = 64 << 10

// Reader shows a file with LF line ends as if it had CRLF. It may be used by several goroutines at once.
type Reader struct {
	r      io.ReaderAt
	size   int64 // of what is shown
	points []int64
	pool   sync.Pool
}

// NewReader reads a file of so many octets once, for the points: points[i] is where octet i*chunkSize of it is shown.
func NewReader(r io.ReaderAt, physical int64) (*Reader, error) {
	c := &Reader{r: r}
	buf := make([]byte, min(chunkSize, max(physical, 1)))
	cr := false
	for at := int64(0); at < physical; at += chunkSize {
		n, err := r.ReadAt(buf[:min(chunkSize, physical-at)], at)
		if err != nil && err != io.EOF {
			return nil, err
		}
		c.points = append(c.points, c.size)
		c.size += int64(n) + int64(BareLF(buf[:n], cr))
		if n > 0 {
			cr = buf[n-1] == '\r'
		}
	}
	return c, nil
}

// Size returns how many octets are shown.
func (c *Reader) Size() int64 { return c.size }

// ReadAt implements io.ReaderAt. A file that has become shorter gives io.ErrUnexpectedEOF.
func (c *Reader) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		if off >= c.size {
			return done, io.EOF
		}
		i := sort.Search(len(c.points), func(i int) bool { return c.points[i] > off }) - 1
		shown, err := c.chunk(i)
		if err != nil {
			return done, err
		}
		skip := off - c.points[i]
		if skip >= int64(len(*shown)) {
			return done, io.ErrUnexpectedEOF // the file has become shorter
		}
		n := copy(p[done:], (*shown)[skip:])
		c.pool.Put(shown)
		done, off = done+n, off+int64(n)
	}
	return done, nil
}

// chunk returns the i-th chunk of the file as it is shown.
func (c *Reader) chunk(i int) (*[]byte, error) {
	out, _ := c.pool.Get().(*[]byte)
	if out == nil {
		out = new([]byte)
	}
	raw := make([]byte, chunkSize+1)
	at := int64(i)*chunkSize - 1
	cut := 1
	if i == 0 {
		at, cut = 0, 0
	}
	n, err := c.r.ReadAt(raw[:chunkSize+cut], at)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < cut {
		return nil, io.ErrUnexpectedEOF
	}
	*out = AppendCRLF((*out)[:0], raw[cut:n], cut == 1 && raw[0] == '\r')
	return out, nil
}
