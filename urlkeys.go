package mail

import "context"

// URLKeyAccount is an [Account] that keeps a secret for each of its mailboxes, by which URLs into it are authorized: the
// mailbox access keys of RFC 4467 section 2.2.
type URLKeyAccount interface {
	// URLKey returns a mailbox's key: at least 16 octets that nobody can guess. When there is none, it is made if create
	// is true, and nil otherwise.
	URLKey(ctx context.Context, mailbox MailboxID, create bool) ([]byte, error)
	// ResetURLKey replaces a mailbox's key, so that every URL authorized by the old one is worthless; with "" it removes
	// the keys of all mailboxes.
	ResetURLKey(ctx context.Context, mailbox MailboxID) error
}
