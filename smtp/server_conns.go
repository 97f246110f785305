package smtp

import (
	"context"
	"time"
)

// Shutdown ends the server in peace: it stops listening, answers "421 4.3.2" to connections that wait for a command
// outside a transaction, and lets the others finish theirs. It returns nil when all have gone. When ctx ends first, what
// is left stays until Close.
func (s *Server) Shutdown(ctx context.Context) error {
	return s.group.Shutdown(ctx, (*Conn).closeWhenIdle)
}

// closeWhenIdle ends the wait for the next command, now or when it comes to that.
func (c *Conn) closeWhenIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	if c.idle {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// Close ends the server at once: listeners and connections are closed, transactions aborted. It doesn't wait for
// sessions.
func (s *Server) Close() error {
	s.group.Close(func(c *Conn) {
		c.closeWhenIdle()
		c.cancel()
		_ = c.nc.Close()
	})
	return nil
}
