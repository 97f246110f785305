package mail

import "context"

// QuotaAccount is an [Account] whose use of the store is limited and counted (RFC 9208). A mailbox belongs to any number of
// quota roots; what is stored in it counts against each. Commands that would go beyond fail with [ErrOverQuota].
type QuotaAccount interface {
	// QuotaRoots returns the roots of a mailbox, which need not exist yet: none where it is not limited.
	QuotaRoots(ctx context.Context, mailbox string) ([]string, error)
	// Quota returns a root's resources with what is used of them now: ErrNoQuotaRoot.
	Quota(ctx context.Context, root string) ([]QuotaResource, error)
}

// QuotaSetter is a [QuotaAccount] whose user may change the limits (RFC 9208 section 4.1.3).
type QuotaSetter interface {
	QuotaAccount
	// SetQuota sets the limits of a root; resources that limits doesn't name become unlimited. Usage is not looked at: a
	// limit may be below what is used. ErrNoQuotaRoot, ErrPermission, or ErrQuotaKind where a resource can't be limited.
	SetQuota(ctx context.Context, root string, limits []QuotaResource) error
}

// QuotaKind is a resource's name as IMAP writes it (RFC 9208 section 5).
type QuotaKind string

// The resources.
const (
	QuotaStorage   QuotaKind = "STORAGE"            // octets of all messages; on the wire in units of 1024
	QuotaMessages  QuotaKind = "MESSAGE"            // number of messages
	QuotaMailboxes QuotaKind = "MAILBOX"            // number of mailboxes
	QuotaMetadata  QuotaKind = "ANNOTATION-STORAGE" // octets of annotations
)

// QuotaResource is one limited resource.
type QuotaResource struct {
	Kind  QuotaKind
	Used  int64
	Limit int64 // nothing is limited to -1
}
