package sendmail

import (
	"bufio"
	"io"
)

// lines reads a message with LF or CRLF line ends and gives it CRLF. Unless dots is set, a line of a dot alone ends it.
type lines struct {
	r     *bufio.Reader
	dots  bool
	begun bool // within a line
	cr    bool // the last octet was a CR
	buf   []byte
	err   error
}

func (l *lines) Read(p []byte) (int, error) {
	for len(l.buf) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		l.next()
	}
	n := copy(p, l.buf)
	l.buf = l.buf[n:]
	return n, nil
}

// next reads the next line, or a piece of one that is long.
func (l *lines) next() {
	line, err := l.r.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull {
		l.err = err
	}
	if len(line) == 0 {
		return
	}
	if s := string(line); !l.dots && !l.begun && (s == ".\n" || s == ".\r\n" || s == "." && err == io.EOF) {
		l.err = io.EOF
		return
	}
	l.buf = append(l.buf[:0], line...)
	ends := line[len(line)-1] == '\n'
	if ends {
		l.buf = l.buf[:len(l.buf)-1]
		if n := len(l.buf); n > 0 && l.buf[n-1] == '\r' {
			l.buf = l.buf[:n-1]
		} else if n == 0 && l.cr {
			// the CR was at the end of the piece before and is there already
			l.buf, l.begun, l.cr = append(l.buf, '\n'), false, false
			return
		}
		l.buf = append(l.buf, '\r', '\n')
	}
	l.begun = !ends
	l.cr = !ends && line[len(line)-1] == '\r'
}
