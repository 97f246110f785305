package imapclient

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// SearchMailboxes searches several mailboxes (RFC 7377), and returns a result for each that has a match, with its name and UIDVALIDITY.
// What was selected stays so. Without MULTISEARCH the mailboxes are opened one after the other to be searched, read-only and
// while other commands wait, and then the one that was selected is opened again; those that can't be opened are left
// out, as a server does.
func (c *Client) SearchMailboxes(ctx context.Context, in []imap.MailboxFilter, key imap.SearchKey, opts *imap.SearchOptions) ([]imap.ESearch, error) {
	o := imap.SearchOptions{}
	if opts != nil {
		o = *opts
	}
	o.Return = true
	if !o.Min && !o.Max && !o.Count && o.Partial == nil {
		o.All = true
	}
	if o.Save || o.Update || o.Context {
		return nil, &Error{Command: "ESEARCH", Host: c.host, Err: badArgument("Save, Update and Context are for one mailbox")}
	}
	if !c.Has(imap.CapMultiSearch) {
		return c.searchEach(ctx, in, key, &o)
	}
	var out []imap.ESearch
	cmd := &command{name: "ESEARCH", rule: rule{moves: true, seq: usesSeq(key), class: "SEARCH", flags: 2}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		if what != "ESEARCH" {
			return false
		}
		r := d.ESearch()
		switch {
		case d.Err() != nil:
		case !strings.EqualFold(r.Tag, cmd.tag) || len(r.Updates) > 0:
			c.tell(SearchEvent{r})
		case len(out) < c.lim.Items:
			out = append(out, r)
		}
		return true
	}
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) { e.SP().ESearchProgram(in, o, key) })
}

// searchEach searches one mailbox after the other.
func (c *Client) searchEach(ctx context.Context, in []imap.MailboxFilter, key imap.SearchKey, o *imap.SearchOptions) (out []imap.ESearch, err error) {
	if len(in) == 0 {
		in = []imap.MailboxFilter{{Scope: imap.ScopeSelected}}
	}
	err = c.elsewhere(ctx, func(ctx context.Context) error {
		names, err := c.mailboxesOf(ctx, in)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := c.visit(ctx, name); Refused(err) {
				continue
			} else if err != nil {
				return err
			}
			r, err := c.Search(ctx, key, o)
			if err != nil {
				return err
			}
			if e, ok := eSearchOf(r, o); ok {
				e.Mailbox, e.UIDValidity = name, c.Mailbox().UIDValidity
				out = append(out, e)
			}
		}
		return nil
	})
	return out, err
}

// eSearchOf writes a result as a server with MULTISEARCH would send it; ok is false when nothing was found.
func eSearchOf(r *SearchResult, o *imap.SearchOptions) (e imap.ESearch, ok bool) {
	e = imap.ESearch{UID: true, Min: uint32(r.Min), Max: uint32(r.Max), ModSeq: uint64(r.ModSeq), Partial: r.Partial, Relevancy: r.Relevancy}
	if !r.UIDs.Empty() {
		e.All = UIDs(r.UIDs).num
	}
	if o.Count {
		n := uint32(r.Count)
		e.Count = &n
	}
	return e, r.Count > 0 || r.Min > 0 || r.Max > 0 || r.Partial != nil && len(r.Partial.Nums.Ranges) > 0 || !r.UIDs.Empty()
}

// mailboxesOf returns the mailboxes that the filters mean, each once, in the order in which they are named.
func (c *Client) mailboxesOf(ctx context.Context, in []imap.MailboxFilter) (names []string, err error) {
	known := map[string]bool{}
	add := func(name string) {
		if !known[name] {
			known[name] = true
			names = append(names, name)
		}
	}
	list := func(o ListOptions, match func(l *imap.ListData) bool) error {
		for l, err := range c.List(ctx, &o) {
			if err != nil {
				return err
			}
			if l.Selectable() && (match == nil || match(l)) {
				add(l.Name)
			}
		}
		return nil
	}
	for _, f := range in {
		switch f.Scope {
		case imap.ScopeSelected, imap.ScopeSelectedDelayed:
			if box := c.Mailbox(); box != nil {
				add(box.Name)
			}
		case imap.ScopeInboxes:
			add("INBOX")
		case imap.ScopePersonal:
			var patterns []string
			var match func(l *imap.ListData) bool
			if patterns, match, err = c.personal(ctx); err == nil {
				err = list(ListOptions{Patterns: patterns}, match)
			}
		case imap.ScopeSubscribed:
			err = list(ListOptions{Subscribed: true}, nil)
		case imap.ScopeSubtree, imap.ScopeSubtreeOne:
			for _, top := range f.Names {
				if err = list(ListOptions{}, func(l *imap.ListData) bool { return below(l, top, f.Scope == imap.ScopeSubtreeOne) }); err != nil {
					break
				}
			}
		default:
			for _, name := range f.Names {
				add(name)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// personal returns patterns of the user's own mailboxes, and what tells them from others' that match too.
func (c *Client) personal(ctx context.Context) (patterns []string, match func(l *imap.ListData) bool, err error) {
	all, err := c.Namespaces(ctx)
	if err != nil {
		return nil, nil, err
	}
	patterns = []string{"INBOX"}
	var others []string
	for _, n := range all {
		if n.Kind == mail.PersonalNamespace {
			patterns = append(patterns, n.Prefix+"*")
		} else if n.Prefix != "" {
			others = append(others, n.Prefix)
		}
	}
	return patterns, func(l *imap.ListData) bool {
		return !slices.ContainsFunc(others, func(prefix string) bool { return strings.HasPrefix(l.Name+string(l.Delimiter), prefix) })
	}, nil
}

// below reports whether a mailbox is top or lies below it, at most one level where one is set.
func below(l *imap.ListData, top string, one bool) bool {
	if sameMailbox(l.Name, top) {
		return true
	}
	delimiter := string(l.Delimiter)
	if l.Delimiter == 0 || !strings.HasPrefix(l.Name, top+delimiter) {
		return false
	}
	return !one || !strings.Contains(l.Name[len(top+delimiter):], delimiter)
}

// CancelUpdate ends the updates of searches with Update, by their Tag (RFC 5267 section 4.3.5).
func (c *Client) CancelUpdate(ctx context.Context, tags ...string) error {
	if !c.Has(imap.CapContextSearch) && !c.Has(imap.CapContextSort) {
		return c.unsupported("CANCELUPDATE", imap.CapContextSearch)
	}
	return c.run(ctx, &command{name: "CANCELUPDATE", rule: rule{moves: true, class: "SEARCH"}}, func(e *imap.Encoder) {
		for _, t := range tags {
			e.SP().String(t)
		}
	})
}
