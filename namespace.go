package mail

import "context"

// NamespaceAccount is an [Account] whose list has more than the user's own mailboxes (RFC 2342).
type NamespaceAccount interface {
	// Namespaces returns the namespaces, the personal one with prefix "" first. The separator is "/" everywhere.
	Namespaces(ctx context.Context) ([]Namespace, error)
}

// Namespace is a part of the tree of mailboxes.
type Namespace struct {
	Kind   NamespaceKind
	Prefix string // "" or a name that ends with "/"
}

// NamespaceKind says whose mailboxes a namespace has.
type NamespaceKind uint8

// The kinds.
const (
	PersonalNamespace   NamespaceKind = iota
	OtherUsersNamespace               // below the prefix: user names, and below those their mailboxes
	SharedNamespace                   // nobody's and everybody's
)

// AccountWatcher is an [Account] that tells when any of its mailboxes, or the list of them, may have changed. The wake-up is
// a hint with the rules of [Mailbox.Watch]; who gets it asks Status and Mailboxes.
type AccountWatcher interface {
	Watch(wake func()) (cancel func())
}
