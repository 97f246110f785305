package imapserver

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleESearch is the command ESEARCH: a search in many mailboxes (RFC 7377).
func (c *Conn) handleESearch(ctx context.Context, cmd *command) error {
	c.dec.SP()
	in, o, key := c.dec.ESearchProgram()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if err := c.allowSearch(&o, &key, imap.CapContextSearch); err != nil {
		return err
	}
	if !o.Return {
		o.Return, o.All = true, true // "Presence of a source option in the absence of a result option implies the "ALL" result option"
	}
	if len(in) == 0 {
		in = []imap.MailboxFilter{{Scope: imap.ScopeSelected}}
	}
	if err := c.checkSources(cmd, in, &o); err != nil {
		return err
	}
	cmd.uid = true // "responses MUST contain information about UIDs, not message numbers"
	names, err := c.sources(ctx, in)
	if err != nil {
		return err
	}
	for _, name := range names {
		// The program is compiled for each mailbox anew, which must not see what was made of it for another.
		if err := c.searchOne(ctx, cmd, name, o, cloneKey(key)); err != nil {
			return err
		}
	}
	return nil
}

// checkSources refuses what RFC 7377 section 2.2 does.
func (c *Conn) checkSources(cmd *command, in []imap.MailboxFilter, o *imap.SearchOptions) error {
	selected, others := false, false
	for _, f := range in {
		switch f.Scope {
		case imap.ScopeSelectedDelayed:
			return imap.Bad("SELECTED-DELAYED is for NOTIFY")
		case imap.ScopeSelected:
			selected = true
		default:
			others = true
		}
	}
	switch {
	case selected && c.sel == nil:
		return imap.Bad("No mailbox selected")
	case o.Save && others:
		return imap.Bad("SAVE is for the selected mailbox alone")
	case o.Update && c.sel == nil:
		return imap.Bad("UPDATE needs a selected mailbox")
	case o.Update && c.sel.context(cmd.tag) != nil:
		return imap.Bad("Tag reuse")
	}
	return nil
}

// sources returns the names of the mailboxes that the filters choose, each once, in the order of the account.
func (c *Conn) sources(ctx context.Context, in []imap.MailboxFilter) (names []string, err error) {
	limit := c.srv.limits(true).SearchMailboxes
	for info, err := range c.account.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		if info.NoSelect || info.NonExistent || !c.chosen(in, &info) {
			continue
		}
		if names = append(names, info.Name); len(names) > limit {
			return nil, &imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Too many mailboxes for one search."}
		}
	}
	return c.addNamed(names, in, limit)
}

// addNamed adds mailboxes that are named and were not listed: of those the right to look them up isn't needed (RFC 7377
// section 2.2).
func (c *Conn) addNamed(names []string, in []imap.MailboxFilter, limit int) ([]string, error) {
	have := make(map[string]bool, len(names))
	for _, n := range names {
		have[n] = true
	}
	for _, f := range in {
		for _, n := range f.Names {
			if n = normalName(n); have[n] {
				continue
			}
			have[n] = true
			if names = append(names, n); len(names) > limit {
				return nil, &imap.Status{Type: imap.NO, Code: imap.CodeLimit, Text: "Too many mailboxes for one search."}
			}
		}
	}
	return names, nil
}

// chosen reports whether one of the filters chooses the mailbox.
func (c *Conn) chosen(in []imap.MailboxFilter, info *mail.MailboxInfo) bool {
	for _, f := range in {
		switch f.Scope {
		case imap.ScopeSelected:
			if c.sel != nil && c.sel.box.Info().ID == info.ID {
				return true
			}
		case imap.ScopePersonal:
			return true
		case imap.ScopeInboxes:
			// "all selectable mailboxes … to which messages may be delivered by a message delivery agent" (RFC 5465 section 6.3)
			// that we know of.
			if info.Name == "INBOX" {
				return true
			}
		case imap.ScopeSubscribed:
			if info.Subscribed {
				return true
			}
		default:
			for _, name := range f.Names {
				if within(f.Scope, normalName(name), info.Name) {
					return true
				}
			}
		}
	}
	return false
}

// within reports whether the mailbox name is what a filter names, or below it as far as the filter goes.
func within(scope imap.MailboxScope, root, name string) bool {
	if root == name {
		return true
	}
	below, ok := strings.CutPrefix(name, root+"/")
	switch scope {
	case imap.ScopeSubtree:
		return ok
	case imap.ScopeSubtreeOne:
		return ok && !strings.Contains(below, "/")
	}
	return false
}

// searchOne searches one mailbox and writes its response, if anything was found there. Mailboxes that can't be read "MUST be
// ignored".
func (c *Conn) searchOne(ctx context.Context, cmd *command, name string, o imap.SearchOptions, key imap.SearchKey) error {
	sel := c.sel
	own := sel != nil && sel.box.Info().Name == name
	if !own {
		o.Save, o.Update = false, false
		var err error
		switch sel, err = c.glance(ctx, name); {
		case errors.Is(err, mail.ErrNoMailbox), errors.Is(err, mail.ErrPermission), errors.Is(err, mail.ErrBadName),
			errors.Is(err, errNoSelect):
			return nil
		case err != nil:
			return err
		}
		defer func() { _ = sel.box.Close() }()
	}
	s := c.newSearch(cmd, sel)
	s.live = o.Update
	defer s.msg.close()
	r, err := s.find(ctx, &key, &o, nil)
	if err != nil {
		if o.Save {
			c.sel.saved = mail.UIDSet{}
		}
		return err
	}
	if o.Save {
		c.sel.saved = savedResult(r, &o)
	}
	if o.Update {
		c.keepContext(s, r)
	}
	if r.n == 0 || silent(&o) {
		return nil // "An ESEARCH response MUST NOT be returned for mailboxes that contain no matching messages."
	}
	e, err := s.response(ctx, r, &o)
	if err != nil {
		return err
	}
	e.Mailbox, e.UIDValidity = sel.box.Info().Name, sel.validity
	c.enc.Raw("* ESEARCH").ESearch(e).CRLF()
	return c.enc.Flush()
}

// glance opens a mailbox for one search: its messages as they are now, without telling anybody.
func (c *Conn) glance(ctx context.Context, name string) (*selected, error) {
	sel := &selected{name: name, readOnly: true}
	if err := c.openSelected(ctx, sel, name); err != nil {
		return nil, err
	}
	if err := sel.fill(ctx); err != nil {
		_ = sel.box.Close()
		return nil, err
	}
	return sel, nil
}

// fill makes the view of a mailbox that was just opened.
func (s *selected) fill(ctx context.Context) error {
	state, err := s.box.State(ctx)
	if err != nil {
		return err
	}
	s.validity, s.modSeq = state.UIDValidity, state.HighestModSeq
	for m, err := range s.box.Messages(ctx, mail.AllUIDs(), 0) {
		if err != nil {
			return err
		}
		s.view.add(m.UID)
	}
	return nil
}

// cloneKey copies a program, so that filters and fuzzy texts can be put into the copy.
func cloneKey(k imap.SearchKey) imap.SearchKey {
	if len(k.Keys) > 0 {
		keys := make([]imap.SearchKey, len(k.Keys))
		for i := range keys {
			keys[i] = cloneKey(k.Keys[i])
		}
		k.Keys = keys
	}
	return k
}
