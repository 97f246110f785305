package imapserver

import (
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// The resources of RFC 9208 that package mail has. Its annotations are on mailboxes, ANNOTATION-STORAGE's on messages.
const (
	capQuotaStorage   = imap.CapQuotaRes + imap.Capability(mail.QuotaStorage)
	capQuotaMessages  = imap.CapQuotaRes + imap.Capability(mail.QuotaMessages)
	capQuotaMailboxes = imap.CapQuotaRes + imap.Capability(mail.QuotaMailboxes)
)

// capXList is what Gmail announced before there was RFC 6154.
const capXList imap.Capability = "XLIST"

// accountCapabilities are those that an account's abilities decide about.
func (c *Conn) accountCapabilities() []imap.Capability {
	return []imap.Capability{imap.CapQuota, capQuotaStorage, capQuotaMessages, capQuotaMailboxes, imap.CapQuotaSet, imap.CapACL,
		imap.CapRights, imap.CapListMyRights, imap.CapMetadata, imap.CapMetadataServer, imap.CapListMetadata, imap.CapNotify, capXList}
}

// offers reports whether the server serves what a capability stands for: it is not disabled, nor is what it is built on, and
// the account can do it.
func (c *Conn) offers(name imap.Capability) bool {
	if c.isDisabled(name) {
		return false
	}
	if c.account == nil {
		return true
	}
	switch {
	case name == imap.CapQuota:
		_, ok := c.account.(mail.QuotaAccount)
		return ok
	case name == imap.CapURLAuth:
		_, ok := c.account.(mail.URLKeyAccount)
		return ok
	case name == imap.CapQuotaSet:
		_, ok := c.account.(mail.QuotaSetter)
		return ok && c.offers(imap.CapQuota)
	case name == capQuotaStorage, name == capQuotaMessages, name == capQuotaMailboxes:
		return c.offers(imap.CapQuota)
	case strings.HasPrefix(string(name), string(imap.CapQuotaRes)):
		return false
	case name == imap.CapACL:
		return c.sharing() != nil
	case name == imap.CapRights, name == imap.CapListMyRights:
		return c.offers(imap.CapACL)
	case name == imap.CapMetadata:
		_, ok := c.account.(mail.MetadataAccount)
		return ok
	case name == imap.CapMetadataServer:
		// "A server that supports only server annotations" (RFC 5464 section 1).
		_, ok := c.account.(mail.MetadataAccount)
		return ok && c.isDisabled(imap.CapMetadata)
	case name == imap.CapNotify:
		_, ok := c.account.(mail.AccountWatcher)
		return ok
	case name == imap.CapListMetadata:
		return c.offers(imap.CapMetadata)
	}
	return true
}
