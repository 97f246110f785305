package imapserver

import (
	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// With UIDONLY (RFC 9586) no message sequence number crosses the connection: commands that take them are refused but for
// their UID forms, FETCH responses are UIDFETCH, and VANISHED takes the place of EXPUNGE.

var errUIDRequired = &imap.Status{Type: imap.BAD, Code: imap.CodeUIDRequired, Text: "Message numbers are not allowed with UIDONLY."}

// beginFetch begins the response that tells of a message, up to the parenthesis.
func (c *Conn) beginFetch(seq uint32, uid mail.UID) *imap.Encoder {
	if c.uidOnly {
		return c.enc.Raw("* ").Number(uint64(uid)).Raw(" UIDFETCH (")
	}
	return c.enc.Raw("* ").Number(uint64(seq)).Raw(" FETCH (")
}
