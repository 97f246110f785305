package mime

import "iter"

// Address is one entry of an address list: a mailbox, or one of the two marks around a group (RFC 5322 section 3.4).
// Its parts are those of IMAP's address structure.
type Address struct {
	Kind    AddressKind
	Name    string // display name, or the group's name; "" when there is none
	Route   string // obsolete source route "@a,@b", without the colon
	Mailbox string // local-part without quotes
	Host    string // domain, or a literal in brackets; "" when the address has none
}

// AddressKind tells mailboxes from group marks.
type AddressKind uint8

// The kinds. Between GroupStart and GroupEnd stand the group's members.
const (
	AddressMailbox AddressKind = iota
	GroupStart                 // Name is the group's name; the other fields are empty
	GroupEnd                   // all fields are empty
)

// Mailboxes yields the mailboxes of a list and leaves the group marks out.
func Mailboxes(list []Address) iter.Seq[Address] {
	return func(yield func(Address) bool) {
		for _, a := range list {
			if a.Kind == AddressMailbox && !yield(a) {
				return
			}
		}
	}
}
