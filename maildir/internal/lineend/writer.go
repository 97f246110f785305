package lineend

import (
	"bytes"
	"io"
)

// Writer writes CRLF as LF to W, for files that are kept so.
type Writer struct {
	W   io.Writer
	buf []byte
	cr  bool // the last octet was CR and has not been written
}

// Write implements io.Writer. A CR at the end of p is held back.
func (l *Writer) Write(p []byte) (int, error) {
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
	if _, err := l.W.Write(l.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes a CR that was held back. W stays open.
func (l *Writer) Close() error {
	if !l.cr {
		return nil
	}
	l.cr = false
	_, err := l.W.Write([]byte{'\r'})
	return err
}
