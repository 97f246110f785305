package mail

import (
	"context"
	"strings"
)

// Rights is a set of access rights to a mailbox (RFC 4314 section 2.1).
type Rights uint16

// The rights, with IMAP's letters.
const (
	RightLookup     Rights = 1 << iota // l: see it in lists, subscribe
	RightRead                          // r: select, status, fetch, search, copy from
	RightSeen                          // s: keep \Seen across sessions
	RightWrite                         // w: flags other than \Seen and \Deleted
	RightInsert                        // i: append, copy into
	RightPost                          // p: deliver to it by address
	RightCreate                        // k: create below it, rename to below it
	RightDeleteBox                     // x: delete or rename it
	RightDeleteFlag                    // t: \Deleted
	RightExpunge                       // e: expunge
	RightAdmin                         // a: read and change who may do what

	AllRights = RightAdmin<<1 - 1 // what an owner has
)

const rightLetters = "lrswipkxtea"

// Has reports whether r has all rights of want.
func (r Rights) Has(want Rights) bool { return r&want == want }

// String writes the rights as IMAP does, in the order of the constants.
func (r Rights) String() string {
	b := make([]byte, 0, len(rightLetters))
	for i := range len(rightLetters) {
		if r&(1<<i) != 0 {
			b = append(b, rightLetters[i])
		}
	}
	return string(b)
}

// FlagRights returns the rights that changing the flags of f takes (RFC 4314 section 4).
func FlagRights(f Flags) Rights {
	var r Rights
	if f.System&Seen != 0 {
		r |= RightSeen
	}
	if f.System&Deleted != 0 {
		r |= RightDeleteFlag
	}
	if f.System&^(Seen|Deleted) != 0 || len(f.Keywords) > 0 {
		r |= RightWrite
	}
	return r
}

// MayChange reports whether r is enough for the change c: some flag of those it names, or no flag is named.
func (r Rights) MayChange(c FlagChange) bool {
	need := FlagRights(c.Flags)
	if c.Op == FlagsReplace {
		need = RightSeen | RightDeleteFlag | RightWrite
	}
	return need == 0 || r&need != 0
}

// Flags returns what a message's flags become when a user with these rights changes them from was to want: want where a
// right is there, was elsewhere.
func (r Rights) Flags(was, want Flags) Flags {
	keep := SystemFlags(0)
	if !r.Has(RightSeen) {
		keep |= Seen
	}
	if !r.Has(RightDeleteFlag) {
		keep |= Deleted
	}
	if !r.Has(RightWrite) {
		keep |= ^(Seen | Deleted)
		want.Keywords = was.Keywords
	}
	want.System = want.System&^keep | was.System&keep
	return want
}

// ParseRights reads rights as IMAP writes them, in any order. The letters c and d of RFC 2086 stand for k and x, and for t
// and e and x, as RFC 4314 section 2.1.1 has it. ok is false for a letter that is no right.
func ParseRights(s string) (r Rights, ok bool) {
	for i := range len(s) {
		switch s[i] {
		case 'c':
			r |= RightCreate
		case 'd':
			r |= RightDeleteFlag | RightExpunge | RightDeleteBox
		default:
			at := strings.IndexByte(rightLetters, s[i])
			if at < 0 {
				return 0, false
			}
			r |= 1 << at
		}
	}
	return r, true
}

// SharingAccount is an [Account] in which others' mailboxes can be seen, and whose own can be shared (RFC 4314). The store
// enforces the rights in every call, of mailboxes that are open already too: [ErrNoMailbox] where the user may not even know
// that the mailbox is there (no right to it at all), [ErrPermission] where a right lacks. \Seen is each user's own.
//
// What needs what: Mailboxes shows what has RightLookup; Open needs one of RightRead, RightInsert, RightPost, RightAdmin;
// Status, State, Messages, OpenBody, Changes and being the source of Copy RightRead; Append and being the target of Copy
// RightInsert, Append of what is delivered RightPost ([AppendOptions]); SetFlags RightRead and the right to one of the flags,
// of which it changes those that the user may ([Rights.Flags]), as Append and Copy do too; Expunge RightExpunge; Move
// RightRead, RightDeleteFlag and RightExpunge. Create needs RightCreate to the nearest parent there is, whose entries the new
// mailbox gets, Delete RightDeleteBox, Rename RightDeleteBox to the mailbox itself and RightCreate to the nearest parent of
// the new name. Annotations need RightLookup and one of RightRead, RightSeen, RightWrite, RightInsert, RightPost (RFC 5464
// section 3.3). Subscribe needs nothing and tells nothing. A mailbox stays in its tree: Rename to another user's is
// [ErrBadName].
type SharingAccount interface {
	// Rights returns what this account's user may do with a mailbox (MYRIGHTS): never nothing, for that is ErrNoMailbox. It
	// costs little.
	Rights(ctx context.Context, mailbox string) (Rights, error)
	// ACL returns a mailbox's entries in the store's order. It needs RightAdmin.
	ACL(ctx context.Context, mailbox string) ([]ACLEntry, error)
	// SetACL changes one identifier's entry; without rights left it is removed. It needs RightAdmin. ErrBadName for what
	// can't be an identifier, ErrLimit for too many entries.
	SetACL(ctx context.Context, mailbox, identifier string, op RightsOp, r Rights) error
	// Grantable returns which rights the identifier always has, and which can be given and taken one by one (LISTRIGHTS). It
	// needs RightAdmin.
	Grantable(ctx context.Context, mailbox, identifier string) (always, grantable Rights, err error)
}

// ACLEntry is one identifier's rights to a mailbox. The identifier is a user name, "anyone", "owner", or "$" and a group's
// name; with "-" before it the rights are taken from those that others entries give (RFC 4314 section 2).
type ACLEntry struct {
	Identifier string
	Rights     Rights
}

// RightsOp says what becomes of the rights that were there.
type RightsOp uint8

// The operations.
const (
	RightsReplace RightsOp = iota
	RightsAdd
	RightsRemove
)
