package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/acl"
)

// Sharing lets the users of a Store see what others share with them (RFC 4314), by the files that Dovecot's acl plugin
// keeps: "dovecot-acl" in a mailbox's folder says who may do what. Accounts then are a mail.SharingAccount and a
// mail.NamespaceAccount. The zero value of each field works.
type Sharing struct {
	// Others is what the names of other users' mailboxes begin with: "Users/" when it is "". Behind it stand the account's
	// name and the mailbox: "Users/binh@example.org/Projects".
	Others string

	// PublicPath is the folder of a Maildir++ tree whose mailboxes belong to nobody, and Public what their names begin with:
	// "Shared/" when it is "". What is in it and who may use it is set up with Store.Public. There is none when PublicPath is "".
	PublicPath, Public string

	// Groups, when set, returns the groups of a user, for entries "$name". It is asked when an account is opened.
	Groups func(ctx context.Context, account string) ([]string, error)

	// GlobalACL is a file of entries that go before those of the mailboxes, of their owners too: lines of a pattern of
	// mailbox names, an identifier and rights, "Trash owner lrwstek". Or a folder with a file for each mailbox. Names are
	// those by which the user who asks knows the mailbox. It is Dovecot's "acl = vfile:" setting.
	GlobalACL string

	// Dict is the file that tells who shares something with whom, as Dovecot's acl_shared_dict = file: does; both may use the
	// same. Who may do what is decided by the mailboxes' files alone, but whose mailboxes are looked at for a list is read
	// here. It is kept right by what is done through a Store, and looked after when an owner's account is opened or
	// listed. When it is "", what has been shared is known until the program ends.
	Dict string
}

const aclName = "dovecot-acl"

// maxACL is how many entries a mailbox can have.
const maxACL = 1000

func (c *Sharing) others() string { return orDefault(c.Others, "Users/") }
func (c *Sharing) public() string { return orDefault(c.Public, "Shared/") }

func orDefault(s, def string) string {
	if s == "" {
		s = def
	}
	return strings.TrimSuffix(s, "/") + "/"
}

// sharer is an account of a store that shares.
type sharer struct {
	own    *account
	s      *Store
	c      *Sharing
	groups []string
	opened *opened
}

// opened is by which names mailboxes were opened, for those that are copied to. All holds on one account share it.
type opened struct {
	mu    sync.Mutex
	names map[mail.MailboxID]string
}

func (o *opened) put(id mail.MailboxID, name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names[id] = name
}

func (o *opened) name(id mail.MailboxID) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.names[id]
}

var (
	_ mail.SharingAccount   = (*sharer)(nil)
	_ mail.NamespaceAccount = (*sharer)(nil)
	_ mail.AccountWatcher   = (*sharer)(nil)
	_ mail.QuotaSetter      = (*sharer)(nil)
)

func (s *Store) share(ctx context.Context, own *account) (*sharer, error) {
	u := &sharer{own: own, s: s, c: s.Sharing, opened: &opened{names: map[mail.MailboxID]string{}}}
	if s.Sharing.Groups != nil {
		var err error
		if u.groups, err = s.Sharing.Groups(ctx, own.name); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// Public opens the tree of Sharing.PublicPath without any rights being asked for, to set it up.
func (s *Store) Public(ctx context.Context) (mail.Account, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.Sharing == nil || s.Sharing.PublicPath == "" {
		return nil, fmt.Errorf("%w: the store has nothing public", mail.ErrNoAccount)
	}
	a, err := s.openAccount("", s.Sharing.PublicPath)
	if err != nil {
		return nil, err
	}
	return &publicTree{a}, nil
}

// publicTree is what an administrator of the public mailboxes gets.
type publicTree struct{ *account }

// SetACL changes an entry as mail.SharingAccount has it.
func (a *publicTree) SetACL(ctx context.Context, mailbox, identifier string, op mail.RightsOp, r mail.Rights) error {
	name, err := a.s.cleanName(mailbox)
	if err != nil {
		return fmt.Errorf("%w: %w", mail.ErrNoMailbox, err)
	}
	return a.setACL(ctx, name, identifier, op, r)
}

// Namespaces implements mail.NamespaceAccount.
func (u *sharer) Namespaces(ctx context.Context) ([]mail.Namespace, error) {
	out := []mail.Namespace{{Kind: mail.PersonalNamespace}, {Kind: mail.OtherUsersNamespace, Prefix: u.c.others()}}
	if u.c.PublicPath != "" {
		out = append(out, mail.Namespace{Kind: mail.SharedNamespace, Prefix: u.c.public()})
	}
	return out, ctx.Err()
}

// spot is a name as a user wrote it, and where that is.
type spot struct {
	a      *account // whose tree it is in
	name   string   // in that tree
	prefix string   // what the user's names of that tree begin with
	owner  bool     // it is the user's own
}

func (p *spot) title() string { return p.prefix + p.name }

// place finds the tree of a name: mail.ErrBadName for what can't be one, mail.ErrNoMailbox where there is no such tree. It
// is to be ended.
func (u *sharer) place(name string) (*spot, error) {
	clean, err := u.s.cleanName(name)
	if err != nil {
		return nil, err
	}
	switch {
	case clean+"/" == u.c.others(), u.c.PublicPath != "" && clean+"/" == u.c.public():
		return nil, fmt.Errorf("%w: %q is a namespace", mail.ErrBadName, name)
	case strings.HasPrefix(clean, u.c.others()):
		owner, local, ok := strings.Cut(clean[len(u.c.others()):], "/")
		if !ok || owner == u.own.name {
			return nil, nothing(name)
		}
		return u.placeOf(name, owner, local)
	case u.c.PublicPath != "" && strings.HasPrefix(clean, u.c.public()):
		local, err := u.s.cleanName(clean[len(u.c.public()):])
		if err != nil || local == inbox {
			return nil, nothing(name)
		}
		a, err := u.tree("", u.c.PublicPath)
		if err != nil {
			return nil, err
		}
		return &spot{a: a, name: local, prefix: u.c.public()}, nil
	}
	return &spot{a: u.own.again(), name: clean, owner: true}, nil
}

func (u *sharer) placeOf(name, owner, local string) (*spot, error) {
	local, err := u.s.cleanName(local)
	if err != nil {
		return nil, nothing(name)
	}
	root, err := u.s.accountDir(owner)
	if err != nil {
		return nil, nothing(name)
	}
	a, err := u.tree(owner, root)
	if errors.Is(err, mail.ErrNoAccount) {
		return nil, nothing(name)
	}
	if err != nil {
		return nil, err
	}
	return &spot{a: a, name: local, prefix: u.c.others() + owner + "/"}, nil
}

// tree opens another's tree, which must be there: looking must not make accounts.
func (u *sharer) tree(owner, root string) (*account, error) {
	info, err := u.own.sh.fs.Stat(root)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, mail.ErrNoAccount
	}
	if err != nil {
		return nil, err
	}
	return newAccount(u.s, u.own.sh, owner, root), nil
}

// again is another hold on the same account.
func (a *account) again() *account { return newAccount(a.s, a.sh, a.name, a.root) }

// nothing is the one error for what isn't there and for what the user may not know of.
func nothing(name string) error { return fmt.Errorf("%w: %q", mail.ErrNoMailbox, name) }

func denied(name string) error { return fmt.Errorf("%w: %q", mail.ErrPermission, name) }

// hide brings an error of another's tree into the user's terms.
func (p *spot) hide(name string, err error) error {
	if err == nil || p.owner {
		return err
	}
	for _, e := range []error{mail.ErrNoMailbox, mail.ErrExists, mail.ErrBadName, mail.ErrPermission, mail.ErrOverQuota, mail.ErrLimit} {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: %q", e, name)
		}
	}
	return err
}

func (u *sharer) who(owner bool) acl.Who {
	return acl.Who{User: u.own.name, Groups: u.groups, Owner: owner}
}

// find returns a mailbox that the user may know of, and its rights.
func (u *sharer) find(ctx context.Context, name string) (*spot, mail.Rights, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	p, err := u.place(name)
	if err != nil {
		if errors.Is(err, mail.ErrBadName) {
			err = nothing(name)
		}
		return nil, 0, err
	}
	r, err := u.rights(p)
	if err == nil && r == 0 {
		err = nothing(name)
	}
	if err != nil {
		p.a.end()
		return nil, 0, p.hide(name, err)
	}
	return p, r, nil
}

// may is find for what takes rights: one of the sets.
func (u *sharer) may(ctx context.Context, name string, sets ...mail.Rights) (*spot, error) {
	p, r, err := u.find(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, s := range sets {
		if r.Has(s) {
			return p, nil
		}
	}
	p.a.end()
	return nil, denied(name)
}

// Close implements mail.Account.
func (u *sharer) Close() error { return u.own.Close() }
