package mirror

import (
	"context"
	"io"
	"time"

	"github.com/buuta/mail"
)

// Cache is where the copy of one mailbox is kept. One Sync uses it at a time; the program may change messages in it at any time, also
// during a Sync: nothing that Apply does to a message undoes what was changed here meanwhile.
type Cache interface {
	// State returns the State of the last Batch that had one, zero when there was none.
	State(ctx context.Context) (State, error)
	// UIDs returns the UIDs of all messages in the cache.
	UIDs(ctx context.Context) (mail.UIDSet, error)
	// Changed returns messages that are [Message.Changed], in the order of UIDs: those above after, at most max of them.
	Changed(ctx context.Context, after mail.UID, max int) ([]Message, error)
	// Apply changes the cache, all of it or nothing, and durably if the cache is durable. It says what it came to.
	Apply(ctx context.Context, b *Batch) (Applied, error)
}

// State is what is known of the server's mailbox.
type State struct {
	UIDValidity   uint32
	UIDNext       mail.UID    // messages below it have been seen, if they were there
	HighestModSeq mail.ModSeq // up to which changes have been seen; 0 where the mailbox has no mod-sequences
}

// Batch is a change of a cache, in this order. What it is done to is not there any more, or not yet, is no error.
type Batch struct {
	Reset  bool        // forget all messages: the server's mailbox is another one
	Remove mail.UIDSet // forget these messages; may name some that are not in the cache
	News   []News      // for each [Message.Learn], on a zero Message when there is none
	Stored []Stored    // for each of its messages that is there [Message.Took]
	State  *State      // nil: as it was
}

// Applied counts the messages that a Batch has changed.
type Applied struct{ Added, Updated, Removed int }

// Outbox is a [Cache] that holds messages which were made here and are to be added to the server's mailbox.
type Outbox interface {
	// Drafts returns them in the order in which they are to be added.
	Drafts(ctx context.Context) ([]Draft, error)
	// Open opens a draft's content.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
	// Attempt notes durably that the draft is about to be sent to a mailbox with this UIDVALIDITY, where it will have at least
	// this UID.
	Attempt(ctx context.Context, id string, validity uint32, next mail.UID) error
	// Sent says that the draft is in the server's mailbox, from where it comes back as a message: it can be forgotten. uid is 0 where
	// the server does not tell.
	Sent(ctx context.Context, id string, uid mail.UID) error
}

// Draft is a message on its way to the server.
type Draft struct {
	ID           string
	Flags        mail.Flags
	InternalDate time.Time // zero: the time of the upload
	Size         int64     // octets, with CRLF line ends

	// What Attempt has noted; 0: it has not been tried.
	UIDValidity uint32
	UIDNext     mail.UID
}
