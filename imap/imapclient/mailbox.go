package imapclient

import (
	"context"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Mailbox is what the server has told of the selected mailbox, kept up to date with what it tells later.
type Mailbox struct {
	Name           string
	ReadOnly       bool
	Messages       uint32
	Recent         uint32   // IMAP4rev1
	FirstUnseen    uint32   // sequence number; 0 where the server doesn't say (IMAP4rev2)
	UIDNext        mail.UID // as of SELECT; 0 where the server doesn't say
	UIDValidity    uint32
	UIDNotSticky   bool           // UIDs don't last beyond the session (RFC 4315 section 2)
	Flags          mail.Flags     // that messages have or can have
	PermanentFlags mail.Flags     // that can be changed for good
	NewKeywords    bool           // keywords that are new can be made up: PERMANENTFLAGS has \*
	HighestModSeq  mail.ModSeq    // as of SELECT; 0 without CONDSTORE, or where the mailbox has no mod-sequences
	ID             mail.MailboxID // RFC 8474

	// News counts what the server has told of the mailbox since it was selected, without being asked. As long as it stays 0 nothing is
	// known to have happened.
	News int

	// Vanished and Changed answer SelectOptions.Known.
	Vanished mail.UIDSet
	Changed  []*Message
}

// SelectOptions say how a mailbox is opened.
type SelectOptions struct {
	// ReadOnly uses EXAMINE: nothing that is done changes \Seen or \Recent.
	ReadOnly bool
	// Known asks for what has happened since that state (RFC 7162 section 3.2.5), which is held in memory. It needs QRESYNC, and is
	// left out without it. For large mailboxes see FetchOptions.Vanished, which gives the same as a loop.
	Known *KnownState
}

// KnownState is what a client remembers of a mailbox.
type KnownState struct {
	UIDValidity uint32
	ModSeq      mail.ModSeq
	UIDs        mail.UIDSet // of the messages that it knows; empty: all up to now
}

// Select opens a mailbox (RFC 9051 section 6.3.2 and 6.3.3); the one that was selected is closed first. opts may be nil. When
// it fails no mailbox is selected.
func (c *Client) Select(ctx context.Context, name string, opts *SelectOptions) (*Mailbox, error) {
	o := SelectOptions{}
	if opts != nil {
		o = *opts
	}
	box := &Mailbox{Name: name, ReadOnly: o.ReadOnly}
	cmd := &command{name: "SELECT", rule: rule{alone: true}}
	if o.ReadOnly {
		cmd.name = "EXAMINE"
	}
	resync := o.Known != nil && o.Known.UIDValidity > 0 && o.Known.ModSeq > 0 && c.isEnabled(imap.CapQResync)
	if resync {
		cmd.fetch = c.newFetching(All())
		cmd.fetch.all = true
	}
	cmd.code = func(s *imap.Status) {
		switch s.Code {
		case imap.CodeReadOnly:
			box.ReadOnly = true
		case imap.CodeReadWrite:
			box.ReadOnly = false
		}
	}
	// The reading goroutine makes the mailbox the selected one, before anything that is news of it is read.
	cmd.then = func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.mailbox, c.selecting, c.state = box, nil, StateSelected
		box.News, c.saved = 0, saved{}
		if cmd.fetch != nil {
			box.Changed, cmd.fetch.queue = cmd.fetch.queue, nil
		}
		return nil
	}
	err := c.run(ctx, cmd, func(e *imap.Encoder) {
		c.mu.Lock()
		c.mailbox, c.selecting, c.state = nil, box, StateAuthenticated
		c.mu.Unlock()
		e.SP().Mailbox(name)
		switch {
		case resync:
			e.Raw(" (QRESYNC (").Number(uint64(o.Known.UIDValidity)).SP().Number(uint64(o.Known.ModSeq))
			if text := UIDs(o.Known.UIDs).String(); !o.Known.UIDs.Empty() && len(text) <= maxSetText {
				e.SP().Raw(text)
			}
			e.Raw("))")
		case c.Has(imap.CapCondStore):
			e.Raw(" (CONDSTORE)")
		}
	})
	if err != nil {
		c.mu.Lock()
		if c.selecting == box && !cmd.left { // else it may yet become the selected one
			c.selecting = nil
		}
		c.mu.Unlock()
		return nil, err
	}
	return c.Mailbox(), nil
}

// Mailbox returns what is known of the selected mailbox now, nil when none is selected. It is the caller's.
func (c *Client) Mailbox() *Mailbox {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mailbox == nil {
		return nil
	}
	m := *c.mailbox
	return &m
}

// changeMailbox notes news of the mailbox that is selected or being selected.
func (c *Client) changeMailbox(f func(*Mailbox)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.selecting != nil {
		f(c.selecting)
	} else if c.mailbox != nil {
		f(c.mailbox)
	}
}

// hasNews counts something that has happened in the selected mailbox.
func hasNews(m *Mailbox) { m.News++ }

// mailboxCode takes the response codes that are about the mailbox (RFC 9051 section 7.1); it reports false for others.
func (c *Client) mailboxCode(s *imap.Status) bool {
	d := s.Values()
	var change func(m *Mailbox)
	switch s.Code {
	case imap.CodePermanentFlags:
		f, _, any := d.FetchFlags()
		change = func(m *Mailbox) { m.PermanentFlags, m.NewKeywords = f, any }
	case imap.CodeUIDNext:
		n := mail.UID(d.Number())
		change = func(m *Mailbox) { m.UIDNext = n }
	case imap.CodeUIDValidity:
		n := d.Number()
		change = func(m *Mailbox) { m.UIDValidity = n }
	case imap.CodeUnseen:
		n := d.Number()
		change = func(m *Mailbox) { m.FirstUnseen = n }
	case imap.CodeHighestModSeq:
		n := mail.ModSeq(d.Number64())
		change = func(m *Mailbox) { m.HighestModSeq = n }
	case imap.CodeNoModSeq:
		change = func(m *Mailbox) { m.HighestModSeq = 0 }
	case imap.CodeUIDNotSticky:
		change = func(m *Mailbox) { m.UIDNotSticky = true }
	case imap.CodeMailboxID:
		d.Special('(')
		id := mail.MailboxID(d.Atom())
		change = func(m *Mailbox) { m.ID = id }
	case imap.CodeClosed:
		return true
	default:
		return false
	}
	if d.Err() == nil {
		c.changeMailbox(change)
	}
	return true
}

// Unselect closes the selected mailbox without expunging (RFC 9051 section 6.4.2). Where the server lacks UNSELECT, a mailbox
// that can't be selected takes its place.
func (c *Client) Unselect(ctx context.Context) error {
	if c.Has(imap.CapUnselect) {
		return c.closeMailbox(ctx, "UNSELECT")
	}
	_, err := c.Select(ctx, " no such mailbox "+c.host, &SelectOptions{ReadOnly: true})
	if err == nil || !Refused(err) {
		return err
	}
	return nil
}

// CloseMailbox expunges what is marked \Deleted, unless the mailbox is read-only, and closes it (RFC 9051 section 6.4.1).
func (c *Client) CloseMailbox(ctx context.Context) error { return c.closeMailbox(ctx, "CLOSE") }

func (c *Client) closeMailbox(ctx context.Context, name string) error {
	return c.run(ctx, &command{name: name, rule: rule{alone: true}, then: func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.mailbox, c.state = nil, StateAuthenticated
		return nil
	}}, nil)
}

// Noop does nothing; the server uses the occasion to tell what is new.
func (c *Client) Noop(ctx context.Context) error { return c.simple(ctx, "NOOP") }

// Check asks for a checkpoint of the selected mailbox (RFC 3501 section 6.4.1).
func (c *Client) Check(ctx context.Context) error { return c.simple(ctx, "CHECK") }
