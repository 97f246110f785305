package notify

import (
	"slices"
	"strings"

	"github.com/buuta/mail/imap"
)

// Events is a set of kinds of events.
type Events uint8

// The events (RFC 5465 section 5). AnnotationChange is not among them: no store here annotates messages.
const (
	New Events = 1 << iota
	Expunge
	Flags
	Name
	Subscription
	Metadata
	ServerMetadata

	Messages = New | Expunge | Flags
)

// eventOf returns the event with the given name, 0 if it is not known here.
func eventOf(e imap.NotifyEvent) Events {
	switch e {
	case imap.EventMessageNew:
		return New
	case imap.EventMessageExpunge:
		return Expunge
	case imap.EventFlagChange:
		return Flags
	case imap.EventMailboxName:
		return Name
	case imap.EventSubscriptionChange:
		return Subscription
	case imap.EventMailboxMetadataChange:
		return Metadata
	case imap.EventServerMetadataChange:
		return ServerMetadata
	}
	return 0
}

// Names writes events as BADEVENT lists them.
func (e Events) Names() string {
	var names []string
	for _, n := range [...]imap.NotifyEvent{imap.EventMessageNew, imap.EventMessageExpunge, imap.EventFlagChange, imap.EventMailboxName,
		imap.EventSubscriptionChange, imap.EventMailboxMetadataChange, imap.EventServerMetadataChange} {
		if e&eventOf(n) != 0 {
			names = append(names, string(n))
		}
	}
	return strings.Join(names, " ")
}

// Supported reports whether all events that a client asks for are among e.
func (e Events) Supported(n imap.Notify) bool {
	for _, g := range n.Groups {
		for _, name := range g.Events {
			if eventOf(name)&e == 0 {
				return false
			}
		}
	}
	return true
}

// Filter is what a client wants to be told. The zero value is NOTIFY NONE.
type Filter struct {
	Selected Events           // of the selected mailbox
	Delayed  bool             // SELECTED-DELAYED: expunges wait for a command that may tell of them
	Fetch    []imap.FetchItem // what is told of new messages in the selected mailbox
	Server   bool             // the server's annotations are watched

	groups  []group
	foreign []string
}

// group is what is wanted of some mailboxes.
type group struct {
	filter imap.NotifyFilter
	names  []string // sorted
	events Events   // 0: NONE
}

// Compile makes a Filter. foreign are the prefixes of the namespaces that are not personal.
func Compile(n imap.Notify, foreign []string) *Filter {
	f := &Filter{foreign: foreign}
	for _, g := range n.Groups {
		var events Events
		for _, e := range g.Events {
			events |= eventOf(e)
		}
		f.Server = f.Server || events&ServerMetadata != 0
		switch g.Filter {
		case imap.NotifySelected, imap.NotifySelectedDelayed:
			f.Selected, f.Fetch, f.Delayed = events, g.Fetch, g.Filter == imap.NotifySelectedDelayed
		default:
			names := slices.Clone(g.Mailboxes)
			slices.Sort(names)
			f.groups = append(f.groups, group{g.Filter, slices.Clip(slices.Compact(names)), events &^ ServerMetadata})
		}
	}
	return f
}

// WatchMetadata adds the annotations of every mailbox and of the server: ENABLE METADATA (RFC 5464 section 4.1).
func (f *Filter) WatchMetadata() {
	f.Server = true
	f.groups = append(f.groups, group{filter: everyMailbox, events: Metadata})
}

// everyMailbox is the filter of ENABLE METADATA.
const everyMailbox imap.NotifyFilter = "*"

// Idle reports whether nothing but the selected mailbox is watched.
func (f *Filter) Idle() bool {
	return !f.Server && !slices.ContainsFunc(f.groups, func(g group) bool { return g.events != 0 })
}

// Events returns what is wanted of a mailbox that is not the selected one. Several groups add up; one that says NONE has the
// last word on its mailboxes.
func (f *Filter) Events(name string, subscribed bool) (e Events) {
	for i := range f.groups {
		g := &f.groups[i]
		if !f.matches(g, name, subscribed) {
			continue
		}
		if g.events == 0 {
			return 0
		}
		e |= g.events
	}
	return e
}

func (f *Filter) matches(g *group, name string, subscribed bool) bool {
	switch g.filter {
	case imap.NotifyPersonal, imap.NotifyInboxes: // Sieve may file mail in any of them: "inboxes" is "personal" (RFC 5465 section 6.3)
		return !slices.ContainsFunc(f.foreign, func(p string) bool { return strings.HasPrefix(name+"/", p) })
	case imap.NotifySubscribed:
		return subscribed
	case imap.NotifyMailboxes:
		_, found := slices.BinarySearch(g.names, name)
		return found
	case imap.NotifySubtree:
		for {
			if _, found := slices.BinarySearch(g.names, name); found {
				return true
			}
			i := strings.LastIndexByte(name, '/')
			if i < 0 {
				return false
			}
			name = name[:i]
		}
	}
	return g.filter == everyMailbox
}
