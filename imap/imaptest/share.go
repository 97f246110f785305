package imaptest

import (
	"context"
	"fmt"
	"strings"

	"github.com/buuta/mail"
)

// Where the mailboxes of others are when [Store.Sharing] is on: "Users/binh/Projects", "Shared/News".
const (
	Others = "Users/"
	Public = "Shared/"
)

// Share lets somebody use a mailbox: identifier is a user, "anyone", or "$" and a group, rights are IMAP's letters. owner is
// whose mailbox it is, "" one that is everybody's; it is made if it is not there. Share returns the name that others know
// the mailbox by. It panics at letters that are no rights.
func (s *Store) Share(owner, mailbox, identifier, rights string) string {
	r, ok := mail.ParseRights(rights)
	if !ok {
		panic(fmt.Sprintf("imaptest: %q has a letter that is no right", rights))
	}
	s.mu.Lock()
	a := s.public
	if owner != "" {
		a = s.account(owner)
	}
	b := a.boxes[canonical(mailbox)]
	if b == nil {
		a.makeParents(mailbox)
		b = a.newBox(mailbox, nil)
		a.boxes[mailbox] = b
	}
	b.setACL(identifier, mail.RightsReplace, r)
	wake := s.wakers(nil)
	s.mu.Unlock()
	wake()
	if owner == "" {
		return Public + b.name
	}
	return Others + owner + "/" + b.name
}

// Namespaces implements [mail.NamespaceAccount].
func (a sharing) Namespaces(ctx context.Context) ([]mail.Namespace, error) {
	if err := a.store.enter(ctx, "Namespaces"); err != nil {
		return nil, err
	}
	return []mail.Namespace{
		{Kind: mail.PersonalNamespace},
		{Kind: mail.OtherUsersNamespace, Prefix: Others},
		{Kind: mail.SharedNamespace, Prefix: Public},
	}, nil
}

// tree returns whose tree a name is in, nil where there can be none, and the name within it.
func (a *account) tree(name string) (*account, string) {
	name = canonical(name)
	if !a.store.Sharing {
		return a, name
	}
	if local, ok := strings.CutPrefix(name, Public); ok {
		return a.store.public, local
	}
	if rest, ok := strings.CutPrefix(name, Others); ok {
		user, local, _ := strings.Cut(rest, "/")
		other := a.store.accounts[user]
		if other == a || local == "" {
			return nil, ""
		}
		return other, canonical(local)
	}
	if name+"/" == Others || name+"/" == Public {
		return nil, ""
	}
	return a, name
}

// find returns a mailbox and what the user may do with it: ErrNoMailbox when that is nothing.
func (a *account) find(name string) (*box, mail.Rights, error) {
	if t, local := a.tree(name); t != nil && t.boxes[local] != nil {
		if r := a.rights(t.boxes[local]); r != 0 {
			return t.boxes[local], r, nil
		}
	}
	return nil, 0, mail.ErrNoMailbox
}

// place returns where a new mailbox goes if the user may make it there. Others' trees refuse in the same way whether or not
// they exist.
func (a *account) place(name string) (*account, string, error) {
	t, local := a.tree(name)
	if t == nil {
		if name+"/" == Others || name+"/" == Public {
			return nil, "", mail.ErrBadName
		}
		return nil, "", mail.ErrPermission
	}
	if up := t.above(local); up != nil && !a.rights(up).Has(mail.RightCreate) || up == nil && t != a {
		return nil, "", mail.ErrPermission
	}
	return t, local, nil
}

// above returns the nearest mailbox above a name.
func (a *account) above(name string) *box {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if b := a.boxes[name[:i]]; b != nil {
			return b
		}
	}
	return nil
}

// title is how the user knows a mailbox.
func (a *account) title(b *box) string {
	switch b.account {
	case a:
		return b.name
	case a.store.public:
		return Public + b.name
	}
	return Others + b.account.name + "/" + b.name
}

// visible returns the mailboxes that the user may see in lists.
func (a *account) visible() map[string]*box {
	out := map[string]*box{}
	add := func(t *account) {
		for _, b := range t.boxes {
			if a.rights(b).Has(mail.RightLookup) {
				out[a.title(b)] = b
			}
		}
	}
	add(a)
	if a.store.Sharing {
		add(a.store.public)
		for _, other := range a.store.accounts {
			if other != a {
				add(other)
			}
		}
	}
	return out
}
