package imaptest

import (
	"bytes"
	"strings"
	"time"
)

// shape is what a fault makes of an answer, up to the tagged response.
type shape struct {
	f    *Fault
	end  string // how the last line begins
	line []byte // not yet whole
	skip int64  // octets of a literal that come next
	sent int64
	over bool
}

// newShape returns the shape of the answer to the command with this tag, nil when the fault has none.
func newShape(f *Fault, tag string) *shape {
	if f.Edit == nil && f.Rate <= 0 && f.Stall <= 0 {
		return nil
	}
	return &shape{f: f, end: tag + " "}
}

// write takes what the server says and sends what is made of it.
func (s *shape) write(p []byte, send func([]byte) (int, error)) error {
	for len(p) > 0 {
		if s.over {
			_, err := send(p)
			return err
		}
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			if err := s.slowly(p[:n], send); err != nil {
				return err
			}
			p = p[n:]
			continue
		}
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			s.line = append(s.line, p...)
			return nil
		}
		s.line = append(s.line, p[:end]...)
		p = p[end:]
		if err := s.whole(send); err != nil {
			return err
		}
	}
	return nil
}

// whole sends a line that is whole.
func (s *shape) whole(send func([]byte) (int, error)) error {
	text := strings.TrimRight(string(s.line), "\r\n")
	s.line = s.line[:0]
	_, s.skip = literal(text)
	last := strings.HasPrefix(text, s.end)
	if s.f.Edit != nil {
		text = s.f.Edit(text)
	}
	var err error
	if text != "" {
		err = s.slowly([]byte(text+"\r\n"), send)
	}
	s.over = s.over || last
	return err
}

// tick is how often a slow server sends something.
const tick = 50 * time.Millisecond

// slowly sends octets as fast as the fault allows.
func (s *shape) slowly(p []byte, send func([]byte) (int, error)) error {
	for len(p) > 0 {
		n := int64(len(p))
		if s.f.Rate > 0 {
			n = min(n, max(1, int64(s.f.Rate)*int64(tick)/int64(time.Second)))
		}
		if s.f.Stall > 0 && s.sent < s.f.StallAt {
			n = min(n, s.f.StallAt-s.sent)
		}
		if s.f.Stall > 0 && s.sent == s.f.StallAt {
			time.Sleep(s.f.Stall)
		}
		if _, err := send(p[:n]); err != nil {
			return err
		}
		s.sent += n
		if p = p[n:]; s.f.Rate > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(s.f.Rate))
		}
	}
	return nil
}
