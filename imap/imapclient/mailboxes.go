package imapclient

import (
	"context"
	"errors"
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
