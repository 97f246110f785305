package doveadm

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
)

func changeCommands() []*command {
	return []*command{
		{name: "flags add", usage: "<flags> <search query>", least: 2, once: takeFlags, each: changeFlags(mail.FlagsAdd)},
		{name: "flags remove", usage: "<flags> <search query>", least: 2, once: takeFlags, each: changeFlags(mail.FlagsRemove)},
		{name: "flags replace", usage: "<flags> <search query>", least: 2, once: takeFlags, each: changeFlags(mail.FlagsReplace)},
		{name: "expunge", flags: "m", usage: "[-m] <search query>", least: 1, once: takeExpunge, each: expunge},
		{name: "copy", usage: "<destination> [user <source user>] <search query>", least: 2, once: takeDestination, each: transfer(false)},
		{name: "move", usage: "<destination> [user <source user>] <search query>", least: 2, once: takeDestination, each: transfer(true)},
		{name: "deduplicate", flags: "m", usage: "[-m] <search query>", least: 1, once: takeQuery, each: deduplicate},
	}
}

// takeFlags reads a list of flags and a query; state is the flags.
func takeFlags(ctx context.Context, c *call) error {
	names := strings.Fields(c.args[0])
	for _, n := range names {
		if strings.HasPrefix(n, `\`) && !slices.ContainsFunc(strings.Fields(`\Answered \Flagged \Deleted \Seen \Draft`), func(f string) bool { return strings.EqualFold(f, n) }) {
			return fatalf(exitTemp, "Invalid system flag: %s", n)
		}
	}
	c.state, c.args = mail.NewFlags(names...), c.args[1:]
	return takeQuery(ctx, c)
}

func changeFlags(op mail.FlagOp) func(context.Context, *call, *session) error {
	return func(ctx context.Context, c *call, s *session) error {
		return c.found(ctx, s, false, func(_, _ string, uids mail.UIDSet) error {
			_, err := s.Store(ctx, imapclient.UIDs(uids), op, c.state.(mail.Flags), &imapclient.StoreOptions{Silent: true})
			return err
		})
	}
}

// takeExpunge wants mailboxes named, whichever way the query matches: what it finds is gone for good.
func takeExpunge(ctx context.Context, c *call) error {
	if err := takeQuery(ctx, c); err != nil {
		return err
	}
	if !c.query.everyBranch() {
		return fatalf(exitUsage, "expunge: To avoid accidents, search query must contain MAILBOX in all search branches")
	}
	return nil
}

// expunge removes messages; with -m a mailbox that is empty afterwards goes too.
func expunge(ctx context.Context, c *call, s *session) error {
	return c.found(ctx, s, false, func(box, _ string, uids mail.UIDSet) error {
		if err := remove(ctx, s, uids); err != nil {
			return err
		}
		if b := s.Mailbox(); c.flag('m') && box != "INBOX" && b != nil && b.Messages == 0 {
			if err := s.Unselect(ctx); err != nil {
				return err
			}
			return s.Delete(ctx, box)
		}
		return nil
	})
}

// remove takes messages of the selected mailbox away.
func remove(ctx context.Context, s *session, uids mail.UIDSet) error {
	set := imapclient.UIDs(uids)
	if _, err := s.Store(ctx, set, mail.FlagsAdd, mail.NewFlags(`\Deleted`), &imapclient.StoreOptions{Silent: true}); err != nil {
		return err
	}
	return s.ExpungeSet(ctx, set)
}

// destination is where messages go, and whose they are where that is another's.
type destination struct{ box, from string }

func takeDestination(ctx context.Context, c *call) error {
	d := destination{box: c.args[0]}
	c.args = c.args[1:]
	if len(c.args) > 2 && strings.EqualFold(c.args[0], "user") {
		d.from, c.args = c.args[1], c.args[2:]
	}
	c.state = d
	return takeQuery(ctx, c)
}

func transfer(move bool) func(context.Context, *call, *session) error {
	return func(ctx context.Context, c *call, s *session) error {
		d := c.state.(destination)
		if _, err := s.Status(ctx, d.box, imap.StatusMessages); err != nil {
			c.fail(s.user, statusOf(err), "Can't open mailbox '%s': %s", d.box, because(err, d.box))
			return nil
		}
		if d.from != "" {
			return c.fromOther(ctx, s, d, move)
		}
		return c.found(ctx, s, !move, func(_, _ string, uids mail.UIDSet) (err error) {
			if move {
				_, err = s.Move(ctx, imapclient.UIDs(uids), d.box)
			} else {
				_, err = s.Copy(ctx, imapclient.UIDs(uids), d.box)
			}
			return err
		})
	}
}

// fromOther copies, or moves, another user's messages to this one.
func (c *call) fromOther(ctx context.Context, to *session, d destination, move bool) error {
	u, err := c.Users.Lookup(ctx, d.from)
	if err == nil && u == nil {
		c.fail(d.from, exitNoUser, "User doesn't exist")
		return nil
	}
	if err != nil {
		return err
	}
	from, err := dial(ctx, c.Store, u.Name, d.from)
	if err != nil {
		return err
	}
	defer from.end()
	return c.found(ctx, from, !move, func(_, _ string, uids mail.UIDSet) error {
		if err := carry(ctx, from, uids, to, d.box); err != nil || !move {
			return err
		}
		return remove(ctx, from, uids)
	})
}

// carry appends messages of one session's selected mailbox to another's, with flags and dates.
func carry(ctx context.Context, from *session, uids mail.UIDSet, to *session, box string) error {
	items := append(imapclient.Items(imap.FetchFlags, imap.FetchInternalDate), imapclient.Peek(imap.Section{}))
	for uid := range uids.All() {
		m, err := from.FetchOne(ctx, uid, items...)
		if err != nil {
			return err
		}
		b, ok := m.Section(imap.Section{})
		if !ok {
			continue // gone meanwhile
		}
		draft := imapclient.NewDraft(b)
		draft.Flags, draft.InternalDate, draft.Binary = m.Flags, m.InternalDate, bytes.IndexByte(b, 0) >= 0
		if _, err := to.Append(ctx, box, draft); err != nil {
			return err
		}
	}
	return nil
}

// deduplicate leaves of messages that are one and the same the first: of one GUID, or with -m of one Message-ID.
func deduplicate(ctx context.Context, c *call, s *session) error {
	id, _ := fieldOf("guid")
	if c.flag('m') {
		id, _ = fieldOf("hdr.message-id")
	}
	return c.found(ctx, s, false, func(box, guid string, uids mail.UIDSet) error {
		seen, twice := map[string]bool{}, mail.UIDSet{}
		for m, err := range s.Fetch(ctx, imapclient.UIDs(uids), &imapclient.FetchOptions{Items: id.items}) {
			if err != nil {
				return err
			}
			text := id.text(&record{m, s.user, box, guid})
			if text != "" && seen[text] {
				twice.Add(m.UID)
			}
			seen[text] = true
		}
		if twice.Empty() {
			return nil
		}
		return remove(ctx, s, twice)
	})
}
