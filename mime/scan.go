package mime

import (
	"bytes"
	"io"
)

const (
	scanWindow  = 64 << 10
	maxBoundary = 1000 // RFC 2046 section 5.1.1 allows 70
)

// scanner walks through a message once: headers by lines, bodies in pieces as large as can be. It knows the boundaries of the
// multiparts that are open and stops at their delimiter lines. Both ways of reading, the index and the stream, stand on it.
type scanner struct {
	src        io.Reader
	buf        []byte
	start, end int   // what was read and not yet passed over is buf[start:end]
	off        int64 // offset of buf[start]
	lines      int64 // LFs before off
	countLines bool
	eof        bool
	err        error // of src, other than io.EOF

	checked   int  // octets from start on that are known to be no delimiter
	lineStart bool // at the beginning of a body or line
	bounds    map[string]int
	open      []openBoundary
	hit       delimiter
}

// openBoundary is a multipart whose delimiters count now.
type openBoundary struct {
	boundary string
	owner    int // what the caller knows it by
	shadowed int // the one with the same boundary further out, which counts again when this is closed; -1 for none
	closed   bool
}

// delimiter is a delimiter line that was found.
type delimiter struct {
	found   bool
	closing bool // "--boundary--"
	at      int  // index in open
	length  int  // octets from start on: the line end before it, the line, its line end
}

func newScanner(src io.Reader, window int) *scanner {
	s := new(scanner)
	s.reset(src, window)
	return s
}

// reset begins with another message, in the same space where that is enough.
func (s *scanner) reset(src io.Reader, window int) {
	if len(s.buf) < window {
		s.buf = make([]byte, window)
	}
	*s = scanner{src: src, buf: s.buf, bounds: s.bounds, open: s.open, lineStart: true}
}

// fill reads more, keeping what is there. It reports whether there is more than before.
func (s *scanner) fill() bool {
	if s.eof {
		return false
	}
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		return false
	}
	for range 100 {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.eof = true
			if err != io.EOF {
				s.err = err
			}
			return n > 0
		}
		if n > 0 {
			return true
		}
	}
	s.eof, s.err = true, io.ErrNoProgress
	return false
}

// pass goes over n octets.
func (s *scanner) pass(n int) {
	if s.countLines {
		s.lines += int64(bytes.Count(s.buf[s.start:s.start+n], []byte{'\n'}))
	}
	s.start += n
	s.off += int64(n)
	s.checked = max(s.checked-n, 0)
}

// header reads a header up to and with its empty line, to a delimiter line, or to the end. If the very first line is no field there
// is no header: it stays unread. header appends the first limit octets to dst; long
// reports that there were more. complete reports the empty line.
func (s *scanner) header(dst []byte, limit int) (raw []byte, complete, long bool) {
	atStart, begin := true, s.off // of a line; of the header
	for {
		w := s.buf[s.start:s.end]
		i := bytes.IndexByte(w, '\n')
		if i < 0 && s.fill() {
			continue
		}
		n := i + 1
		if i < 0 {
			n = len(w) // the last line, or part of one longer than the window
		}
		if n == 0 {
			return dst, false, long
		}
		if atStart && len(s.bounds) > 0 && w[0] == '-' {
			if s.match(w, 0).found {
				s.lineStart = true
				return dst, false, long
			}
			w = s.buf[s.start:s.end] // match may have read more
		}
		line := w[:n]
		if s.off == begin && startsBody(line) {
			return dst, false, false
		}
		if room := limit - len(dst); n > room {
			dst = append(dst, line[:max(room, 0)]...)
			long = true
		} else {
			dst = append(dst, line...)
		}
		empty := atStart && isEmptyLine(line)
		atStart = i >= 0
		s.pass(n)
		if empty {
			s.lineStart = true
			return dst, true, long
		}
	}
}

// startsBody reports whether a first line shows that there is no header: it is neither empty, nor a field, nor one of
// the lines that mbox files and careless forwarding put before a header.
func startsBody(line []byte) bool {
	if isEmptyLine(line) || line[0] == ' ' || line[0] == '\t' || bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")) {
		return false
	}
	f := newField(bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))) // a text editor's mark; the rest of the header is one all the same
	return !f.IsField()
}

// body returns the next piece of a body, valid until the next call. When done, a delimiter line is next (hit says which) or the end
// of the message (hit.found is false). The line end before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1).
func (s *scanner) body() (piece []byte, done bool) {
	for {
		w := s.buf[s.start:s.end]
		if len(w) == 0 {
			if s.fill() {
				continue
			}
			s.hit = delimiter{}
			return nil, true
		}
		if len(s.bounds) == 0 {
			s.lineStart = false
			return s.take(w, len(w)), false
		}
		if s.lineStart {
			if s.hit = s.match(w, 0); s.hit.found {
				return nil, true
			}
			w = s.buf[s.start:s.end]
			s.lineStart = false
		}
		i := bytes.Index(w[s.checked:], []byte("\n--"))
		if i >= 0 {
			i += s.checked
			eol := i
			if eol > 0 && w[eol-1] == '\r' {
				eol--
			}
			if eol > 0 {
				return s.take(w, eol), false
			}
			if s.hit = s.match(w, i+1); s.hit.found {
				return nil, true
			}
			s.checked = i + 1
			continue
		}
		n := len(w)
		if !s.eof {
			n -= partialDelimiter(w)
		}
		if n > 0 {
			return s.take(w, n), false
		}
		if !s.fill() && s.eof {
			continue // now take the rest
		}
	}
}

func (s *scanner) take(w []byte, n int) []byte {
	s.pass(n)
	return w[:n]
}

// partialDelimiter returns how many octets at the end of w could be the beginning of CRLF "--".
func partialDelimiter(w []byte) int {
	tail := w[max(0, len(w)-4):]
	for n := len(tail); n > 0; n-- {
		t := tail[len(tail)-n:]
		if bytes.HasPrefix([]byte("\r\n--"), t) || bytes.HasPrefix([]byte("\n--"), t) {
			return n
		}
	}
	return 0
}
