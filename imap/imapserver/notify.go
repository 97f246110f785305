package imapserver

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapserver/internal/notify"
)

// notifier is what a session watches for its client, by NOTIFY (RFC 5465) or ENABLE METADATA (RFC 5464 section 4.1).
type notifier struct {
	filter *notify.Filter
	push   bool // NOTIFY was used: events are told at any time, and only those that were asked for
	seen   notify.Snapshot

	cancel func()      // ends the account's hints; nil when there are none
	dirty  atomic.Bool // a hint has come since the account was looked at
	looked time.Time   // when that was
	took   time.Duration
}

// supportedEvents are the events that this account can tell of.
func (c *Conn) supportedEvents() notify.Events {
	e := notify.Messages | notify.Name | notify.Subscription
	if c.offers(imap.CapMetadata) {
		e |= notify.Metadata
	}
	if c.hasMetadata() {
		e |= notify.ServerMetadata
	}
	return e
}

// handleNotify is NOTIFY (RFC 5465 section 3.1).
func (c *Conn) handleNotify(ctx context.Context, cmd *command) error {
	c.dec.SP()
	n := c.dec.Notify()
	if err := c.dec.CRLF(); err != nil {
		return err
	}
	for i := range n.Groups {
		for j, name := range n.Groups[i].Mailboxes {
			n.Groups[i].Mailboxes[j] = normalName(name)
		}
		items := n.Groups[i].Fetch
		for j := range items {
			items[j].Peek = true // what nobody asked for is not read by that
		}
		if err := (&fetch{c: c, items: items}).allowed(); err != nil {
			return err
		}
	}
	if events := c.supportedEvents(); !events.Supported(n) {
		// "the server MUST refuse the command with a tagged NO response (not a BAD) … SHOULD contain the BADEVENT response code".
		return &imap.Status{Type: imap.NO, Code: imap.CodeBadEvent, Arg: "(" + events.Names() + ")", Text: "Event is not supported."}
	}
	if c.sel != nil && len(n.Groups) > 0 {
		// "A successful NOTIFY SET command MUST cause the server to immediately return any accumulated changes".
		if err := c.sync(ctx, true); err != nil || c.bye {
			return err
		}
	}
	next := &notifier{push: true}
	if err := c.startNotify(ctx, next, n); err != nil {
		return err
	}
	return c.firstLook(ctx, next, n.Status)
}

// startNotify makes next the session's notifier, with the annotations that ENABLE METADATA asked for.
func (c *Conn) startNotify(ctx context.Context, next *notifier, n imap.Notify) error {
	foreign, err := c.foreignPrefixes(ctx)
	if err != nil {
		return err
	}
	c.stopNotify()
	next.filter = notify.Compile(n, foreign)
	if c.metadata5464 {
		next.filter.WatchMetadata()
	}
	c.notify = next
	c.watchAccount(next)
	c.watchSelected()
	return nil
}

// watchAccount has the account's hints wake the session if there is something to be told of it.
func (c *Conn) watchAccount(n *notifier) {
	if n.cancel != nil || n.filter.Idle() {
		return
	}
	wake := c.stream.wake
	n.cancel = c.account.(mail.AccountWatcher).Watch(func() {
		n.dirty.Store(true)
		wake()
	})
}

// foreignPrefixes returns the prefixes of the namespaces that are not the user's own.
func (c *Conn) foreignPrefixes(ctx context.Context) (out []string, err error) {
	all, err := c.namespaces(ctx)
	for _, n := range all {
		if n.Kind != mail.PersonalNamespace && n.Prefix != "" {
			out = append(out, n.Prefix)
		}
	}
	return slices.Clip(out), err
}

// stopNotify ends what was watched.
func (c *Conn) stopNotify() {
	if c.notify != nil && c.notify.cancel != nil {
		c.notify.cancel()
	}
	c.notify = nil
}

// watchSelected has the selected mailbox's hints wake the session, or not, as the client wants it.
func (c *Conn) watchSelected() {
	if c.sel == nil {
		return
	}
	if c.sel.unwatch != nil {
		c.sel.unwatch()
		c.sel.unwatch = nil
	}
	if c.notify != nil && c.notify.push && c.notify.filter.Selected != 0 {
		c.sel.unwatch = c.sel.box.Watch(c.stream.wake)
	}
}

// selectedEvents are the events that the client wants of the selected mailbox: all until it has used NOTIFY.
func (c *Conn) selectedEvents() notify.Events {
	if c.notify == nil || !c.notify.push {
		return notify.Messages
	}
	return c.notify.filter.Selected
}

// enableMetadata is ENABLE METADATA and ENABLE METADATA-SERVER (RFC 5464 section 4.1): changes that others make to annotations
// are told, as changes of messages are. It reports whether that can be.
func (c *Conn) enableMetadata(ctx context.Context) bool {
	if _, ok := c.account.(mail.AccountWatcher); !ok || !c.hasMetadata() {
		return false
	}
	if c.metadata5464 {
		return true
	}
	c.metadata5464 = true
	if c.notify != nil {
		c.notify.filter.WatchMetadata()
		c.watchAccount(c.notify)
		return c.firstLook(ctx, c.notify, false) == nil
	}
	next := new(notifier)
	if c.startNotify(ctx, next, imap.Notify{}) != nil {
		return false
	}
	return c.firstLook(ctx, next, false) == nil
}
