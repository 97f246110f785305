package imapclient

import (
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// The result that a search with Save has found is kept by the server where it can (SEARCHRES, RFC 5182), and else here.

// saved is such a result.
type saved struct {
	here bool // the last search with Save has left it here
	uids mail.UIDSet
}

// savedThere notes that the server has the result.
func (c *Client) savedThere() { c.keep(saved{}) }

// savedHere keeps a result here.
func (c *Client) savedHere(uids mail.UIDSet) { c.keep(saved{here: true, uids: uids}) }

func (c *Client) keep(s saved) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = s
}

// named returns the set with the saved result written out, if that is here. The set may be empty then, which is no error.
func (c *Client) named(set Set) Set {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !set.num.Saved || !c.saved.here && c.has(imap.CapSearchRes) {
		return set
	}
	out := UIDs(c.saved.uids)
	out.uid = set.uid
	return out
}

// keyWithSaved returns a search key with the saved result written out, if that is here.
func (c *Client) keyWithSaved(k imap.SearchKey) imap.SearchKey {
	if (k.Op == imap.SearchSeq || k.Op == imap.SearchUID) && k.Set.Saved {
		switch set := c.named(Saved()); {
		case set.num.Saved:
		case set.Empty():
			return imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{{Op: imap.SearchAll}}}
		default:
			return imap.SearchKey{Op: imap.SearchUID, Set: set.num}
		}
		return k
	}
	if slices.ContainsFunc(k.Keys, usesSaved) {
		k.Keys = slices.Clone(k.Keys)
		for i := range k.Keys {
			k.Keys[i] = c.keyWithSaved(k.Keys[i])
		}
	}
	return k
}

func usesSaved(k imap.SearchKey) bool { return k.Set.Saved || slices.ContainsFunc(k.Keys, usesSaved) }

// toSave returns what of a result Save keeps (RFC 5182 section 2.4, RFC 9394 section 3.2): with Min, Max or Partial and neither All nor
// Count no more than these tell.
func toSave(o *imap.SearchOptions, all mail.UIDSet, res *SearchResult) mail.UIDSet {
	if o.All || o.Count || !o.Min && !o.Max && o.Partial == nil {
		return all
	}
	var out mail.UIDSet
	if o.Min && res.Min > 0 {
		out.Add(res.Min)
	}
	if o.Max && res.Max > 0 {
		out.Add(res.Max)
	}
	if o.Partial != nil && res.Partial != nil {
		out.AddSet(res.Partial.Nums.UIDs(mail.MaxUID))
	}
	return out
}
