package smtptest

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/buuta/mail/smtp"
)

// Stage is a point of the conversation at which a [Fault] strikes.
type Stage string

// The stages.
const (
	Connect   Stage = "CONNECT"   // instead of the greeting
	Hello     Stage = "HELLO"     // HELO, EHLO, LHLO
	Mail      Stage = "MAIL"      //
	Recipient Stage = "RCPT"      //
	Data      Stage = "DATA"      // instead of 354, and at the first BDAT
	Body      Stage = "BODY"      // within the message, after Fault.After octets
	Done      Stage = "END"       // instead of the reply to the message
	Any       Stage = "EVERYTIME" // at all of them
)

// Fault is something that goes wrong. Of Reply, Drop and Delay all that are set happen, the delay first.
type Fault struct {
	Stage   Stage
	Address string        // only for this sender or recipient; "" for any
	After   int64         // with Body: how many octets come through before
	Times   int           // how often it strikes; 0: always
	Reply   *smtp.Reply   // what the client is told
	Drop    bool          // the connection is cut without a word
	Delay   time.Duration // how long the server is silent
}

// Fail plans a fault. Of several that fit, the first planned strikes.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// fault takes the fault for a stage, or returns nil.
func (s *Server) fault(stage Stage, address string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.Stage != stage && f.Stage != Any || f.Address != "" && !strings.EqualFold(f.Address, address) {
			continue
		}
		out := *f
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return &out
	}
	return nil
}

var errDropped = errors.New("smtptest: connection dropped as planned")

// strike does what has been planned for a stage.
func (s *session) strike(ctx context.Context, stage Stage, address string) error {
	f := s.srv.fault(stage, address)
	if f == nil {
		return nil
	}
	return s.suffer(ctx, f)
}

func (s *session) suffer(ctx context.Context, f *Fault) error {
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Drop {
		s.conn.Drop()
		return errDropped
	}
	if f.Reply != nil {
		return f.Reply
	}
	return nil
}

// faultyReader lets some octets through and then fails.
type faultyReader struct {
	r    io.Reader
	left int64
	fail func() error
}

func (f *faultyReader) Read(p []byte) (int, error) {
	if f.fail == nil {
		return f.r.Read(p)
	}
	if f.left > 0 {
		n, err := f.r.Read(p[:min(int64(len(p)), f.left)])
		f.left -= int64(n)
		return n, err
	}
	fail := f.fail
	f.fail = nil
	if err := fail(); err != nil {
		return 0, err
	}
	return f.r.Read(p)
}
