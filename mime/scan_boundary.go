package mime

import "bytes"

// match looks whether the line at w[at:] is a delimiter line of an open multipart; w is buf[start:end]. The line must be the
// boundary and nothing more, but for blanks: a boundary may begin with another one.
func (s *scanner) match(w []byte, at int) delimiter {
	for {
		line := w[at:]
		i := bytes.IndexByte(line[:min(len(line), maxBoundary+100)], '\n')
		if i < 0 && len(line) < maxBoundary+100 && s.fill() {
			w = s.buf[s.start:s.end]
			continue
		}
		length := at + i + 1
		if i < 0 {
			if !s.eof || len(line) > maxBoundary+100 {
				return delimiter{}
			}
			length = len(w)
		} else {
			line = line[:i]
		}
		if len(line) < 2 || line[0] != '-' || line[1] != '-' {
			return delimiter{}
		}
		name := bytes.TrimRight(line[2:], " \t\r")
		if k, ok := s.bounds[string(name)]; ok {
			return delimiter{true, false, k, length}
		}
		if cut, ok := bytes.CutSuffix(name, []byte("--")); ok {
			if k, ok := s.bounds[string(cut)]; ok {
				return delimiter{true, true, k, length}
			}
		}
		return delimiter{}
	}
}

// passDelimiter goes over the delimiter line that was found. The line end of a closing one is left: it begins the
// epilogue or, when an outer delimiter follows, belongs to that (RFC 2046 section 5.1.1: "close-delimiter
// transport-padding [CRLF epilogue]").
func (s *scanner) passDelimiter() {
	n := s.hit.length
	s.lineStart = true
	if line := s.buf[s.start : s.start+n]; s.hit.closing && line[n-1] == '\n' {
		s.lineStart = false
		n -= len(line) - len(bytes.TrimRight(line, "\r\n"))
	}
	s.pass(n)
	s.hit = delimiter{}
}

// push opens a multipart.
func (s *scanner) push(boundary string, owner int) {
	if s.bounds == nil {
		s.bounds = make(map[string]int)
	}
	shadowed := -1
	if k, ok := s.bounds[boundary]; ok {
		shadowed = k
	}
	s.bounds[boundary] = len(s.open)
	s.open = append(s.open, openBoundary{boundary, owner, shadowed, false})
}

// closeBoundary makes the delimiters of open[k], the innermost, count no more.
func (s *scanner) closeBoundary(k int) {
	o := &s.open[k]
	if o.closed {
		return
	}
	o.closed = true
	if o.shadowed >= 0 && !s.open[o.shadowed].closed {
		s.bounds[o.boundary] = o.shadowed
	} else {
		delete(s.bounds, o.boundary)
	}
}

// popTo closes all multiparts from open[k] on.
func (s *scanner) popTo(k int) {
	for i := len(s.open) - 1; i >= k; i-- {
		s.closeBoundary(i)
	}
	s.open = s.open[:k]
}
