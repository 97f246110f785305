package imapserver

import (
	"context"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/internal/thread"
)

// searchContext is a search whose result the client keeps, and is told of changes of (RFC 5267 section 4.3).
type searchContext struct {
	s    *search
	uids mail.UIDSet    // the result
	sort *thread.Sorter // of SORT
	rows []int32        // of SORT: the result's rows in their order
}

// context returns the context that a command with this tag made, nil if there is none.
func (sel *selected) context(tag string) *searchContext {
	for _, x := range sel.contexts {
		if x.s.cmd.tag == tag {
			return x
		}
	}
	return nil
}

// keepContext keeps a search that has UPDATE, or says that it doesn't: "an untagged NO is generated during processing of the
// command with a response-code of NOUPDATE" (RFC 5267 section 4.3.1).
func (c *Conn) keepContext(s *search, r *result) {
	l := c.srv.limits(true)
	sorted := 0
	for _, x := range c.sel.contexts {
		sorted += len(x.rows)
	}
	if len(c.sel.contexts) >= l.Contexts || r.sorter != nil && sorted+r.n > l.ContextMessages {
		c.enc.Raw(`* NO [NOUPDATE `).String(s.cmd.tag).Raw("] Too many contexts.").CRLF()
		return
	}
	x := &searchContext{s: s, uids: r.uids, sort: r.sorter}
	if x.sort != nil {
		x.rows = x.sort.Rows()
	}
	s.root.forget()
	s.texter = nil
	c.sel.contexts = append(c.sel.contexts, x)
}

// handleCancelUpdate is CANCELUPDATE (RFC 5267 section 4.3.5).
func (c *Conn) handleCancelUpdate(context.Context, *command) error {
	var tags []string
	for c.dec.SP(); c.dec.Err() == nil; c.dec.SP() {
		if tags = append(tags, c.dec.AString()); c.dec.AtEnd() {
			break
		}
	}
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	if !c.announces(imap.CapContextSearch) && !c.announces(imap.CapContextSort) {
		return imap.Bad("Unknown command")
	}
	c.sel.contexts = slices.DeleteFunc(c.sel.contexts, func(x *searchContext) bool {
		return slices.Contains(tags, x.s.cmd.tag)
	})
	return nil
}

// contextsGone tells of messages that leave results because they are expunged: "prior to the expunge notification itself"
// (RFC 5267 section 4.3.4), when their numbers still hold.
func (c *Conn) contextsGone(sel *selected) {
	for _, x := range sel.contexts {
		if out := intersection(x.uids, sel.gone); !out.Empty() {
			c.tellUpdates(x, x.remove(sel, out))
		}
	}
}

// contextsChanged asks the programs of all contexts of messages that are new or have changed, and tells of what comes into
// results and what leaves them.
func (c *Conn) contextsChanged(ctx context.Context, sel *selected, changed []mail.Message) {
	if len(sel.contexts) == 0 || len(changed) == 0 {
		return
	}
	var asked mail.UIDSet
	for i := range changed {
		asked.Add(changed[i].UID)
	}
	asked = sel.view.intersect(asked)
	for _, x := range sel.contexts {
		updates, err := x.ask(ctx, sel, asked)
		if err != nil {
			c.srv.logError(ctx, "search context", err)
		}
		c.tellUpdates(x, updates)
	}
}

// ask finds out which messages of asked match now.
func (x *searchContext) ask(ctx context.Context, sel *selected, asked mail.UIDSet) ([]imap.ResultUpdate, error) {
	s := x.s
	s.now, s.progress = s.c.srv.now(), s.c.progress(&command{}, 0) // its own command has ended
	s.root.setRecent(sel.recent)
	defer s.msg.close()
	var match, seen mail.UIDSet
	var rows []int32 // of those that come in
	if l := searchOf(sel.box); s.asks(l) {
		if err := s.root.lookUp(ctx, l, asked); err != nil {
			return nil, err
		}
		defer s.root.forget()
	}
	for m, err := range sel.box.Messages(ctx, asked, s.fields) {
		if err != nil {
			return nil, err
		}
		s.msg.reset(ctx, sel.box, &m)
		ok, err := s.eval(s.root)
		if err != nil {
			return nil, err
		}
		seen.Add(m.UID)
		if !ok {
			continue
		}
		match.Add(m.UID)
		if x.sort != nil && !x.uids.Contains(m.UID) {
			row, err := s.addRow(x.sort)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	out := x.remove(sel, intersection(without(seen, match), x.uids))
	return append(out, x.insert(sel, without(match, x.uids), rows)...), nil
}

// setRecent brings the program up to date with which messages are \Recent.
func (n *node) setRecent(recent mail.UIDSet) {
	switch n.op {
	case imap.SearchRecent, imap.SearchOld, imap.SearchNew:
		n.set = recent
	}
	for _, k := range n.kids {
		k.setRecent(recent)
	}
}

// remove takes messages out of the result.
func (x *searchContext) remove(sel *selected, gone mail.UIDSet) (out []imap.ResultUpdate) {
	if gone.Empty() {
		return nil
	}
	x.uids = without(x.uids, gone)
	if x.sort == nil {
		return []imap.ResultUpdate{{Remove: true, Nums: x.numSet(sel, nil, gone)}}
	}
	// From the last position to the first, so that each is right at its moment; neighbours go together.
	for i := len(x.rows) - 1; i >= 0; {
		j := i
		for ; i >= 0 && gone.Contains(x.sort.UID(x.rows[i])); i-- {
		}
		if i == j {
			i--
			continue
		}
		out = append(out, imap.ResultUpdate{Remove: true, Position: uint32(i + 2), Nums: x.numSet(sel, x.rows[i+1:j+1], gone)})
	}
	x.rows = slices.DeleteFunc(x.rows, func(r int32) bool { return gone.Contains(x.sort.UID(r)) })
	return out
}

// insert puts messages into the result.
func (x *searchContext) insert(sel *selected, come mail.UIDSet, rows []int32) (out []imap.ResultUpdate) {
	if come.Empty() {
		return nil
	}
	x.uids.AddSet(come)
	if x.sort == nil {
		return []imap.ResultUpdate{{Nums: x.numSet(sel, nil, come)}}
	}
	slices.SortFunc(rows, x.sort.Compare)
	for _, r := range rows {
		at, _ := slices.BinarySearchFunc(x.rows, r, x.sort.Compare)
		x.rows = slices.Insert(x.rows, at, r)
		out = append(out, imap.ResultUpdate{Position: uint32(at + 1), Nums: x.numSet(sel, []int32{r}, come)})
	}
	return out
}

// numSet returns rows in their order, or if that is nil the messages of set, as numbers of the command's kind.
func (x *searchContext) numSet(sel *selected, rows []int32, set mail.UIDSet) imap.NumSet {
	s := search{cmd: x.s.cmd, sel: sel}
	var list []mail.UID
	for _, r := range rows {
		list = append(list, x.sort.UID(r))
	}
	return s.numSet(list, set)
}

func (c *Conn) tellUpdates(x *searchContext, updates []imap.ResultUpdate) {
	if len(updates) > 0 {
		c.enc.Raw("* ESEARCH").ESearch(imap.ESearch{Tag: x.s.cmd.tag, UID: x.s.cmd.uid, Updates: updates}).CRLF()
	}
}
