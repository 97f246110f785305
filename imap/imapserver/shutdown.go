package imapserver

import (
	"context"

	"github.com/buuta/mail/imap"
)

func byeShutdown() *imap.Status {
	return &imap.Status{Type: imap.BYE, Code: imap.CodeUnavailable, Text: "Server shutting down."}
}

// Shutdown stops accepting, says BYE to every session as soon as it waits for a command or is in IDLE, and waits until all
// have ended. When ctx ends first, the remaining connections are closed and ctx's error returned.
func (s *Server) Shutdown(ctx context.Context) error {
	done := s.beginClose(func(c *Conn) { c.stream.wake() })
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		_ = s.Close()
		return ctx.Err()
	}
}

// Close closes listeners and connections at once. A message that is being appended is not kept. It does not wait for the
// sessions to end.
func (s *Server) Close() error {
	s.beginClose(func(c *Conn) {
		c.cancel()
		_ = c.stream.raw.Close()
	})
	return nil
}

// beginClose closes the listeners and calls f for each connection. It returns nil when there is nothing to wait for.
func (s *Server) beginClose(f func(*Conn)) chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		f(c)
	}
	if len(s.conns) == 0 {
		return nil
	}
	return s.drained
}
