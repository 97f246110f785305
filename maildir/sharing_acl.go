package maildir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/acl"
)

// aclFiles keeps what was read of access control lists. A file is read again when its time or size is another.
type aclFiles struct {
	mu     sync.Mutex
	lists  map[string]aclFile
	global globalFile
}

type aclFile struct {
	stamp fileStamp
	list  acl.List
}

type globalFile struct {
	stamp fileStamp
	lines acl.Global
}

// maxACLFiles is how many lists are kept.
const maxACLFiles = 16384

// readACL returns a mailbox's list. One that can't be read gives nobody anything but the owner, and says so in the log.
func (s *Store) readACL(name string) (acl.List, error) {
	sh := s.shared
	stamp, err := stampOf(sh.fs, name)
	if err != nil || stamp == (fileStamp{}) {
		return nil, err
	}
	c := &sh.acls
	c.mu.Lock()
	f, ok := c.lists[name]
	c.mu.Unlock()
	if ok && f.stamp.same(stamp) {
		return f.list, nil
	}
	raw, err := readFile(sh.fs, name)
	if err != nil {
		return nil, err
	}
	list, err := acl.Parse(raw)
	if err != nil {
		s.logger().Warn("access control list can't be read", "file", name, "error", err)
		list = nil
	}
	if s.fresh(stamp) {
		return list, nil // the next change may leave the same time
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lists == nil || len(c.lists) >= maxACLFiles {
		c.lists = map[string]aclFile{}
	}
	c.lists[name] = aclFile{stamp, list}
	return list, nil
}

// fresh reports whether a file's time is so near that another change could get the same.
func (s *Store) fresh(stamp fileStamp) bool {
	age := time.Since(stamp.mtime)
	return age > -time.Hour && age < tick(stamp.mtime)
}

// globalACL returns what the global file or folder has for a mailbox.
func (s *Store) globalACL(title string) (acl.List, error) {
	name := s.Sharing.GlobalACL
	if name == "" {
		return nil, nil
	}
	sh := s.shared
	info, err := sh.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		name += "/" + title
		if info, err = sh.fs.Stat(name); err == nil && info.IsDir() {
			name += "/.DEFAULT"
		}
		return s.readACL(name)
	}
	stamp := fileStamp{info.ModTime(), info.Size()}
	sh.acls.mu.Lock()
	defer sh.acls.mu.Unlock()
	g := &sh.acls.global
	if !g.stamp.same(stamp) {
		raw, err := readFile(sh.fs, name)
		if err != nil {
			return nil, err
		}
		lines, err := acl.ParseGlobal(raw)
		if err != nil {
			return nil, fmt.Errorf("maildir: global access control list %q: %w", name, err) // nobody gets in: it may be there to keep people out
		}
		if g.lines = lines; !s.fresh(stamp) {
			g.stamp = stamp
		}
	}
	return g.lines.For(title), nil
}

// rightsIn returns the rights to the mailbox in a folder, which the user knows by title.
func (u *sharer) rightsIn(dir, title string, owner bool) (mail.Rights, error) {
	list, err := u.s.readACL(dir + "/" + aclName)
	if err != nil {
		return 0, err
	}
	global, err := u.s.globalACL(title)
	if err != nil {
		return 0, err
	}
	if len(global) > 0 {
		list = list.With(global)
	}
	return list.Rights(u.who(owner)), nil
}

// rights returns the rights to a mailbox, which must be there.
func (u *sharer) rights(p *spot) (mail.Rights, error) {
	p.a.tree.mu.RLock()
	defer p.a.tree.mu.RUnlock()
	dir, err := p.a.dir(p.name)
	if err != nil {
		return 0, err
	}
	return u.rightsIn(dir, p.title(), p.owner)
}

// Rights implements mail.SharingAccount.
func (u *sharer) Rights(ctx context.Context, mailbox string) (mail.Rights, error) {
	p, r, err := u.find(ctx, mailbox)
	if err != nil {
		return 0, err
	}
	p.a.end()
	return r, nil
}

// ACL implements mail.SharingAccount.
func (u *sharer) ACL(ctx context.Context, mailbox string) ([]mail.ACLEntry, error) {
	p, err := u.may(ctx, mailbox, mail.RightAdmin)
	if err != nil {
		return nil, err
	}
	defer p.a.end()
	list, err := p.a.localACL(p.name)
	if err != nil {
		return nil, p.hide(mailbox, err)
	}
	out := list.Entries()
	if p.a.name != "" && !list.NamesOwner(p.a.name) {
		out = append(out, mail.ACLEntry{Identifier: "owner", Rights: mail.AllRights})
	}
	return out, nil
}

func (a *account) localACL(name string) (acl.List, error) {
	a.tree.mu.RLock()
	defer a.tree.mu.RUnlock()
	dir, err := a.dir(name)
	if err != nil {
		return nil, err
	}
	return a.s.readACL(dir + "/" + aclName)
}

// SetACL implements mail.SharingAccount.
func (u *sharer) SetACL(ctx context.Context, mailbox, identifier string, op mail.RightsOp, r mail.Rights) error {
	p, err := u.may(ctx, mailbox, mail.RightAdmin)
	if err != nil {
		return err
	}
	defer p.a.end()
	return p.hide(mailbox, p.a.setACL(ctx, p.name, identifier, op, r))
}

func (a *account) setACL(ctx context.Context, name, identifier string, op mail.RightsOp, r mail.Rights) error {
	if plain, negative := strings.CutPrefix(identifier, "-"); a.name != "" && (plain == a.name || plain == "owner") {
		identifier = "owner"
		if negative {
			identifier, r = "-owner", r&^acl.OwnersOwn
		} else if op == mail.RightsReplace {
			r |= acl.OwnersOwn
		} else if op == mail.RightsRemove {
			r &^= acl.OwnersOwn
		}
	}
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	dir, err := a.dir(name)
	if err != nil {
		return err
	}
	return a.changeACL(ctx, dir, func(l acl.List) (acl.List, error) {
		if identifier == "owner" && op != mail.RightsReplace && !l.NamesOwner(a.name) {
			var err error // no entry means everything
			if l, err = l.Set("owner", mail.RightsReplace, mail.AllRights, maxACL+1); err != nil {
				return nil, err
			}
		}
		return l.Set(identifier, op, r, maxACL)
	})
}

// changeACL writes a mailbox's list anew. The tree is locked.
func (a *account) changeACL(ctx context.Context, dir string, change func(acl.List) (acl.List, error)) error {
	dot, err := takeDotLock(ctx, a.sh.fs, a.root+"/"+accountLockName, dir+"/"+aclName+".lock", a.sh.machine, a.s.now)
	if err != nil {
		return err
	}
	defer dot.Close()
	raw, err := readFile(a.sh.fs, dir+"/"+aclName)
	if err != nil {
		return err
	}
	list, err := acl.Parse(raw)
	if err != nil {
		return fmt.Errorf("maildir: %q: %w", dir+"/"+aclName, err) // better not to lose what somebody meant by it
	}
	next, err := change(list)
	if err != nil {
		return err
	}
	if err := writeFile(a.sh.fs, dir, aclName, next.Format(), !a.s.NoSync); err != nil {
		return err
	}
	// Dovecot makes its list of what is shared anew when there is none.
	if err := a.sh.fs.Remove(a.root + "/dovecot-acl-list"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return a.tellShares(ctx)
}

// Grantable implements mail.SharingAccount.
func (u *sharer) Grantable(ctx context.Context, mailbox, identifier string) (always, grantable mail.Rights, err error) {
	p, err := u.may(ctx, mailbox, mail.RightAdmin)
	if err != nil {
		return 0, 0, err
	}
	p.a.end()
	plain, negative := strings.CutPrefix(identifier, "-")
	switch owner := p.a.name != "" && (plain == "owner" || plain == p.a.name); {
	case owner && negative:
		return 0, mail.AllRights &^ acl.OwnersOwn, nil
	case owner:
		return acl.OwnersOwn, mail.AllRights &^ acl.OwnersOwn, nil
	}
	return 0, mail.AllRights, nil
}
