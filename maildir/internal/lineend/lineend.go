// Package lineend makes the line ends of files those of messages: a message has CRLF, a file that other programs wrote may have LF alone.
package lineend

import "bytes"

// AppendCRLF writes p behind dst with a CR before each LF that lacks one; cr says whether the octet before p was a CR.
func AppendCRLF(dst, p []byte, cr bool) []byte {
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		if !(i > 0 && p[i-1] == '\r' || i == 0 && cr) {
			dst = append(dst, '\r')
		}
		dst = append(dst, '\n')
		p, cr = p[i+1:], false
	}
	return dst
}

// Counter counts what is written to it.
type Counter struct {
	Size int64  // octets
	Bare uint32 // line ends without CR
	cr   bool   // the last octet was CR
}

// Write implements io.Writer. It doesn't fail.
func (c *Counter) Write(p []byte) (int, error) {
	c.Size += int64(len(p))
	c.Bare += BareLF(p, c.cr)
	if len(p) > 0 {
		c.cr = p[len(p)-1] == '\r'
	}
	return len(p), nil
}

// BareLF counts the LFs in p that no CR precedes; cr says whether one precedes p.
func BareLF(p []byte, cr bool) (n uint32) {
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
