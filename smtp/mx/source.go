package mx

import (
	"bytes"
	"errors"
	"io"
	"math"

	"github.com/buuta/mail"
)

// source is the message. It remembers whether it can be read again, and errors of its own.
type source struct {
	r      io.Reader
	again  func() (io.Reader, error) // nil when it can't be read again
	size   int64                     // 0 when it isn't known
	used   bool
	err    error
	failed bool
}

func (s *source) prepare() {
	switch m := s.r.(type) {
	case io.Seeker:
		at, err := m.Seek(0, io.SeekCurrent)
		if err == nil {
			if end, err := m.Seek(0, io.SeekEnd); err == nil && end > at {
				s.size = end - at
			}
			_, err = m.Seek(at, io.SeekStart)
		}
		if err == nil {
			r := s.r
			s.again = func() (io.Reader, error) {
				_, err := m.Seek(at, io.SeekStart)
				return r, err
			}
		}
	case io.ReaderAt:
		s.again = func() (io.Reader, error) { return io.NewSectionReader(m, 0, math.MaxInt64), nil }
	}
}

// keep reads a message into memory that can't be read twice otherwise.
func (s *source) keep(limit int64) error {
	if s.again != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(s.r, limit+1))
	if err != nil {
		return &mail.Reply{Code: 451, Enhanced: mail.EnhancedCode{4, 3, 0}, Text: "Error: the message can't be read", Err: err}
	}
	if int64(len(b)) > limit {
		return mail.NewReply(552, mail.EnhancedCode{5, 3, 4}, "message too large for several destinations at once")
	}
	s.again = func() (io.Reader, error) { return bytes.NewReader(b), nil }
	s.used = true
	return nil
}

// open returns the message from its beginning.
func (s *source) open() (io.Reader, error) {
	r := s.r
	if s.used {
		if s.again == nil {
			return nil, errUsed
		}
		var err error
		if r, err = s.again(); err != nil {
			s.failed, s.err = true, err
			return nil, err
		}
	}
	s.used = true
	return r, nil
}

var errUsed = errors.New("the message can't be read twice")

// reusable reports whether open will work once more.
func (s *source) reusable() bool { return !s.used || s.again != nil }

// drain reads what nobody has read of a stream, as its giver expects.
func (s *source) drain() error {
	if s.failed {
		return s.err
	}
	if s.used || s.again != nil {
		return nil
	}
	_, err := io.Copy(io.Discard, s.r)
	return err
}
