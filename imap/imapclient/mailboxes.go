package imapclient

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// mailboxCommand runs a command whose arguments are mailbox names.
func (c *Client) mailboxCommand(ctx context.Context, verb string, names ...string) error {
	return c.run(ctx, &command{name: verb, rule: rule{moves: true, class: "LIST"}}, func(e *imap.Encoder) {
		for _, n := range names {
			e.SP().Mailbox(n)
		}
	})
}

// Create makes a mailbox (RFC 9051 section 6.3.4). With uses it is for these purposes, where the server lets one say so
// (CREATE-SPECIAL-USE, RFC 6154 section 3); elsewhere they are left out. created tells the mailbox's id where the server does.
func (c *Client) Create(ctx context.Context, name string, uses ...mail.SpecialUse) (id mail.MailboxID, err error) {
	cmd := &command{name: "CREATE", rule: rule{moves: true, class: "LIST"}}
	err = c.run(ctx, cmd, func(e *imap.Encoder) {
		e.SP().Mailbox(name)
		if len(uses) > 0 && c.Has(imap.CapCreateSpecial) {
			e.Raw(" (USE (")
			for i, u := range uses {
				if i > 0 {
					e.SP()
				}
				e.Raw(string(u))
			}
			e.Raw("))")
		}
	})
	if err == nil && cmd.status.Code == imap.CodeMailboxID {
		id = mail.MailboxID(strings.Trim(cmd.status.Arg, "()"))
	}
	return id, err
}

// Delete removes a mailbox and its messages (RFC 9051 section 6.3.5).
func (c *Client) Delete(ctx context.Context, name string) error {
	return c.mailboxCommand(ctx, "DELETE", name)
}

// Rename gives a mailbox another name (RFC 9051 section 6.3.6).
func (c *Client) Rename(ctx context.Context, from, to string) error {
	return c.mailboxCommand(ctx, "RENAME", from, to)
}

// Subscribe adds a name to the list of subscriptions (RFC 9051 section 6.3.7).
func (c *Client) Subscribe(ctx context.Context, name string) error {
	return c.mailboxCommand(ctx, "SUBSCRIBE", name)
}

// Unsubscribe takes a name from the list of subscriptions (RFC 9051 section 6.3.8).
func (c *Client) Unsubscribe(ctx context.Context, name string) error {
	return c.mailboxCommand(ctx, "UNSUBSCRIBE", name)
}

// ListOptions say what List shows. The zero value is every mailbox.
type ListOptions struct {
	Reference  string           // what patterns are relative to
	Patterns   []string         // "*" and "%" stand for anything and for anything within a level; nil: "*"
	Subscribed bool             // only what is subscribed; names may not exist
	SpecialUse bool             // only mailboxes with a purpose
	Status     imap.StatusItems // of each that can be selected
	// Deeper makes names that only have matches below them come too, with their ChildInfo (RECURSIVEMATCH, RFC 5258 section 3).
	Deeper bool
}

// List yields the mailboxes that match (RFC 9051 section 6.3.9). What the server can't do by itself is done with what it can:
// LSUB for subscriptions, a STATUS command for each mailbox, choosing here by purpose.
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
			if !yield(l, nil) {
				return
			}
		}
	}
}

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
	e.Raw(" RETURN (" + strings.Join(words, " ") + ")")
}

// statusItems leaves out what the server doesn't know.
func (c *Client) statusItems(s imap.StatusItems) imap.StatusItems {
	rev2 := c.isEnabled(imap.CapIMAP4rev2)
	for item, need := range map[imap.StatusItems]imap.Capability{imap.StatusSize: imap.CapStatusSize, imap.StatusHighestModSeq: imap.CapCondStore,
		imap.StatusAppendLimit: imap.CapAppendLimit, imap.StatusMailboxID: imap.CapObjectID, imap.StatusDeleted: "QUOTA=RES-MESSAGE",
		imap.StatusDeletedStorage: "QUOTA=RES-STORAGE"} {
		if s&item != 0 && !c.Has(need) && !(rev2 && (item == imap.StatusSize || item == imap.StatusDeleted)) {
			s &^= item
		}
	}
	if rev2 {
		s &^= imap.StatusRecent
	}
	return s
}

// Status returns counters of a mailbox without selecting it (RFC 9051 section 6.3.11). Items that the server doesn't know are
// left out; see StatusData.Has.
func (c *Client) Status(ctx context.Context, name string, items imap.StatusItems) (*imap.StatusData, error) {
	items = c.statusItems(items)
	if items == 0 {
		items = imap.StatusMessages
	}
	var out *imap.StatusData
	cmd := &command{name: "STATUS", rule: rule{moves: true, class: "STATUS " + name}}
	cmd.counters = func(s *imap.StatusData, only bool) bool {
		if out != nil || !only && s.Name != name {
			return false
		}
		out = s
		return true
	}
	got, err := answer(ctx, c, cmd, &out, func(e *imap.Encoder) { e.SP().Mailbox(name).SP().Raw(items.String()) })
	if err == nil && got == nil {
		err = c.failed(cmd, errors.Join(ErrSyntax, errors.New("no STATUS response")))
	}
	return got, err
}
