package imapserver

import (
	"context"
	"errors"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// minAnnotation is the size of a value that every store takes: "the server MUST accept an annotation data size of at least
// 1024 bytes" (RFC 5464 section 4.1).
const minAnnotation = 1024

// handleSetMetadata is SETMETADATA (RFC 5464 section 4.3).
func (c *Conn) handleSetMetadata(ctx context.Context, cmd *command) error {
	if !c.hasMetadata() {
		return imap.Bad("Unknown command")
	}
	d := c.dec
	d.SP()
	name := c.mailbox()
	d.SP()
	set := d.Metadata()
	if err := d.CRLF(); err != nil {
		return err
	}
	if err := c.annotated(ctx, name); err != nil {
		return err
	}
	maxValue := c.srv.limits(true).Annotation
	for i, a := range set {
		if len(a.Value) > maxValue {
			return metadataTooBig(maxValue, nil)
		}
		if name == "" && a.Name == adminEntry {
			return imap.No(imap.CodeNoPerm, "Entry can't be changed.")
		}
		for _, other := range set[:i] {
			if other.Name == a.Name {
				return imap.Bad("Entry is named twice")
			}
		}
	}
	cmd.own = append(cmd.own, name)
	err := c.account.(mail.MetadataAccount).SetMetadata(ctx, name, set)
	switch {
	case errors.Is(err, mail.ErrTooLarge):
		// The store has a limit of its own and doesn't tell it: what it takes at least.
		return metadataTooBig(minAnnotation, err)
	case errors.Is(err, mail.ErrLimit):
		return &imap.Status{Type: imap.NO, Code: imap.CodeMetadata, Arg: "TOOMANY", Text: "Too many annotations.", Err: err}
	case errors.Is(err, mail.ErrBadName):
		return &imap.Status{Type: imap.NO, Code: imap.CodeCannot, Text: "Entry is not allowed.", Err: err}
	}
	return err
}

func metadataTooBig(n int, err error) error {
	return &imap.Status{Type: imap.NO, Code: imap.CodeMetadata, Arg: "MAXSIZE " + strconv.Itoa(n), Text: "Annotation too large.",
		Err: err}
}
