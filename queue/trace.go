package queue

import (
	"time"

	"github.com/buuta/mail"
)

// EventKind says what happened.
type EventKind string

// What can happen to a message. The comments show what [Event.Line] writes.
const (
	EventQueued   EventKind = "queued"   // accepted and durable
	EventActive   EventKind = "active"   // QID: from=<…>, size=…, nrcpt=N (queue active)
	EventAttempt  EventKind = "attempt"  // QID: to=<…>, relay=…, delay=…, delays=a/b/c/d, dsn=…, status=sent|deferred|bounced|SOFTBOUNCE (text)
	EventExpired  EventKind = "expired"  // QID: from=<…>, status=expired, returned to sender
	EventNotified EventKind = "notified" // QID: sender non-delivery notification: NEWID; "postmaster" for a double bounce
	EventRemoved  EventKind = "removed"  // QID: removed
	EventCorrupt  EventKind = "corrupt"  // QID: damaged, set aside
)

// Event is one thing that happened to a message. Fields that a kind has no use for are zero.
type Event struct {
	Kind       EventKind
	Time       time.Time
	ID         string
	From       string
	Size       int64
	Recipients int // pending ones

	// Of an attempt.
	Recipient         string
	OriginalRecipient string // ORCPT without its type, when it differs from Recipient
	Transport         string // its Name
	Relay             string // "none" when nobody was reached
	Reply             *mail.Reply
	Detail            string // what stands in parentheses; "" means Reply
	Status            Status
	Delays            Delays

	// Of a notification.
	Notification mail.Notify // NotifyFailure, NotifyDelay or NotifySuccess
	NewID        string      // under which the notification itself is queued

	Err error
}

// Status is how an attempt ended, as logs say it.
type Status string

// The statuses.
const (
	StatusSent     Status = "sent"
	StatusDeferred Status = "deferred"
	StatusBounced  Status = "bounced"

	StatusSoftBounce Status = "SOFTBOUNCE" // a permanent failure that counts as a temporary one
)

// Delays say where the time went: from arrival until the message came active, in the active queue, connecting (with
// DNS and TLS), and sending.
type Delays struct {
	Before, Active, Connect, Transmit time.Duration
}

// Total is the time from arrival to the end of the attempt.
func (d Delays) Total() time.Duration { return d.Before + d.Active + d.Connect + d.Transmit }

// Line writes the event as Postfix's log does, from the queue id on, or "" for a kind that has no line there.
func (e *Event) Line() string { return eventLine(e) }
