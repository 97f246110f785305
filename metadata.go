package mail

import "context"

// MetadataAccount is an [Account] that keeps annotations on mailboxes and on itself (RFC 5464). An entry's name begins with
// "/private/" or "/shared/", is in lower case and ASCII, and has at least two levels. Private entries belong to the user who
// asks, shared ones to everybody who can read the mailbox.
type MetadataAccount interface {
	// Metadata returns the annotations of a mailbox, or of the account where mailbox is "", sorted by name. Only entries
	// in the subtrees named by below are returned, all if below is nil.
	Metadata(ctx context.Context, mailbox string, below []string) ([]Annotation, error)
	// SetMetadata sets annotations, all or none; a nil Value removes one. ErrNoMailbox, ErrPermission, ErrBadName for a
	// name that can't be kept, ErrTooLarge for a value, ErrLimit for too many entries.
	SetMetadata(ctx context.Context, mailbox string, set []Annotation) error
}

// Annotation is a named value of any octets.
type Annotation struct {
	Name  string // "/private/comment"
	Value []byte // nil: none. An empty value is one
}
