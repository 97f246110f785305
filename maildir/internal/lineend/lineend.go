// Package lineend makes the line ends of files those of messages.
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
