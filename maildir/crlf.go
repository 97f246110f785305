package maildir

import (
	"bytes"
	"io"
	"sort"
	"sync"

	"github.com/buuta/mail/maildir/internal/lineend"
)

// lineCounter is a writer that counts octets and line ends without CR.
type lineCounter struct {
	size int64
	bare uint32
	cr   bool // the last octet was CR
}

func (c *lineCounter) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	c.bare += bareLF(p, c.cr)
	if len(p) > 0 {
		c.cr = p[len(p)-1] == '\r'
	}
	return len(p), nil
}

// bareLF counts the LFs in p that no CR precedes; cr says whether one precedes p.
func bareLF(p []byte, cr bool) (n uint32) {
	n = uint32(bytes.Count(p, lf) - bytes.Count(p, crlf))
	if cr && len(p) > 0 && p[0] == '\n' {
		n--
	}
	return n
}

var (
	lf   = []byte("\n")
	crlf = []byte("\r\n")
)

// lfWriter writes CRLF as LF, for files that are kept so. Close writes a CR that was held back.
type lfWriter struct {
	w   io.Writer
	buf []byte
	cr  bool // the last octet was CR and has not been written
}

func (l *lfWriter) Write(p []byte) (int, error) {
	l.buf = l.buf[:0]
	for rest := p; len(rest) > 0; {
		if l.cr {
			if rest[0] != '\n' {
				l.buf = append(l.buf, '\r')
			}
			l.cr = false
		}
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			l.buf = append(l.buf, rest...)
			break
		}
		l.buf = append(l.buf, rest[:i]...)
		l.cr = true
		rest = rest[i+1:]
	}
	if _, err := l.w.Write(l.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (l *lfWriter) Close() error {
	if !l.cr {
		return nil
	}
	l.cr = false
	_, err := l.w.Write([]byte{'\r'})
	return err
}

// crlfChunk is how much of a file is converted at once, and the distance of the known points in it.
const crlfChunk = 64 << 10

// crlfReader shows a file with LF line ends as if it had CRLF.
type crlfReader struct {
	r      io.ReaderAt
	size   int64 // of what it shows
	points []int64
	pool   sync.Pool
}

// newCRLFReader reads the file once, for the points: points[i] is where octet i*crlfChunk of the file is shown.
func newCRLFReader(r io.ReaderAt, physical int64) (*crlfReader, error) {
	c := &crlfReader{r: r}
	buf := make([]byte, min(crlfChunk, max(physical, 1)))
	cr := false
	for at := int64(0); at < physical; at += crlfChunk {
		n, err := r.ReadAt(buf[:min(crlfChunk, physical-at)], at)
		if err != nil && err != io.EOF {
			return nil, err
		}
		c.points = append(c.points, c.size)
		c.size += int64(n) + int64(bareLF(buf[:n], cr))
		if n > 0 {
			cr = buf[n-1] == '\r'
		}
	}
	return c, nil
}

// ReadAt implements io.ReaderAt.
func (c *crlfReader) ReadAt(p []byte, off int64) (int, error) {
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
func (c *crlfReader) chunk(i int) (*[]byte, error) {
	out, _ := c.pool.Get().(*[]byte)
	if out == nil {
		out = new([]byte)
	}
	raw := make([]byte, crlfChunk+1)
	at := int64(i)*crlfChunk - 1
	cut := 1
	if i == 0 {
		at, cut = 0, 0
	}
	n, err := c.r.ReadAt(raw[:crlfChunk+cut], at)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < cut {
		return nil, io.ErrUnexpectedEOF
	}
	*out = lineend.AppendCRLF((*out)[:0], raw[cut:n], cut == 1 && raw[0] == '\r')
	return out, nil
}
