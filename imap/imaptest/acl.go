package imaptest

import (
	"context"
	"slices"
	"strings"

	"github.com/buuta/mail"
)

// sharing is an account of a store that shares.
type sharing struct{ *account }

var (
	_ mail.SharingAccount   = sharing{}
	_ mail.NamespaceAccount = sharing{}
	_ mail.AccountWatcher   = sharing{}
)

const (
	ownerID     = "owner"
	ownersOwn   = mail.RightLookup | mail.RightAdmin // the owner can't lose these
	maxEntries  = 1000
	maxIdentity = 255
)

// inherited is the access list of a new mailbox: that of the nearest one above, else everything for the owner.
func (a *account) inherited(name string) []mail.ACLEntry {
	switch up := a.above(name); {
	case up != nil:
		return slices.Clone(up.acl)
	case a == a.store.public:
		return nil
	}
	return []mail.ACLEntry{{Identifier: ownerID, Rights: mail.AllRights}}
}

// rights are what the user may do with a mailbox: what the entries that name the user give together, but for what entries
// with "-" take.
func (a *account) rights(b *box) mail.Rights {
	if a == b.account && len(b.acl) == 1 && b.acl[0].Identifier == ownerID {
		return b.acl[0].Rights | ownersOwn
	}
	var give, take mail.Rights
	for _, e := range b.acl {
		if id, negative := strings.CutPrefix(e.Identifier, "-"); !a.is(id, b) {
			continue
		} else if negative {
			take |= e.Rights
		} else {
			give |= e.Rights
		}
	}
	give &^= take
	if a == b.account {
		give |= ownersOwn
	}
	return give
}

// is reports whether the user is meant by an identifier.
func (a *account) is(identifier string, b *box) bool {
	switch {
	case identifier == "anyone":
		return true
	case identifier == ownerID:
		return a == b.account
	case strings.HasPrefix(identifier, "$"):
		return a.store.Groups != nil && slices.Contains(a.store.Groups(a.name), identifier[1:])
	}
	return identifier == a.name
}

func (b *box) setACL(identifier string, op mail.RightsOp, r mail.Rights) error {
	switch name := b.account.name; {
	case name != "" && identifier == name:
		identifier = ownerID
	case name != "" && identifier == "-"+name:
		identifier = "-" + ownerID
	}
	plain := strings.TrimPrefix(identifier, "-")
	if plain == "" || plain == "$" || len(plain) > maxIdentity || !validName(strings.ReplaceAll(plain, "/", "")) {
		return mail.ErrBadName
	}
	i := slices.IndexFunc(b.acl, func(e mail.ACLEntry) bool { return e.Identifier == identifier })
	var was mail.Rights
	if i >= 0 {
		was = b.acl[i].Rights
	}
	switch op {
	case mail.RightsAdd:
		r |= was
	case mail.RightsRemove:
		r = was &^ r
	}
	switch {
	case i < 0 && r == 0:
	case i < 0 && len(b.acl) >= maxEntries:
		return mail.ErrLimit
	case i < 0:
		b.acl = append(b.acl, mail.ACLEntry{Identifier: identifier, Rights: r})
	case r == 0:
		b.acl = slices.Delete(b.acl, i, i+1)
	default:
		b.acl[i].Rights = r
	}
	return nil
}

// administered returns a mailbox whose access list the user may see and change. The store is locked.
func (a *account) administered(name string) (*box, error) {
	b, r, err := a.find(name)
	if err == nil && !r.Has(mail.RightAdmin) {
		err = mail.ErrPermission
	}
	return b, err
}

// Rights implements [mail.SharingAccount].
func (a sharing) Rights(ctx context.Context, mailbox string) (mail.Rights, error) {
	if err := a.store.enter(ctx, "Rights"); err != nil {
		return 0, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	_, r, err := a.find(mailbox)
	return r, err
}

// ACL implements [mail.SharingAccount].
func (a sharing) ACL(ctx context.Context, mailbox string) ([]mail.ACLEntry, error) {
	if err := a.store.enter(ctx, "ACL"); err != nil {
		return nil, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	b, err := a.administered(mailbox)
	if err != nil {
		return nil, err
	}
	return slices.Clone(b.acl), nil
}

// SetACL implements [mail.SharingAccount].
func (a sharing) SetACL(ctx context.Context, mailbox, identifier string, op mail.RightsOp, r mail.Rights) error {
	if err := a.store.enter(ctx, "SetACL"); err != nil {
		return err
	}
	a.store.mu.Lock()
	b, err := a.administered(mailbox)
	if err == nil {
		err = b.setACL(identifier, op, r)
	}
	wake := a.store.wakers(nil)
	a.store.mu.Unlock()
	if err == nil {
		wake()
	}
	return err
}

// Grantable implements [mail.SharingAccount].
func (a sharing) Grantable(ctx context.Context, mailbox, identifier string) (always, grantable mail.Rights, err error) {
	if err := a.store.enter(ctx, "Grantable"); err != nil {
		return 0, 0, err
	}
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	b, err := a.administered(mailbox)
	if err != nil {
		return 0, 0, err
	}
	plain, negative := strings.CutPrefix(identifier, "-")
	if owner := b.account.name; owner != "" && (plain == owner || plain == ownerID) {
		if negative {
			return 0, mail.AllRights &^ ownersOwn, nil
		}
		return ownersOwn, mail.AllRights &^ ownersOwn, nil
	}
	return 0, mail.AllRights, nil
}
