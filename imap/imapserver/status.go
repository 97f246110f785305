package imapserver

import (
	"context"
	"errors"
	"strconv"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// handleStatus is STATUS (RFC 9051 section 6.3.11, RFC 7162 section 3.1.7, RFC 7889).
func (c *Conn) handleStatus(ctx context.Context, cmd *command) error {
	d := c.dec
	d.SP()
	name := c.mailbox()
	d.SP()
	items := c.statusItems()
	if err := d.CRLF(); err != nil {
		return err
	}
	return c.status(ctx, name, items)
}

// statusItems reads a list of status items.
func (c *Conn) statusItems() (items []string) {
	d := c.dec
	d.List(func() {
		switch word := d.Keyword(); word {
		case "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "APPENDLIMIT", "MAILBOXID":
			items = append(items, word)
		case "HIGHESTMODSEQ", "DELETED-STORAGE":
			if word == "HIGHESTMODSEQ" && !c.offers(imap.CapCondStore) || word == "DELETED-STORAGE" && !c.offers(capQuotaStorage) {
				d.Fail(imap.Bad("Unknown status item"))
			}
			items = append(items, word)
		default:
			d.Fail(imap.Bad("Unknown status item"))
		}
		if len(items) > 50 {
			d.Fail(imap.Bad("Too many status items"))
		}
	})
	if d.Err() == nil && len(items) == 0 {
		d.Fail(imap.Bad("Status items expected"))
	}
	return items
}

// status writes a STATUS response.
func (c *Conn) status(ctx context.Context, name string, items []string) error {
	if _, err := c.access(ctx, name, needSelect, 0); err != nil {
		return err
	}
	state, err := c.account.Status(ctx, name)
	if err != nil {
		return err
	}
	var extra statusExtra
	for _, item := range items {
		if item == "MAILBOXID" {
			box, err := c.account.Open(ctx, name)
			if err != nil {
				return err
			}
			extra.id = box.Info().ID
			_ = box.Close()
		}
		if item == "DELETED-STORAGE" {
			if extra.deleted, err = c.deletedStorage(ctx, name, state); err != nil {
				return err
			}
		}
		if item == "HIGHESTMODSEQ" {
			c.enableCondStore()
		}
	}
	c.writeStatus(name, items, &state, extra)
	return nil
}

// statusExtra is what STATUS may ask for besides a mailbox's state.
type statusExtra struct {
	id      mail.MailboxID
	deleted int64 // octets
}

// writeStatus writes a STATUS response with the items named.
func (c *Conn) writeStatus(name string, items []string, state *mail.State, extra statusExtra) {
	e := c.enc.Raw("* STATUS ").Mailbox(name).Raw(" (")
	for i, item := range items {
		if i > 0 {
			e.SP()
		}
		e.Raw(item).SP()
		switch item {
		case "MESSAGES":
			e.Number(uint64(state.Messages))
		case "RECENT":
			e.Number(uint64(state.Recent))
		case "UIDNEXT":
			e.Number(uint64(state.UIDNext))
		case "UIDVALIDITY":
			e.Number(uint64(state.UIDValidity))
		case "UNSEEN":
			e.Number(uint64(state.Unseen))
		case "DELETED":
			e.Number(uint64(state.Deleted))
		case "DELETED-STORAGE":
			e.Number(uint64(extra.deleted))
		case "SIZE":
			e.Number(uint64(state.Size))
		case "HIGHESTMODSEQ":
			e.Number(uint64(max(state.HighestModSeq, 1)))
		case "APPENDLIMIT":
			e.Number(uint64(c.srv.limits(true).MessageSize))
		case "MAILBOXID":
			e.Raw("(").Raw(string(extra.id)).Raw(")")
		}
	}
	e.Raw(")").CRLF()
}

// appendLimit is the capability that tells the largest message (RFC 7889).
func (c *Conn) appendLimit() imap.Capability {
	return imap.CapAppendLimit + "=" + imap.Capability(strconv.FormatInt(c.srv.limits(true).MessageSize, 10))
}

// enableCondStore makes the session one that knows mod-sequences. The first command that does so in selected state is
// told where the mailbox stands (RFC 7162 section 3.1).
func (c *Conn) enableCondStore() {
	if !c.condStore && c.sel != nil {
		c.enc.Status("*", imap.Okay(imap.CodeHighestModSeq, modSeqString(c.sel.highest()), "Highest."))
	}
	c.condStore = true
}

// tryCreate makes a missing target of APPEND, COPY and MOVE an invitation to create it (RFC 9051 section 6.3.12).
func tryCreate(err error) error {
	if errors.Is(err, mail.ErrNoMailbox) {
		return &imap.Status{Type: imap.NO, Code: imap.CodeTryCreate, Text: "Mailbox does not exist.", Err: err}
	}
	return err
}
