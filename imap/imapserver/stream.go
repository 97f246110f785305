package imapserver

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail/internal/deflate"
)

// errWoken ends a wait because somebody else wants the session's attention.
var errWoken = errors.New("imapserver: woken")

// stream is a session's connection: it counts octets, keeps deadlines, and lets a waiting Read be interrupted from
// another goroutine. Interrupting works through the read deadline, so that a session needs one goroutine only.
type stream struct {
	raw net.Conn // as it was accepted: deadlines and Close, from any goroutine
	nc  net.Conn // raw, or the TLS connection over it after STARTTLS; for the session's goroutine

	packed *compression    // after COMPRESS; for the session's goroutine
	ending *deflate.Reader // compression has ended, and not all has been read that was there then

	in, out  atomic.Int64
	woken    atomic.Bool
	wakeable bool // Read may return errWoken; used by the session's goroutine only

	mu       sync.Mutex
	deadline time.Time // for Read; the one armed may be in the past because of wake
	latest   time.Time // no deadline is later: the time to log in, zero after that

	readTimeout, writeTimeout time.Duration

	// flush sends what is buffered. Read calls it, so that answers are collected while there is input and never wait
	// for the peer while the peer waits for them.
	flush func() error
}

// wake interrupts a wait, now or when it next begins.
func (s *stream) wake() {
	s.woken.Store(true)
	_ = s.raw.SetReadDeadline(time.Unix(1, 0))
}

// setReadDeadline arms the deadline for the reads to come.
func (s *stream) setReadDeadline(t time.Time) {
	if !s.latest.IsZero() && s.latest.Before(t) {
		t = s.latest
	}
	s.mu.Lock()
	s.deadline = t
	s.mu.Unlock()
	_ = s.raw.SetReadDeadline(t)
}

// Read reads, and returns errWoken instead of waiting where that is allowed. A wake-up that comes when it isn't is kept
// for later.
func (s *stream) Read(p []byte) (int, error) {
	if err := s.flush(); err != nil {
		return 0, err
	}
	if !s.wakeable && s.readTimeout > 0 {
		s.setReadDeadline(time.Now().Add(s.readTimeout))
	}
	for {
		// The deadline is armed before woken is looked at, and wake works in the other order, so that none is lost.
		if s.wakeable && s.woken.Swap(false) {
			return 0, errWoken
		}
		n, err := s.source().Read(p)
		s.in.Add(int64(n))
		if n > 0 || err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		s.mu.Lock()
		deadline := s.deadline
		s.mu.Unlock()
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return 0, err
		}
		_ = s.raw.SetReadDeadline(deadline)
	}
}

// source is where the session's octets come from.
func (s *stream) source() io.Reader {
	switch {
	case s.packed != nil:
		return s.packed.in
	case s.ending != nil:
		if !s.ending.Plain() {
			return s.ending
		}
		s.ending = nil
	}
	return s.nc
}

// Write writes all of p; what is compressed may stay in part until Flush.
func (s *stream) Write(p []byte) (int, error) {
	s.out.Add(int64(len(p)))
	if s.packed != nil {
		return s.packed.out.Write(p)
	}
	return s.send(p)
}

// Flush sends what compression holds back.
func (s *stream) Flush() error {
	if s.packed == nil {
		return nil
	}
	return s.packed.out.Flush()
}

// send writes all of p to the connection, giving the peer the write timeout for each piece.
func (s *stream) send(p []byte) (int, error) {
	const piece = 64 << 10
	total := 0
	for {
		if s.writeTimeout > 0 {
			_ = s.raw.SetWriteDeadline(time.Now().Add(s.writeTimeout))
		}
		n, err := s.nc.Write(p[:min(len(p), piece)])
		total += n
		if p = p[n:]; err != nil || len(p) == 0 {
			return total, err
		}
	}
}
