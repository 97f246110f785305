package pop3

import (
	"log/slog"
)

// dele is DELE (RFC 1939 section 5): the message is marked, and removed by QUIT.
func (c *Conn) dele(arg string) {
	if i, m := c.message("DELE", arg); m != nil {
		c.drop.mark(m)
		c.ok("message %d deleted", i+1)
	}
}

// noop is NOOP.
func (c *Conn) noop(arg string) {
	if c.noArg("NOOP", arg) {
		c.ok("")
	}
}

// rset is RSET (RFC 1939 section 5).
func (c *Conn) rset(arg string) {
	if c.noArg("RSET", arg) {
		c.drop.reset()
		c.ok("maildrop has %d messages (%d octets)", c.drop.count, c.drop.size)
	}
}

// quit is QUIT: in the AUTHORIZATION state only a goodbye; else it enters the UPDATE state (RFC 1939 section 6), the only way
// in which messages are removed. "Whether the removal was successful or not, the server then releases any exclusive-access
// lock on the maildrop and closes the TCP connection."
func (c *Conn) quit(arg string) {
	if !c.noArg("QUIT", arg) {
		return
	}
	c.finish(CauseQuit, nil)
	if c.drop == nil {
		c.ok("goodbye")
		return
	}
	removed, err := c.drop.update(c.updateContext(), c.srv)
	c.stats.Deleted = removed
	// The lock goes before the answer: a client that has read it may connect again at once.
	c.drop.close()
	left := len(c.drop.messages) - removed
	c.drop = nil
	switch {
	case err != nil:
		c.end.Err = err
		c.srv.log(c.ctx, slog.LevelError, "removing messages", "user", c.identity.Username, "error", err)
		c.fail("QUIT", "SYS/TEMP", err, "some deleted messages not removed")
	case left == 0:
		c.ok("goodbye (maildrop empty)")
	default:
		c.ok("goodbye (%d messages left)", left)
	}
}
