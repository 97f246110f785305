package imapserver

import "github.com/buuta/mail/imap"

// messageCapabilities returns the extensions about messages and the connection; URLAUTH is for stores that keep keys.
func (c *Conn) messageCapabilities() []imap.Capability {
	return []imap.Capability{imap.CapBinary, imap.CapCatenate, imap.CapURLPartial, imap.CapReplace, imap.CapUIDOnly,
		imap.CapPreview, imap.CapCompress, imap.CapURLAuth}
}
