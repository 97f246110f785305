package mail

import (
	"context"
	"io"
	"iter"
	"time"
)

// Mailbox is an open mailbox: messages in the order of their UIDs, and the log of what happened to them. It may be
// used by many goroutines at once; every session may open its own. Changes made through one are seen by all.
type Mailbox interface {
	// Info returns the mailbox's place in the account.
	Info() MailboxInfo

	// State returns the counters as of now.
	State(ctx context.Context) (State, error)

	// Messages yields the messages of set that exist, in ascending order, with the fields asked for. It shows the
	// mailbox as of one moment. The loop may be left at any time.
	Messages(ctx context.Context, set UIDSet, f Fields) iter.Seq2[Message, error]

	// OpenBody opens a message's content: ErrExpunged when it is gone. Close it when done.
	OpenBody(ctx context.Context, uid UID) (Body, error)

	// Append begins adding messages; nothing is seen before its Commit.
	Append(ctx context.Context) (Append, error)

	// Copy copies the messages of set that exist to another mailbox of the account, all or none, with flags,
	// internal date and GUID. With opts.Move they leave this one in the same step (RFC 6851). opts may be nil.
	Copy(ctx context.Context, set UIDSet, to MailboxID, opts *CopyOptions) (UIDMap, error)

	// SetFlags changes the flags of the messages of set that exist.
	SetFlags(ctx context.Context, set UIDSet, c FlagChange) (FlagResult, error)

	// Expunge removes the messages of set for good. opts may be nil.
	Expunge(ctx context.Context, set UIDSet, opts *ExpungeOptions) (ExpungeResult, error)

	// Changes returns what happened after since, gap-free and in the order of commits: asked again with the
	// HighestModSeq of its State, it continues where it ended. ErrTooOld when the log doesn't reach back so far.
	Changes(ctx context.Context, since ModSeq) (Changes, error)

	// Watch asks for wake to be called when something may have changed, until cancel is called. A wake-up is a hint:
	// it may be lost, doubled or late, tells nothing, and comes from a foreign goroutine, so wake must not block.
	Watch(wake func()) (cancel func())

	// Close gives back what the Mailbox holds.
	Close() error
}

// State is a mailbox's counters as of one moment.
type State struct {
	UIDValidity   uint32 // never 0. Should another program change it, a Mailbox that was opened before answers ErrNoMailbox
	UIDNext       UID    // every later message's UID is at least this
	HighestModSeq ModSeq
	Messages      uint32
	Unseen        uint32 // without \Seen
	Recent        uint32 // see RecentTaker; 0 where the store doesn't count it
	Deleted       uint32 // with \Deleted
	Size          int64  // octets of all messages together
}

// Fields chooses what [Mailbox.Messages] fills in. UID is always there. Asking for less costs less.
type Fields uint

// The fields. FieldIndex may have to read the message when the store has lost or never had its index.
const (
	FieldFlags Fields = 1 << iota // Flags and ModSeq
	FieldDate                     // InternalDate and SaveDate
	FieldSize                     // Size
	FieldGUID                     // GUID
	FieldIndex                    // Index
)

// Message is what a mailbox knows of a message besides its content.
type Message struct {
	UID          UID
	ModSeq       ModSeq
	Flags        Flags
	InternalDate time.Time // when it arrived; APPEND may say
	SaveDate     time.Time // when it came into this mailbox (RFC 8514)
	Size         int64     // octets with CRLF line ends: RFC822.SIZE
	GUID         GUID
	Index        []byte // package mime's serialised index of the structure; nil when the store keeps none. Read-only.
}

// Body is a message's content, immutable, with CRLF line ends whatever the store keeps. It may also implement
// io.WriterTo, which then is the fastest way out. ReadAt may be called by many goroutines at once.
type Body interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// BodyReader is a mailbox that opens many messages, one after the other, faster than by OpenBody, because it reads them ahead.
type BodyReader interface {
	// ReadBodies prepares to open messages of set.
	ReadBodies(ctx context.Context, set UIDSet) Bodies
}

// Bodies opens messages in ascending order of their UIDs, not necessarily all. It is for one goroutine.
type Bodies interface {
	// Open opens a message's content as [Mailbox.OpenBody] does. A message that went after ReadBodies may still be opened, and
	// rights that were taken away since may be found out some messages later.
	Open(ctx context.Context, uid UID) (Body, error)

	// Close gives back what was read ahead. Content that has been opened stays open.
	Close() error
}

// Append is messages on their way into a mailbox, for one goroutine. Whoever began it ends it by Commit or Abort;
// Abort after the end does nothing, so it can be deferred.
type Append interface {
	// Add takes a message: CRLF line ends, read to the end of r. An error takes nothing of this message and leaves
	// those before it. opts may be nil. The stream's own error is returned as it is.
	Add(ctx context.Context, r io.Reader, opts *AppendOptions) error

	// Commit makes all that was added durable and visible, all or none, in the order of the calls (RFC 3502).
	Commit(ctx context.Context) (Appended, error)

	// Abort forgets everything.
	Abort() error
}

// AppendOptions say how a message comes in. The zero value is an unseen message that arrives now.
type AppendOptions struct {
	Flags        Flags
	InternalDate time.Time // zero: now
	Token        string    // if not "", a second Commit with the same token within a day adds nothing and returns the first's UIDs
	GUID         GUID      // "": a new one. Set when a copy of known content comes from elsewhere
	Post         bool      // it is delivered, not put there by the user: takes RightPost instead of RightInsert
}

// Appended says where messages went.
type Appended struct {
	UIDValidity uint32
	UIDs        []UID
	ModSeq      ModSeq
}

// CopyOptions say how messages are copied.
type CopyOptions struct {
	Move bool
}

// UIDMap pairs the UIDs of copied messages: From[i] became To[i] (RFC 4315 section 3, COPYUID).
type UIDMap struct {
	UIDValidity uint32 // of the target
	From, To    []UID  // From ascending
}

// FlagChange is a change of flags. With UnchangedSince set, messages changed after it are left alone (RFC 7162
// section 3.1.3); UnchangedSinceZero is how a literal 0 is asked for, which no message that has a ModSeq passes.
type FlagChange struct {
	Op                 FlagOp
	Flags              Flags
	UnchangedSince     ModSeq
	UnchangedSinceZero bool
}

// FlagResult says what a flag change did. Messages that had the flags already are not changed and keep their ModSeq.
type FlagResult struct {
	ModSeq   ModSeq // of the change; the mailbox's highest when nothing changed
	Changed  UIDSet // whose flags are others now
	Modified UIDSet // left alone because of UnchangedSince
}

// ExpungeOptions narrow an expunge.
type ExpungeOptions struct {
	OnlyDeleted bool // only messages that have \Deleted at that moment, as IMAP's EXPUNGE wants
}

// ExpungeResult says what an expunge removed.
type ExpungeResult struct {
	ModSeq  ModSeq
	Removed UIDSet
}

// Changes is what happened to a mailbox since some ModSeq.
type Changes struct {
	State    State     // at the end of these changes
	Changed  []Message // new messages and those whose flags changed, ascending, with FieldFlags; each once, as it is now
	Vanished UIDSet    // removed; may name UIDs that the asker never saw
}

// RecentTaker is a mailbox that knows IMAP4rev1's \Recent: TakeRecent returns the messages that no session has been
// told of as recent, and from then on they are not (RFC 3501 section 2.3.2).
type RecentTaker interface {
	TakeRecent(ctx context.Context) (UIDSet, error)
}

// UniqueIDKeeper is a mailbox that knows which POP3 unique-ids (RFC 1939 section 7) messages have had on another server before: clients
// fetch nothing again as long as they are shown the same. UniqueIDs returns those, of the messages that have one.
type UniqueIDKeeper interface {
	UniqueIDs(ctx context.Context) (map[UID]string, error)
}

// FileNamer is a mailbox whose messages lie in files, as those of a Maildir do. FileNames returns the names of all.
type FileNamer interface {
	FileNames(ctx context.Context) (map[UID]FileName, error)
}

// FileName is how other programs that use the same files know a message.
type FileName struct {
	Base string // the file's name, without the part that tells the flags
	GUID string // as the other programs have it; it may hold characters that a [GUID] can't
}

// Replacer is an Append that can take the place of a message (RFC 8508). Replace, before Commit, makes that Commit also remove
// the message from the mailbox that is appended to, in the same step: ErrExpunged when it is gone by then. A quota counts
// the difference only.
type Replacer interface {
	Append
	Replace(ctx context.Context, uid UID) error
}
