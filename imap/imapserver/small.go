package imapserver

import (
	"context"
	"log/slog"
	"strings"

	"github.com/buuta/mail/imap"
)

// handleNoop is NOOP (RFC 9051 section 6.1.2): what it is good for, the untagged changes, every command does at its end.
func (c *Conn) handleNoop(context.Context, *command) error { return c.dec.CRLF() }

// handleCheck is CHECK (RFC 3501 section 6.4.1). Everything is on disk already.
func (c *Conn) handleCheck(context.Context, *command) error { return c.dec.CRLF() }

// handleLogout is LOGOUT (RFC 9051 section 6.1.3).
func (c *Conn) handleLogout(_ context.Context, cmd *command) error {
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	c.enc.Status("*", &imap.Status{Type: imap.BYE, Text: "Logging out"})
	c.bye, c.end.Cause = true, CauseLogout
	cmd.quiet = true
	return nil
}

// handleID is ID (RFC 2971). What the client says of itself goes to the log.
func (c *Conn) handleID(ctx context.Context, _ *command) error {
	d := c.dec
	d.SP()
	var said []string
	if !d.TryWord("NIL") {
		d.List(func() {
			s, _ := d.NString()
			if len(said) >= 60 || len(s) > 1024 {
				d.Fail(imap.Bad("ID takes 30 pairs of at most 1024 octets"))
				return
			}
			said = append(said, s)
		})
		if len(said)%2 != 0 {
			d.Fail(imap.Bad("ID takes pairs"))
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	if len(said) > 0 {
		c.srv.log(ctx, slog.LevelDebug, "client", "id", strings.Join(said, " "))
	}
	if len(c.srv.ID) < 2 {
		c.enc.Raw("* ID NIL").CRLF()
		return nil
	}
	c.enc.Raw("* ID (")
	for i, s := range c.srv.ID[:len(c.srv.ID)&^1] {
		if i > 0 {
			c.enc.SP()
		}
		c.enc.String(s)
	}
	c.enc.Raw(")").CRLF()
	return nil
}

// handleEnable is ENABLE (RFC 9051 section 6.3.1). Names that are unknown are ignored.
func (c *Conn) handleEnable(ctx context.Context, _ *command) error {
	d := c.dec
	var names []string
	for d.SP(); d.Err() == nil && len(names) < 100; d.SP() {
		names = append(names, d.Keyword())
		if d.AtEnd() {
			break
		}
	}
	if err := d.CRLF(); err != nil {
		return err
	}
	var enabled []imap.Capability
	for _, name := range names {
		if c.isDisabled(imap.Capability(name)) {
			continue
		}
		switch name {
		case "CONDSTORE":
			c.enableCondStore()
		case "QRESYNC":
			c.enableCondStore()
			c.qresync = true
		case "IMAP4REV2":
			name = "IMAP4rev2"
			c.rev2, c.utf8 = true, true
		case "UTF8=ACCEPT":
			c.utf8 = true
		case "UIDONLY":
			c.uidOnly = true
		case "METADATA", "METADATA-SERVER":
			if !c.offers(imap.Capability(name)) || !c.enableMetadata(ctx) {
				continue
			}
		default:
			continue
		}
		enabled = append(enabled, imap.Capability(name))
	}
	c.enc.Raw("* ENABLED").Capabilities(enabled).CRLF()
	c.dec.UTF8, c.enc.UTF8 = c.utf8, c.utf8
	return nil
}
