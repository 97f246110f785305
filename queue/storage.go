package queue

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Storage keeps messages for one Queue or, if it is shared, for several on different machines. It may be used by many
// goroutines at once. A nil error from a call that changes something means that the change is durable, except for
// Claim and for the time of a retry, whose loss costs no more than an early attempt. Package queuetest tests these rules.
type Storage interface {
	// Create begins a message. Its ID is settled at once.
	Create(ctx context.Context) (Draft, error)

	// Claim leases messages that are due, those that are due longest first. next is when the caller should ask again at
	// the latest, zero for no idea; a message that is committed here in the meantime is due by itself. Damaged messages
	// are set aside, never returned. With an error there may be leases as well: of messages that it isn't about. A lease lasts for q.Duration or until the Storage is closed; when it is over, the
	// message is due again.
	Claim(ctx context.Context, q ClaimQuery) (leases []*Lease, next time.Time, err error)

	// Refill reads on in a leased message's list of recipients: the next part that has recipients to try or to tell of, at
	// most n of them, nil at the end. Lease.Rest says then how many are left. For one goroutine at a time.
	Refill(ctx context.Context, l *Lease, n int) (*Message, error)

	// Extend makes a lease last for d from now: ErrFenced when it is lost.
	Extend(ctx context.Context, l *Lease, d time.Duration) error

	// Record marks outcomes durably; the lease goes on. ErrFenced when the lease is lost: then nothing is marked.
	Record(ctx context.Context, l *Lease, out []Outcome) error

	// Finish marks outcomes like Record and ends the lease: the message is removed or due again at f.Retry. An Edit that
	// has happened meanwhile takes effect now and goes before f.Retry. Marks of recipients that stay Pending may be lost
	// in a crash. When Finish failed for another reason than ErrFenced, it may be called again.
	Finish(ctx context.Context, l *Lease, f Finish) error

	// Content opens the content of a leased message. Reading to the end proves it whole: a damaged one gives ErrCorrupt
	// instead of io.EOF.
	Content(ctx context.Context, l *Lease) (Content, error)

	// Open opens a message in any state but Corrupt: ErrNotFound. The Message is as it is on disk, with all recipients.
	Open(ctx context.Context, id string) (*Message, Content, error)

	// Edit applies op to the messages that f names and returns to how many. A leased message is edited when its lease
	// ends.
	Edit(ctx context.Context, f Filter, op Op) (n int, err error)

	// Order marks the messages that f names with what is set in o, durably, and makes them due, except for those that
	// are held; o.Fail releases these as well. A leased message has its order when it is leased the next time, at once.
	Order(ctx context.Context, f Filter, o Order) (n int, err error)

	// History yields the outcomes of a message that are recorded, the oldest first: ErrNotFound.
	History(ctx context.Context, id string) iter.Seq2[Outcome, error]

	// List yields the messages that f names, in no particular order. One that changes meanwhile may be yielded in its
	// old or its new state or not at all.
	List(ctx context.Context, f Filter) iter.Seq2[Entry, error]

	// SetCorrupt puts a message aside whose content turned out to be damaged, ending the lease.
	SetCorrupt(ctx context.Context, l *Lease, why error) error

	// Close ends all leases and gives back what the Storage holds.
	Close() error
}

// Draft is a message on its way into a Storage, for one goroutine.
type Draft interface {
	ID() string

	// Write takes the envelope, whose ID and Size the Storage sets, and reads the content from r to its end. Arrived is now, unless it is set: a
	// message from another queue keeps its age. The error is r's own, as it is, or the Storage's.
	Write(ctx context.Context, m *Message, r io.Reader) error

	// Commit makes the message durable where at says, in one step: after a crash it is there or nowhere. When it failed it may be
	// called again: the ID is the token that keeps the message from being stored twice.
	Commit(ctx context.Context, at Placement) error

	// Abort removes everything. After a Commit that succeeded it does nothing.
	Abort() error
}

// Placement is how a message begins its time in a Storage. The zero value: it is due at once.
type Placement struct {
	NotBefore time.Time // it isn't due before
	Held      bool      // it is on hold until it is released, which makes it due, whatever NotBefore says
}

// Content is a message's content, with CRLF line ends. If it is an io.Seeker as well, deliverers can begin again, at
// another host, from its beginning.
type Content interface {
	io.Reader
	io.WriterTo
	io.Closer
	Size() int64
}

// ClaimQuery says what to lease.
type ClaimQuery struct {
	Messages   int           // at most so many
	Recipients int           // stop when the leased messages have so many pending recipients; 0: no limit
	Refill     int           // at most so many recipients of one message to begin with, the others by Refill; 0: all
	Duration   time.Duration // of the leases; 0: the Storage's choice
}

// Lease is the right to deliver a message. The Message is the caller's: the Storage doesn't look at it any more.
type Lease struct {
	ID      string
	Fence   uint64 // which lease of the message this is; higher than all before it
	Message *Message
	Rest    int       // recipients that are not in Message: Refill reads them
	Due     time.Time // since when it was due
}

// Finish says how a lease ends.
type Finish struct {
	Outcomes []Outcome
	Notified []int     // recipients for whom the notification that was owed has been made
	Done     bool      // no recipient is pending and no notification owed: remove the message
	Retry    time.Time // if not Done: when it is due again
	Warned   bool      // the sender has been told of the delay

	order *Order
}

// Op is what an operator does to messages.
type Op byte

// The operations.
const (
	OpHold    Op = 'h' // no attempts until released
	OpRelease Op = 'H' // take from hold: due now
	OpFlush   Op = 'i' // due now, if waiting
	OpRequeue Op = 'r' // due now, even from hold
	OpDelete  Op = 'd' // remove without a notification
)

// Filter names messages. A message must pass every field that is set; the zero Filter names all.
type Filter struct {
	IDs         []string
	States      []State
	Sender      *string             // reverse-path, compared without regard to case
	Recipient   string              // a pending recipient, compared without regard to case
	Destination string              // the domain of a pending recipient; a leading "." also takes what is below it
	Match       func(*Message) bool // last, anything else
}

// Entry is a message in a list.
type Entry struct {
	*Message // nil when State is Corrupt
	ID       string
	State    State
	Due      time.Time // next attempt
}

// Errors of a Storage. Test with errors.Is.
var (
	ErrNotFound = errors.New("queue: no such message")
	ErrFenced   = errors.New("queue: lease is lost")
	ErrCorrupt  = errors.New("queue: damaged queue file")
	ErrTooLarge = errors.New("queue: message is too large")
	ErrNoSpace  = errors.New("queue: not enough free space")
)
