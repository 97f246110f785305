package imapserver

import (
	"slices"

	"github.com/buuta/mail/imap"
)

// announces reports whether the capability is served on this connection now.
func (c *Conn) announces(name imap.Capability) bool { return slices.Contains(c.capabilities(), name) }

// allowSearch refuses result options and search keys of extensions that this connection does not have: to a client for
// which they are switched off they are unknown words.
func (c *Conn) allowSearch(o *imap.SearchOptions, key *imap.SearchKey, context imap.Capability) error {
	unknown := imap.Bad("Unknown RETURN option")
	switch {
	case o.Partial != nil && !c.announces(imap.CapPartial) && !c.announces(context),
		(o.Update || o.Context) && !c.announces(context),
		o.Relevancy && !c.announces(imap.CapSearchFuzzy),
		o.Save && c.isDisabled(imap.CapSearchRes):
		return unknown
	}
	if c.utf8 && !c.rev2 && context == imap.CapContextSearch && o.Charset != "" {
		// "It SHOULD reject the command with a "BAD" response (due to the conflicting charset labels)" (RFC 6855 section 3).
		// IMAP4rev2 has no such rule, and SORT can't do without a charset.
		return imap.Bad("No charset may be given after ENABLE UTF8=ACCEPT")
	}
	fuzzy := false
	err := eachKey(key, func(k *imap.SearchKey) error {
		fuzzy = fuzzy || k.Op == imap.SearchFuzzy
		if c.uidOnly && k.Op == imap.SearchSeq && !k.Set.Saved {
			return errUIDRequired
		}
		if by := keyCapability(k.Op); by != "" && !c.announces(by) {
			return imap.Bad("Unknown search key")
		}
		return nil
	})
	if err == nil && o.Relevancy && !fuzzy {
		// "The RELEVANCY return option MUST NOT be used unless a FUZZY search key is also given." (RFC 6203 section 4)
		return imap.Bad("RELEVANCY needs FUZZY")
	}
	return err
}

// keyCapability returns the extension that a search key belongs to, "" for those of the base protocol and those that
// have always been served with it.
func keyCapability(op imap.SearchOp) imap.Capability {
	switch op {
	case imap.SearchFuzzy:
		return imap.CapSearchFuzzy
	case imap.SearchFilter:
		return imap.CapFilters
	case imap.SearchOlder, imap.SearchYounger:
		return imap.CapWithin
	case imap.SearchEmailID, imap.SearchThreadID:
		return imap.CapObjectID
	case imap.SearchModSeq:
		return imap.CapCondStore
	case imap.SearchSavedBefore, imap.SearchSavedOn, imap.SearchSavedSince, imap.SearchSaveDateSupported:
		return imap.CapSaveDate
	}
	return ""
}

// eachKey calls f for key and all keys within it.
func eachKey(key *imap.SearchKey, f func(*imap.SearchKey) error) error {
	if err := f(key); err != nil {
		return err
	}
	for i := range key.Keys {
		if err := eachKey(&key.Keys[i], f); err != nil {
			return err
		}
	}
	return nil
}
