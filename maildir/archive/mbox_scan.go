package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buuta/mail"
)

// maxHeader is how much of a message is looked at for flags.
const maxHeader = 256 << 10

// scanner takes an mbox file apart.
type scanner struct {
	file   io.ReaderAt
	size   int64
	format MboxFormat
	br     *bufio.Reader
	off    int64 // of what br gives next
	begun  bool
	start  int64 // of the message at hand

	// The message at hand.
	head    []byte // of it what is already read, with CRLF
	inBody  bool
	headEnd bool  // the line before was the one that ends the header, and may be the message's last as well
	exact   int64 // octets of it by its Content-Length, -1 without
	quoted  bool  // ">From " stands for "From "
	started bool  // at the beginning of a line
	cr      bool  // what was given last was a CR
	blanks  int   // lines that are either content or the end
	out     []byte
	buf     []byte
	err     error
}

func newScanner(file io.ReaderAt, size, from int64, format MboxFormat) *scanner {
	return &scanner{file: file, size: size, format: format, off: from,
		br: bufio.NewReaderSize(io.NewSectionReader(file, from, size-from), 64<<10)}
}

// fragment returns the rest of a line, or as much of it as the buffer takes.
func (s *scanner) fragment() ([]byte, error) {
	b, err := s.br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || err == io.EOF && len(b) > 0 {
		err = nil
	}
	s.off += int64(len(b))
	return b, err
}

// atFrom reports whether a "From " line comes next.
func (s *scanner) atFrom() (time.Time, bool) {
	b, _ := s.br.Peek(5)
	if string(b) != "From " {
		return time.Time{}, false
	}
	for n := 256; ; n *= 4 {
		b, err := s.br.Peek(min(n, 1024))
		if line, _, ok := bytes.Cut(b, []byte("\n")); ok || err != nil {
			return parseFrom(bytes.TrimSuffix(line, []byte("\r")))
		}
		if n >= 1024 {
			return time.Time{}, false
		}
	}
}

// next goes to the next message: io.EOF behind the last.
func (s *scanner) next() (flags mail.Flags, date time.Time, err error) {
	if s.begun { // the rest of what wasn't read
		if _, err := io.Copy(io.Discard, s); err != nil {
			return flags, date, err
		}
	}
	s.begun = true
	for { // blank lines before a message
		b, err := s.br.Peek(1)
		if err != nil {
			return flags, date, err
		}
		if b[0] != '\n' && b[0] != '\r' {
			break
		}
		s.br.Discard(1)
		s.off++
	}
	s.start = s.off
	date, ok := s.atFrom()
	if !ok {
		return flags, date, fmt.Errorf("%w: no \"From \" line at octet %d", ErrFormat, s.off)
	}
	if _, err := s.fragment(); err != nil {
		return flags, date, err
	}
	s.inBody, s.headEnd, s.exact, s.quoted, s.started, s.cr, s.blanks, s.err = false, false, -1, s.format != MboxCL2, true, false, 0, nil
	s.out, s.head = nil, s.head[:0]
	// The header, to its blank line.
	for len(s.head) < maxHeader && !s.inBody && s.err == nil {
		s.step()
		s.head = append(s.head, s.out...)
		s.out = nil
	}
	if s.err != nil && s.err != io.EOF {
		return flags, date, s.err
	}
	rest, flags := takeStatus(s.head)
	if s.inBody && s.err == nil && s.format != MboxRD && s.format != MboxO {
		s.byLength(rest)
	}
	s.out = rest
	return flags, date, nil
}

// byLength has the message end where its Content-Length says, if a message or the end of the file comes there.
func (s *scanner) byLength(header []byte) {
	n := int64(-1)
	for line := range bytes.Lines(header) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(bytes.TrimSpace(name)), "Content-Length") {
			v, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 63)
			if err != nil {
				return
			}
			n = v
		}
	}
	begin := s.off
	if n < 0 || begin+n > s.size {
		return
	}
	var after [1024]byte
	k, err := s.file.ReadAt(after[:], begin+n)
	if err != nil && err != io.EOF {
		return
	}
	next := bytes.TrimLeft(after[:k], "\r\n")
	if len(next) > 0 {
		if k == len(next) && n > 0 { // no line end before it
			var last [1]byte
			if _, err := s.file.ReadAt(last[:], begin+n-1); err != nil || last[0] != '\n' {
				return
			}
		}
		line, _, _ := bytes.Cut(next, []byte("\n"))
		if _, ok := parseFrom(bytes.TrimSuffix(line, []byte("\r"))); !ok {
			return
		}
	}
	s.exact, s.quoted = n, false
}

// Read reads the message at hand.
func (s *scanner) Read(p []byte) (int, error) {
	for len(s.out) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		s.step()
	}
	n := copy(p, s.out)
	s.out = s.out[n:]
	return n, nil
}

// step puts something into out, or sets err.
func (s *scanner) step() {
	s.buf = s.buf[:0]
	if s.exact == 0 {
		s.err = io.EOF
		return
	}
	if s.exact > 0 {
		b, err := s.br.Peek(int(min(s.exact, 32<<10)))
		if err != nil {
			s.err = unexpected(err)
			return
		}
		s.exact -= int64(len(b))
		s.emit(b)
		s.br.Discard(len(b))
		s.off += int64(len(b))
		s.out = s.buf
		return
	}
	if s.started {
		if _, from := s.atFrom(); from && (s.blanks > 0 || s.headEnd || !s.inBody && len(s.head) == 0) {
			s.end()
			return
		}
	}
	b, err := s.fragment()
	if err != nil {
		s.end()
		if err != io.EOF {
			s.err = err
		}
		return
	}
	whole := b[len(b)-1] == '\n'
	if s.started && whole && len(bytes.TrimRight(b, "\r\n")) == 0 && len(b) <= 2 {
		if !s.inBody {
			s.inBody = true // this one ends the header
			s.headEnd = true
			s.emit(b)
			s.out = s.buf
			return
		}
		s.headEnd = false
		if s.blanks++; s.blanks < 4096 {
			return
		}
		for range 4095 {
			s.emit(crlf)
		}
		s.blanks = 1
		s.out = s.buf
		return
	}
	s.headEnd = false
	for ; s.blanks > 0; s.blanks-- {
		s.emit(crlf)
	}
	if s.started && s.quoted {
		n := 0
		for n < len(b) && b[n] == '>' {
			n++
		}
		if n > 0 && bytes.HasPrefix(b[n:], []byte("From ")) && (n == 1 || s.format != MboxO) {
			b = b[1:]
		}
	}
	s.emit(b)
	s.started = whole
	s.out = s.buf
}

var crlf = []byte("\r\n")

// end ends a message: the last blank line is not its own.
func (s *scanner) end() {
	for ; s.blanks > 1; s.blanks-- {
		s.emit(crlf)
	}
	s.blanks = 0
	s.out, s.err = s.buf, io.EOF
}

// emit gives out b with CRLF line ends.
func (s *scanner) emit(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.buf = append(s.buf, b...)
			s.cr = b[len(b)-1] == '\r'
			return
		}
		s.buf = append(s.buf, b[:i]...)
		if i > 0 && b[i-1] != '\r' || i == 0 && !s.cr {
			s.buf = append(s.buf, '\r')
		}
		s.buf = append(s.buf, '\n')
		s.cr = false
		b = b[i+1:]
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
