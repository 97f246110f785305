package imapserver

import (
	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// searchCapabilities are the extensions of searching, and those of commands that may take long or have many messages.
func (c *Conn) searchCapabilities() []imap.Capability {
	list := []imap.Capability{imap.CapSort, imap.CapSortDisplay, imap.CapESort, imap.CapThreadOrdered, imap.CapThreadReferences,
		imap.CapThreadRefs, imap.CapContextSearch, imap.CapContextSort, imap.CapPartial, imap.CapMultiSearch, imap.CapSearchFuzzy,
		imap.CapI18NLevel1, imap.CapInProgress, imap.CapUIDBatches}
	if _, ok := c.account.(mail.MetadataAccount); ok {
		list = append(list, imap.CapFilters)
	}
	if limit := c.limitCapability(); limit != "" {
		list = append(list, limit)
	}
	return list
}

// neededBy returns the extension that another is built on: switched off, it takes the other with it.
func neededBy(name imap.Capability) imap.Capability {
	switch name {
	case imap.CapSortDisplay, imap.CapESort, imap.CapContextSort:
		return imap.CapSort
	}
	return ""
}
