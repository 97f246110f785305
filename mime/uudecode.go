package mime

import (
	"bufio"
	"bytes"
	"io"
)

// NewUUReader decodes the file between the first "begin" line and its "end" (x-uuencode, as POSIX's uuencode writes
// it). What stands around them is passed over. Damage is no error: a line that is too short gives what it holds.
func NewUUReader(r io.Reader) io.Reader { return &uuReader{r: bufio.NewReaderSize(r, 4096)} }

type uuReader struct {
	r     *bufio.Reader
	out   []byte
	ready []byte
	began bool
	done  bool
	err   error
}

func (u *uuReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.line()
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

// line reads one line. Lines longer than the buffer are none of an encoded file; what follows their beginning is passed over.
func (u *uuReader) line() {
	line, err := u.r.ReadSlice('\n')
	for rest := err; rest == bufio.ErrBufferFull; {
		_, rest = u.r.ReadSlice('\n')
		if err = rest; rest == bufio.ErrBufferFull {
			err = nil
		}
	}
	u.err = err
	line = bytes.TrimRight(line, "\r\n")
	switch {
	case u.done || len(line) == 0:
	case !u.began:
		u.began = isUUBegin(line)
	case string(bytes.TrimRight(line, " ")) == "end" || line[0] == '`' || line[0] == ' ':
		u.done = true
	default:
		u.ready = u.decode(line)
	}
}

// isUUBegin recognises "begin 644 name".
func isUUBegin(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	mode, name, ok2 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 || len(mode) < 3 || len(mode) > 4 || len(name) == 0 {
		return false
	}
	for _, c := range mode {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}

func (u *uuReader) decode(line []byte) []byte {
	n := min(int(line[0]-' ')&0x3f, (len(line)+2)/4*3)
	u.out = u.out[:0]
	at := func(i int) byte {
		if i < len(line) {
			return (line[i] - ' ') & 0x3f
		}
		return 0
	}
	for i := 1; len(u.out) < n; i += 4 {
		a, b, c, d := at(i), at(i+1), at(i+2), at(i+3)
		u.out = append(u.out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
	}
	return u.out[:n]
}
