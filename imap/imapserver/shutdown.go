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
	err := s.group.Shutdown(ctx, func(c *Conn) { c.stream.wake() })
	if err != nil {
		_ = s.Close()
	}
	return err
}

// Close closes listeners and connections at once. A message that is being appended is not kept. It does not wait for the
// sessions to end.
func (s *Server) Close() error {
	s.group.Close(func(c *Conn) {
		c.cancel()
		_ = c.stream.raw.Close()
	})
	return nil
}
