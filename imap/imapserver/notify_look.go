package imapserver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver/internal/notify"
)

// errOverflow says that there is more to be watched than the server is willing to (RFC 5465 section 3.1, 5.8).
var errOverflow = imap.No(imap.CodeNotificationOverflow, "Too many mailboxes to be watched.")

// lookedAt is an account as a notifier sees it: the entries sorted by name, and what the list of mailboxes says of each.
type lookedAt struct {
	entries  []notify.Entry
	infos    map[string]mail.MailboxInfo
	selected string // whose messages are not told of here (RFC 5465 section 3.1)
}

// lookAt asks the account for what the client wants to know about.
func (c *Conn) lookAt(ctx context.Context, n *notifier) (*lookedAt, error) {
	l := &lookedAt{infos: map[string]mail.MailboxInfo{}}
	limit := c.srv.limits(true).NotifyMailboxes
	if n.filter.Server {
		e := notify.Entry{}
		if err := c.lookAtNotes(ctx, "", &e); err != nil {
			return nil, err
		}
		l.entries = append(l.entries, e)
	}
	if c.sel != nil {
		l.selected = c.sel.box.Info().Name
	}
	for info, err := range c.account.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		l.infos[info.Name] = info
		events := n.filter.Events(info.Name, info.Subscribed)
		e := notify.Entry{Name: info.Name, ID: notify.Hash(info.ID), Exists: !info.NoSelect && !info.NonExistent, Subscribed: info.Subscribed}
		if events == 0 || !e.Exists && !e.Subscribed {
			continue
		}
		if len(l.entries) >= limit {
			return nil, errOverflow
		}
		if e.Exists && events&notify.Messages != 0 {
			if err := c.lookAtState(ctx, &e); err != nil {
				return nil, err
			}
		}
		if e.Exists && events&notify.Metadata != 0 {
			if err := c.lookAtNotes(ctx, e.Name, &e); err != nil {
				return nil, err
			}
		}
		l.entries = append(l.entries, e)
	}
	slices.SortFunc(l.entries, func(a, b notify.Entry) int { return strings.Compare(a.Name, b.Name) })
	return l, nil
}

// lookAtState counts a mailbox. One that has gone meanwhile is looked at again when the list says so; one that may be listed
// and not read has no counters (RFC 5465 section 5: "All event types described in this document require the 'l' and 'r'
// rights").
func (c *Conn) lookAtState(ctx context.Context, e *notify.Entry) error {
	_, err := c.access(ctx, e.Name, needSelect, 0)
	if err == nil {
		var state mail.State
		if state, err = c.account.Status(ctx, e.Name); err == nil {
			e.SetState(state)
			return nil
		}
	}
	if errors.Is(err, mail.ErrPermission) {
		e.NoAccess = true
		return nil
	}
	if errors.Is(err, mail.ErrNoMailbox) {
		return nil
	}
	return err
}

// lookAtNotes notes the annotations of a mailbox, or of the server.
func (c *Conn) lookAtNotes(ctx context.Context, name string, e *notify.Entry) error {
	if c.annotated(ctx, name) != nil {
		return nil
	}
	all, err := c.metadata(ctx, name, nil)
	if errors.Is(err, mail.ErrNoMailbox) || errors.Is(err, mail.ErrPermission) {
		return nil
	}
	e.Notes = make([]notify.Note, 0, len(all))
	for _, a := range all {
		e.Notes = append(e.Notes, notify.Note{Name: a.Name, Sum: uint32(notify.Hash(a.Value))})
	}
	slices.SortFunc(e.Notes, func(a, b notify.Note) int { return strings.Compare(a.Name, b.Name) })
	return err
}

// firstLook notes what there is when the client begins to watch. Mailboxes that it may list but not read are told, and with
// status the state of the others (RFC 5465 section 3.1).
func (c *Conn) firstLook(ctx context.Context, n *notifier, status bool) error {
	if n.filter.Idle() {
		return nil
	}
	n.looked = time.Now()
	l, err := c.lookAt(ctx, n)
	if err != nil {
		c.stopNotify()
		return err
	}
	n.took = time.Since(n.looked)
	n.seen = notify.Pack(l.entries)
	for i := range l.entries {
		e := &l.entries[i]
		switch {
		case e.NoAccess:
			c.tellEvent(l, e.Name, listEvent{noAccess: true})
		case status && e.Counted && e.Name != l.selected:
			items := []string{"MESSAGES", "UIDNEXT", "UIDVALIDITY"}
			if n.filter.Events(e.Name, e.Subscribed)&notify.Flags != 0 && c.offers(imap.CapCondStore) {
				items = append(items, "HIGHESTMODSEQ")
			}
			c.tellState(e, items)
		}
	}
	return nil
}

// lookAgain is how much longer than a look takes the next one waits, so that an account in which much happens costs no more
// than a part of the machine. At the end of a command, of which a client waits for the answer before it sends the next, a
// look that took less than lookCheap doesn't wait.
const (
	lookAgain = 9
	lookCheap = 10 * time.Millisecond
)

// nextLook is when the account is to be looked at: soon after a hint, and now and then without one, for a hint may be lost.
func (n *notifier) nextLook(poll time.Duration) time.Time {
	if n.dirty.Load() {
		return n.looked.Add(lookAgain * n.took)
	}
	return n.looked.Add(poll)
}

// accountPoll is how many of the waits between looks at a selected mailbox make one between looks at the whole account.
const accountPoll = 5

func (c *Conn) accountPoll() time.Duration {
	return accountPoll * wait(c.srv.Timeouts.Poll, time.Minute)
}

// afterCommand is look at the end of a command. own are the names that the client itself has just changed:
// "The server SHOULD omit notifying the client if the event is caused by this client" (RFC 5465 section 5).
func (c *Conn) afterCommand(ctx context.Context, own []string) {
	if n := c.notify; n != nil && (len(own) > 0 && !n.filter.Idle() || n.dirty.Load() && n.took < lookCheap) {
		c.lookNow(ctx, own)
	} else {
		c.look(ctx)
	}
}

// look tells what has happened to the account if it is time to see.
func (c *Conn) look(ctx context.Context) {
	if n := c.notify; n != nil && !n.filter.Idle() && !time.Now().Before(n.nextLook(c.accountPoll())) {
		c.lookNow(ctx, nil)
	}
}

func (c *Conn) lookNow(ctx context.Context, own []string) {
	n := c.notify
	n.dirty.Store(false)
	began := time.Now()
	l, err := c.lookAt(ctx, n)
	n.looked = time.Now()
	n.took = n.looked.Sub(began)
	switch {
	case err == errOverflow:
		c.enc.Status("*", imap.Okay(imap.CodeNotificationOverflow, "", errOverflow.Text))
		c.stopNotify()
		c.notify = &notifier{push: true, filter: new(notify.Filter)} // "behave as if a NOTIFY NONE command had just been received"
		c.watchSelected()
		return
	case err != nil:
		c.srv.logError(ctx, "notify", err)
		return
	}
	changes := notify.Diff(n.seen, l.entries)
	n.seen = notify.Pack(l.entries)
	c.tellChanges(l, changes, own)
}
