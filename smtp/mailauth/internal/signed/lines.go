package signed

import (
	"bytes"
	"errors"
	"io"
)

// ErrLineEnd says that a line ends in a bare LF.
var ErrLineEnd = errors.New("a line does not end in CRLF")

// ErrFolded says that a message begins with a folded line, which would become part of whatever field is put before it.
var ErrFolded = errors.New("the message begins in the middle of a header field")

// Begins returns ErrFolded for a header that nothing can be put before.
func (h Header) Begins() error {
	if len(h) > 0 && (h[0][0] == ' ' || h[0][0] == '\t') {
		return ErrFolded
	}
	return nil
}

type lines struct {
	r  io.Reader
	cr bool // the last octet was CR
}

// Lines returns a reader that ends with ErrLineEnd at a LF without CR: such a message would change on its way, and its
// signature break.
func Lines(r io.Reader) io.Reader { return &lines{r: r} }

func (l *lines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for at := 0; at < n; {
		i := bytes.IndexByte(p[at:n], '\n')
		if i < 0 {
			break
		}
		if i += at; i > 0 && p[i-1] != '\r' || i == 0 && !l.cr {
			return i, ErrLineEnd
		}
		at = i + 1
	}
	if n > 0 {
		l.cr = p[n-1] == '\r'
	}
	return n, err
}
