package imapclient

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// ListOptions say what List shows. The zero value is every mailbox.
type ListOptions struct {
	Reference  string           // what patterns are relative to
	Patterns   []string         // "*" and "%" stand for anything and for anything within a level; nil: "*"
	Subscribed bool             // only what is subscribed; names may not exist
	SpecialUse bool             // only mailboxes with a purpose
	Status     imap.StatusItems // of each that can be selected
	// Deeper makes names that only have matches below them come too, with their ChildInfo (RECURSIVEMATCH, RFC 5258 section 3).
	Deeper bool
	// Rights fills in what the user may do with each (ListData.MyRights), where the server has access lists (ACL).
	Rights bool
	// Metadata are annotations of each to fill in (ListData.Metadata), where the server has them: "/private/comment".
	Metadata []string
}

// List yields the mailboxes that match (RFC 9051 section 6.3.9). What the server can't do by itself is done with what it can:
// LSUB for subscriptions, a STATUS command for each mailbox, choosing here by purpose, and MYRIGHTS and GETMETADATA for each.
func (c *Client) List(ctx context.Context, opts *ListOptions) iter.Seq2[*imap.ListData, error] {
	return func(yield func(*imap.ListData, error) bool) {
		o := ListOptions{}
		if opts != nil {
			o = *opts
		}
		list, err := c.list(ctx, &o)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, l := range list {
			if o.SpecialUse && len(l.Use()) == 0 {
				continue
			}
			if o.Status != 0 && l.Status == nil && l.Selectable() && !l.Has(`\NonExistent`) {
				// One mailbox that has no status is no reason to end the list.
				if l.Status, err = c.Status(ctx, l.Name, o.Status); err != nil && !Refused(err) {
					yield(nil, err)
					return
				}
			}
			if err := c.fillIn(ctx, &o, l); err != nil {
				yield(nil, err)
				return
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// fillIn asks for what a server without LIST-MYRIGHTS (RFC 8440) and LIST-METADATA (RFC 9590) has not told.
func (c *Client) fillIn(ctx context.Context, o *ListOptions, l *imap.ListData) error {
	if !l.Selectable() {
		return nil
	}
	if o.Rights && l.MyRights == nil && c.Has(imap.CapACL) {
		r, err := c.MyRights(ctx, l.Name)
		if err == nil {
			l.MyRights = &r
		} else if !Refused(err) {
			return err
		}
	}
	if len(o.Metadata) > 0 && l.Metadata == nil && c.Has(imap.CapMetadata) && !c.lists(imap.CapListMetadata) {
		var err error
		if l.Metadata, err = c.Metadata(ctx, imap.GetMetadata{Mailbox: l.Name, Entries: o.Metadata}); err != nil && !Refused(err) {
			return err
		}
		l.Metadata = slices.DeleteFunc(l.Metadata, func(a mail.Annotation) bool { return a.Value == nil })
	}
	return nil
}

// lists reports whether LIST can return what an extension adds to it.
func (c *Client) lists(name imap.Capability) bool { return c.Has(imap.CapListExtended) && c.Has(name) }

func (c *Client) list(ctx context.Context, o *ListOptions) ([]*imap.ListData, error) {
	patterns := o.Patterns
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	if c.Has(imap.CapListExtended) {
		return c.listCommand(ctx, "LIST", o, patterns)
	}
	name := "LIST"
	if o.Subscribed {
		name = "LSUB"
	} else if !c.Has(imap.CapSpecialUse) && c.Has("XLIST") {
		name = "XLIST" // Gmail of old: LIST with purposes
	}
	var out []*imap.ListData
	seen := map[string]bool{}
	for _, p := range patterns {
		list, err := c.listCommand(ctx, name, &ListOptions{Reference: o.Reference}, []string{p})
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			if !seen[l.Name] {
				seen[l.Name] = true
				out = append(out, l)
			}
		}
	}
	return out, nil
}

func (c *Client) listCommand(ctx context.Context, name string, o *ListOptions, patterns []string) ([]*imap.ListData, error) {
	var out []*imap.ListData
	byName := map[string]*imap.ListData{}
	cmd := &command{name: name, rule: rule{moves: true, class: "LIST"}}
	cmd.take = func(d *imap.Decoder, what string) bool {
		switch {
		case what == name || what == "LIST":
			if l := d.ListData(); d.Err() == nil && len(out) < c.lim.Items {
				if name == "LSUB" {
					l.Attrs = append(l.Attrs, `\Subscribed`)
				}
				out, byName[l.Name] = append(out, l), l
			}
			return true
		case what == "MYRIGHTS" && o.Rights:
			if name, r := d.MyRights(); d.Err() == nil && byName[name] != nil {
				byName[name].MyRights = &r
			}
			return true
		case what == "METADATA" && len(o.Metadata) > 0:
			box, values, changed := d.MetadataResponse()
			if l := byName[box]; d.Err() == nil && l != nil && len(l.Metadata)+len(values) <= c.lim.Items {
				l.Metadata = append(l.Metadata, slices.DeleteFunc(values, func(a mail.Annotation) bool { return a.Value == nil })...)
			}
			if len(changed) > 0 && d.Err() == nil {
				c.tell(MetadataEvent{box, changed})
			}
			return true
		}
		return false
	}
	cmd.counters = func(s *imap.StatusData, _ bool) bool {
		l := byName[s.Name]
		if l != nil && o.Status != 0 {
			l.Status = s
		}
		return l != nil && o.Status != 0
	}
	extended := c.Has(imap.CapListExtended)
	return answer(ctx, c, cmd, &out, func(e *imap.Encoder) {
		if extended {
			c.selectionOptions(e, o)
		}
		e.SP().Mailbox(o.Reference).SP()
		if len(patterns) > 1 {
			e.Raw("(")
		}
		for i, p := range patterns {
			if i > 0 {
				e.SP()
			}
			e.Mailbox(p)
		}
		if len(patterns) > 1 {
			e.Raw(")")
		}
		if extended {
			c.returnOptions(e, o)
		}
	})
}

func (c *Client) selectionOptions(e *imap.Encoder, o *ListOptions) {
	var words []string
	if o.Subscribed {
		words = append(words, "SUBSCRIBED")
		if o.Deeper {
			words = append(words, "RECURSIVEMATCH")
		}
	}
	if o.SpecialUse && c.Has(imap.CapSpecialUse) {
		words = append(words, "SPECIAL-USE")
	}
	if len(words) > 0 {
		e.Raw(" (" + strings.Join(words, " ") + ")")
	}
}

func (c *Client) returnOptions(e *imap.Encoder, o *ListOptions) {
	words := []string{"SUBSCRIBED"}
	if c.Has(imap.CapChildren) {
		words = append(words, "CHILDREN")
	}
	if c.Has(imap.CapSpecialUse) {
		words = append(words, "SPECIAL-USE")
	}
	if o.Status != 0 && c.Has(imap.CapListStatus) {
		words = append(words, "STATUS "+c.statusItems(o.Status).String())
	}
	if o.Rights && c.Has(imap.CapListMyRights) {
		words = append(words, "MYRIGHTS")
	}
	e.Raw(" RETURN (" + strings.Join(words, " "))
	if len(o.Metadata) > 0 && c.Has(imap.CapListMetadata) {
		e.Raw(" METADATA (")
		for i, name := range o.Metadata {
			if i > 0 {
				e.SP()
			}
			e.AString(name)
		}
		e.Raw(")")
	}
	e.Raw(")")
}
