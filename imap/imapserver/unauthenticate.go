package imapserver

import (
	"context"
	"time"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/deflate"
)

// handleUnauthenticate is UNAUTHENTICATE (RFC 8437): all of the session's state is forgotten but for TLS. "A NO response is not
// permitted", for the next login may be on its way already.
func (c *Conn) handleUnauthenticate(_ context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	c.forgetUser()
	c.enc.Status(cmd.tag, imap.Okay("", "", "UNAUTHENTICATE completed."))
	cmd.answered = true
	c.setLanguage("")
	if c.stream.packed == nil {
		return nil
	}
	if err := c.endCompression(); err != nil {
		return &sessionOver{err}
	}
	return nil
}

// forgetUser puts the session into not authenticated state.
func (c *Conn) forgetUser() {
	if h := c.srv.Hooks.Unauthenticated; h != nil {
		end := c.end
		end.In, end.Out = c.stream.in.Load(), c.stream.out.Load()
		h(c, &end)
	}
	c.unselect()
	c.stopNotify()
	_ = c.account.Close()
	c.account, c.identity, c.without = nil, nil, c.srv.Without
	c.condStore, c.qresync, c.rev2, c.utf8, c.uidOnly, c.metadata5464 = false, false, false, false, false, false
	c.dec.UTF8, c.enc.UTF8 = false, false
	c.stream.in.Store(0)
	c.stream.out.Store(0)
	c.end = End{Cause: c.end.Cause}
	c.stream.latest = time.Now().Add(wait(c.srv.Timeouts.Login, time.Minute))
	c.applyLimits()
}

// endCompression ends both directions of COMPRESS: "the server terminates its outgoing compression layer after it sends the CRLF
// following the OK response. The client terminates its outgoing compression layer after the CRLF following the UNAUTHENTICATE
// command" (RFC 8437 section 4.1).
func (c *Conn) endCompression() error {
	if err := c.enc.Flush(); err != nil {
		return err
	}
	if c.dec.Buffered() > 0 {
		return deflate.ErrBehindEnd
	}
	p := c.stream.packed
	p.in.End()
	c.stream.packed, c.stream.ending = nil, p.in
	return p.out.Close()
}
