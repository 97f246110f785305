package imapclient

import (
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
)

// Event is something that a server tells without being asked: one of the types below.
type Event interface{ event() }

type (
	// ExistsEvent is the number of messages in the selected mailbox, after new ones have come.
	ExistsEvent struct{ Messages uint32 }
	// RecentEvent is IMAP4rev1's count of recent messages.
	RecentEvent struct{ Messages uint32 }
	// ExpungeEvent says that a message is gone; those behind it have moved up.
	ExpungeEvent struct{ Seq uint32 }
	// VanishedEvent says that messages are gone (RFC 7162 section 3.2.10). It may name UIDs that no message had.
	VanishedEvent struct{ UIDs mail.UIDSet }
	// MessageEvent is news of a message: flags that another session has set, or that this one has.
	MessageEvent struct{ Message *Message }
	// FlagsEvent says which flags the selected mailbox has.
	FlagsEvent struct{ Flags mail.Flags }
	// MailboxEvent is news of the list of mailboxes.
	MailboxEvent struct{ Mailbox *imap.ListData }
	// StatusEvent is news of a mailbox's counters.
	StatusEvent struct{ Status *imap.StatusData }
	// MetadataEvent says that annotations of a mailbox, or of the server where Mailbox is "", have changed.
	MetadataEvent struct {
		Mailbox string
		Entries []string
	}
	// SearchEvent is a change of a search's result (RFC 5267 section 4.3).
	SearchEvent struct{ Search imap.ESearch }
	// CapabilityEvent is what the server offers now.
	CapabilityEvent struct{ Capabilities Capabilities }
	// NoticeEvent is a status response that belongs to no command: an ALERT, which must be shown to the user
	// (RFC 9051 section 7.1), progress, a warning.
	NoticeEvent struct{ Status *imap.Status }
	// ByeEvent says that the server is going to close the connection.
	ByeEvent struct{ Status *imap.Status }
	// UnknownEvent is a response that isn't known here, up to its first literal.
	UnknownEvent struct{ Line string }
	// MalformedEvent is a response that could not be read and was passed over.
	MalformedEvent struct{ Err error }
)

func (ExistsEvent) event()     {}
func (RecentEvent) event()     {}
func (ExpungeEvent) event()    {}
func (VanishedEvent) event()   {}
func (MessageEvent) event()    {}
func (FlagsEvent) event()      {}
func (MailboxEvent) event()    {}
func (StatusEvent) event()     {}
func (MetadataEvent) event()   {}
func (SearchEvent) event()     {}
func (CapabilityEvent) event() {}
func (NoticeEvent) event()     {}
func (ByeEvent) event()        {}
func (UnknownEvent) event()    {}
func (MalformedEvent) event()  {}

// Listen calls f with everything that Options.Events is called with, in the same way, until the returned function is called. It may be called
// once more then.
func (c *Client) Listen(f func(Event)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := &f
	c.listeners = append(c.listeners, l)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		// A new list: the reading goroutine may be at the old one.
		c.listeners = slices.DeleteFunc(slices.Clone(c.listeners), func(o *func(Event)) bool { return o == l })
	}
}

// tell hands an event to whoever listens. It is called by the reading goroutine without locks.
func (c *Client) tell(e Event) {
	c.mu.Lock()
	idle, listeners := c.idle, c.listeners
	c.mu.Unlock()
	if idle != nil {
		idle.add(e)
	}
	if c.opts.Events != nil {
		c.opts.Events(e)
	}
	for _, f := range listeners {
		(*f)(e)
	}
}
