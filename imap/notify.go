package imap

import (
	"slices"
	"strings"
)

// CapNotify is RFC 5465's capability.
const CapNotify Capability = "NOTIFY"

// The response codes of NOTIFY: CodeBadEvent names the events there are, CodeNotificationOverflow says that there will be no
// more of them (RFC 5465 section 5.8).
const (
	CodeBadEvent             Code = "BADEVENT"
	CodeNotificationOverflow Code = "NOTIFICATIONOVERFLOW"
)

// NotifyFilter says which mailboxes events are wanted of (RFC 5465 section 6).
type NotifyFilter string

// The filters. NotifySubtree and NotifyMailboxes go with names.
const (
	NotifySelected        NotifyFilter = "SELECTED"
	NotifySelectedDelayed NotifyFilter = "SELECTED-DELAYED"
	NotifyInboxes         NotifyFilter = "INBOXES"
	NotifyPersonal        NotifyFilter = "PERSONAL"
	NotifySubscribed      NotifyFilter = "SUBSCRIBED"
	NotifySubtree         NotifyFilter = "SUBTREE"
	NotifyMailboxes       NotifyFilter = "MAILBOXES"
)

// NotifyEvent is a kind of event by its name (RFC 5465 section 5).
type NotifyEvent string

// The events.
const (
	EventMessageNew            NotifyEvent = "MessageNew"
	EventMessageExpunge        NotifyEvent = "MessageExpunge"
	EventFlagChange            NotifyEvent = "FlagChange"
	EventAnnotationChange      NotifyEvent = "AnnotationChange"
	EventMailboxName           NotifyEvent = "MailboxName"
	EventSubscriptionChange    NotifyEvent = "SubscriptionChange"
	EventMailboxMetadataChange NotifyEvent = "MailboxMetadataChange"
	EventServerMetadataChange  NotifyEvent = "ServerMetadataChange"
)

var notifyEvents = [...]NotifyEvent{EventMessageNew, EventMessageExpunge, EventFlagChange, EventAnnotationChange, EventMailboxName,
	EventSubscriptionChange, EventMailboxMetadataChange, EventServerMetadataChange}

// IsMessage reports whether the event is about messages.
func (e NotifyEvent) IsMessage() bool {
	switch e {
	case EventMessageNew, EventMessageExpunge, EventFlagChange, EventAnnotationChange:
		return true
	}
	return false
}

// NotifyGroup is an event-group: events of some mailboxes. Without events it says that none is wanted.
type NotifyGroup struct {
	Filter    NotifyFilter
	Mailboxes []string // of NotifySubtree and NotifyMailboxes
	Events    []NotifyEvent
	Fetch     []FetchItem // what is told of new messages in the selected mailbox, besides that they are there
}

// Has reports whether the group has the event.
func (g *NotifyGroup) Has(e NotifyEvent) bool { return slices.Contains(g.Events, e) }

// Notify is the arguments of NOTIFY (RFC 5465 section 3.1). Without groups it is NOTIFY NONE.
type Notify struct {
	Status bool // the STATUS responses of the mailboxes are wanted at once
	Groups []NotifyGroup
}

// Notify requires the arguments of NOTIFY. Events that are unknown are kept as they were written: a server answers them with
// NO, not BAD. Rules that the grammar doesn't have (RFC 5465 section 5 and 6.1) are checked here.
func (d *Decoder) Notify() (n Notify) {
	switch d.Keyword() {
	case "NONE":
		return n
	case "SET":
	default:
		d.fail("SET or NONE expected")
		return n
	}
	d.SP()
	if d.TryWord("STATUS") {
		n.Status = true
		d.SP()
	}
	selected, total := 0, 0
	for d.Err() == nil {
		g := d.notifyGroup()
		if g.Filter == NotifySelected || g.Filter == NotifySelectedDelayed {
			selected++
		}
		n.Groups = append(n.Groups, g)
		if total += 1 + len(g.Mailboxes); total > d.Limits.Items {
			d.Fail(&Status{Type: BAD, Code: CodeLimit, Text: "Too many mailboxes"})
		}
		if !d.TrySP() {
			break
		}
	}
	if selected > 1 {
		d.fail("Only one of SELECTED and SELECTED-DELAYED")
	}
	return n
}

func (d *Decoder) notifyGroup() (g NotifyGroup) {
	d.Special('(')
	g.Filter = NotifyFilter(d.Keyword())
	switch g.Filter {
	case NotifySelected, NotifySelectedDelayed, NotifyInboxes, NotifyPersonal, NotifySubscribed:
	case NotifySubtree, NotifyMailboxes:
		d.SP()
		add := func() { g.Mailboxes = append(g.Mailboxes, d.Mailbox()) }
		if d.Peek('(') {
			d.List(add)
		} else {
			add()
		}
		if len(g.Mailboxes) == 0 {
			d.fail("Mailbox expected")
		}
	default:
		d.fail("Unknown mailbox specifier")
	}
	d.SP()
	if !d.TryWord("NONE") {
		d.notifyEvents(&g)
	}
	d.Special(')')
	if d.Err() == nil {
		d.checkGroup(&g)
	}
	return g
}

// notifyEvents reads a list of events. The items of MessageNew stand behind its name, as a list of their own.
func (d *Decoder) notifyEvents(g *NotifyGroup) {
	last := NotifyEvent("")
	d.List(func() {
		if d.Peek('(') && last == EventMessageNew && g.Fetch == nil {
			g.Fetch = d.FetchItems()
			last = ""
			return
		}
		last = notifyEvent(d.Atom())
		if !g.Has(last) {
			g.Events = append(g.Events, last)
		}
	})
	if len(g.Events) == 0 {
		d.fail("Events expected")
	}
}

// notifyEvent brings the name of an event into its known spelling.
func notifyEvent(name string) NotifyEvent {
	for _, e := range notifyEvents {
		if strings.EqualFold(name, string(e)) {
			return e
		}
	}
	return NotifyEvent(name)
}

// checkGroup holds the rules of RFC 5465 section 5: "If the FlagChange and/or AnnotationChange events are specified, MessageNew
// and MessageExpunge MUST also be specified", these two go together, and only events about messages go with the selected
// mailbox, only there with items to fetch (section 6.1, 8).
func (d *Decoder) checkGroup(g *NotifyGroup) {
	selected := g.Filter == NotifySelected || g.Filter == NotifySelectedDelayed
	switch {
	case g.Has(EventMessageNew) != g.Has(EventMessageExpunge):
		d.fail("MessageNew and MessageExpunge go together")
	case (g.Has(EventFlagChange) || g.Has(EventAnnotationChange)) && !g.Has(EventMessageNew):
		d.fail("FlagChange needs MessageNew and MessageExpunge")
	case g.Fetch != nil && !selected:
		d.fail("Only the selected mailbox has items to fetch")
	}
	for _, e := range g.Events {
		if selected && slices.Contains(notifyEvents[:], e) && !e.IsMessage() {
			d.fail("Only events about messages go with the selected mailbox")
		}
	}
}

// Notify writes the arguments of NOTIFY.
func (e *Encoder) Notify(n Notify) *Encoder {
	if len(n.Groups) == 0 {
		return e.Raw("NONE")
	}
	e.Raw("SET")
	if n.Status {
		e.Raw(" STATUS")
	}
	for _, g := range n.Groups {
		e.Raw(" (").Raw(string(g.Filter))
		if g.Filter == NotifySubtree || g.Filter == NotifyMailboxes {
			for i, name := range g.Mailboxes {
				e.Raw([]string{" (", " "}[min(i, 1)]).Mailbox(name)
			}
			e.Raw(")")
		}
		if len(g.Events) == 0 {
			e.Raw(" NONE)")
			continue
		}
		for i, event := range g.Events {
			e.Raw([]string{" (", " "}[min(i, 1)]).Raw(string(event))
			if event == EventMessageNew && len(g.Fetch) > 0 {
				for i, item := range g.Fetch {
					e.Raw([]string{" (", " "}[min(i, 1)]).Raw(item.String())
				}
				e.Raw(")")
			}
		}
		e.Raw("))")
	}
	return e
}
