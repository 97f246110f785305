package imapserver

import (
	"context"

	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/internal/deflate"
)

// compression is both directions of a connection that COMPRESS has changed.
type compression struct {
	in  *deflate.Reader
	out *deflate.Writer
}

// wire is a stream below compression.
type wire struct{ s *stream }

func (w wire) Read(p []byte) (int, error)  { return w.s.nc.Read(p) }
func (w wire) Write(p []byte) (int, error) { return w.s.send(p) }

// handleCompress is COMPRESS (RFC 4978). What is decompressed passes through the same limits as everything else, and the
// window that it needs grows with what the client has sent.
func (c *Conn) handleCompress(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	mechanism := d.Keyword()
	if err := d.CRLF(); err != nil {
		return err
	}
	switch {
	case mechanism != "DEFLATE":
		return imap.Bad("Only DEFLATE is known")
	case c.stream.packed != nil:
		return &imap.Status{Type: imap.BAD, Code: imap.CodeCompressionActive, Text: "DEFLATE is active already"}
	case d.Buffered() > 0:
		// "The client MUST NOT send any further commands until it has seen the result of COMPRESS."
		return imap.Bad("Nothing may follow COMPRESS before its answer")
	}
	if c.sel != nil {
		if err := c.sync(ctx, true); err != nil || c.bye {
			return err
		}
	}
	// "The server MUST compress starting immediately after the CRLF which ends the tagged OK response."
	c.enc.Status(cmd.tag, imap.Okay("", "", "DEFLATE is active."))
	cmd.answered = true
	if err := c.enc.Flush(); err != nil {
		return &sessionOver{err}
	}
	w := wire{c.stream}
	c.stream.packed = &compression{in: deflate.NewReader(w), out: c.srv.packers.NewWriter(w)}
	return nil
}

// release gives back what a session that waits doesn't need.
func (c *Conn) release() {
	c.dec.Release()
	c.enc.Release()
	if p := c.stream.packed; p != nil {
		p.out.Release()
		p.in.Release()
	}
}
