package mail

import (
	"context"
	"errors"
	"iter"
)

// Store keeps the mail of many accounts. It may be used by many goroutines at once, and may be one process of several
// on the same data.
type Store interface {
	// Account opens the named account. The error is ErrNoAccount when there is no such user; a store may instead make
	// accounts when they are first opened. Close the Account when done with it.
	Account(ctx context.Context, name string) (Account, error)
}

// Account is one user's tree of mailboxes. Names are UTF-8 in normalisation form C; "/" separates the levels;
// "INBOX" is always there and spelled so. It may be used by many goroutines at once.
type Account interface {
	// Mailboxes yields every mailbox, parents before children, INBOX first, then sorted by name. Names that are only
	// subscribed or only parents are yielded too, with NonExistent or NoSelect set.
	Mailboxes(ctx context.Context) iter.Seq2[MailboxInfo, error]

	// Open opens a mailbox. Close it when done.
	Open(ctx context.Context, name string) (Mailbox, error)

	// Status returns a mailbox's state without the cost of opening it.
	Status(ctx context.Context, name string) (State, error)

	// Create makes a mailbox and the parents it lacks: ErrExists, ErrBadName. opts may be nil.
	Create(ctx context.Context, name string, opts *CreateOptions) (MailboxInfo, error)

	// Delete removes a mailbox and its messages, not its children: ErrNoMailbox, ErrBadName for INBOX. Sessions
	// that have it open get ErrNoMailbox from then on.
	Delete(ctx context.Context, name string) error

	// Rename gives a mailbox and its children another name; ID, UIDVALIDITY and UIDs stay. Renaming INBOX moves its
	// messages to the new name and leaves INBOX empty (RFC 9051 section 6.3.6).
	Rename(ctx context.Context, from, to string) error

	// Subscribe adds name to, or takes it from, the subscriptions. The mailbox need not exist (RFC 9051 section 6.3.7).
	Subscribe(ctx context.Context, name string, on bool) error

	// Close gives back what the Account holds. Mailboxes opened from it stay usable.
	Close() error
}

// MailboxID names a mailbox for as long as it exists, whatever it is called: 1 to 255 characters as [GUID] has them
// (RFC 8474 section 5.1).
type MailboxID string

// SpecialUse is a mailbox's purpose as IMAP writes it (RFC 6154, RFC 8457).
type SpecialUse string

// The purposes.
const (
	UseAll       SpecialUse = `\All`
	UseArchive   SpecialUse = `\Archive`
	UseDrafts    SpecialUse = `\Drafts`
	UseFlagged   SpecialUse = `\Flagged`
	UseImportant SpecialUse = `\Important`
	UseJunk      SpecialUse = `\Junk`
	UseSent      SpecialUse = `\Sent`
	UseTrash     SpecialUse = `\Trash`
)

// MailboxInfo is what a list of mailboxes shows of each.
type MailboxInfo struct {
	ID          MailboxID
	Name        string
	Use         []SpecialUse
	Subscribed  bool
	NoSelect    bool // a level of hierarchy without messages
	NonExistent bool // subscribed but not there
	HasChildren bool
}

// CreateOptions say what a new mailbox shall be.
type CreateOptions struct {
	Use []SpecialUse // RFC 6154 section 3
}

// What can go wrong with a store. Test with errors.Is.
var (
	ErrNoAccount   = errors.New("no such account")
	ErrNoMailbox   = errors.New("no such mailbox")
	ErrExists      = errors.New("mailbox exists already")
	ErrBadName     = errors.New("mailbox name not allowed")
	ErrExpunged    = errors.New("message is gone")
	ErrTooOld      = errors.New("changes since then are no longer known") // resynchronise from Messages
	ErrOverQuota   = errors.New("over quota")
	ErrTooLarge    = errors.New("message too large")
	ErrReadOnly    = errors.New("mailbox is read-only")
	ErrPermission  = errors.New("permission denied") // a right lacks; see Rights
	ErrNoQuotaRoot = errors.New("no such quota root")
	ErrQuotaKind   = errors.New("resource can't be limited")
	ErrLimit       = errors.New("limit reached") // too many keywords, mailboxes, …
	ErrStoreInUse  = errors.New("in use by another process")
)
