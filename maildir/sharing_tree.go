package maildir

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/acl"
)

// openRights are those of which one is needed to open a mailbox.
var openRights = []mail.Rights{mail.RightRead, mail.RightInsert, mail.RightPost, mail.RightAdmin}

// Open implements mail.Account.
func (u *sharer) Open(ctx context.Context, name string) (mail.Mailbox, error) {
	p, err := u.may(ctx, name, openRights...)
	if err != nil {
		return nil, err
	}
	defer p.a.end()
	m, err := p.a.Open(ctx, p.name)
	if err != nil {
		return nil, p.hide(name, err)
	}
	g := &guarded{m: m.(*mailbox), u: u.again(), prefix: p.prefix, owner: p.owner}
	if !p.owner {
		if err := g.foreign(ctx); err != nil {
			g.Close()
			return nil, err
		}
	}
	u.opened.put(g.m.id, p.title())
	return g, nil
}

// again is another hold on the same account, which knows what this one has opened.
func (u *sharer) again() *sharer {
	return &sharer{own: u.own.again(), s: u.s, c: u.c, groups: u.groups, opened: u.opened}
}

// Status implements mail.Account.
func (u *sharer) Status(ctx context.Context, name string) (mail.State, error) {
	p, err := u.may(ctx, name, mail.RightRead)
	if err != nil {
		return mail.State{}, err
	}
	defer p.a.end()
	if p.owner {
		return p.a.Status(ctx, p.name)
	}
	m, err := u.Open(ctx, name)
	if err != nil {
		return mail.State{}, err
	}
	defer m.Close()
	return m.State(ctx)
}

// parentRights returns what the user may do in the nearest mailbox above a new one, and its list for the new one.
func (u *sharer) parentRights(p *spot) (mail.Rights, acl.List, error) {
	p.a.tree.mu.RLock()
	defer p.a.tree.mu.RUnlock()
	all := parents(p.name)
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == inbox && p.a.name == "" {
			continue
		}
		dir, err := p.a.dir(all[i])
		if errors.Is(err, mail.ErrNoMailbox) {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		r, err := u.rightsIn(dir, p.prefix+all[i], p.owner)
		if err != nil {
			return 0, nil, err
		}
		list, err := u.s.readACL(dir + "/" + aclName)
		return r, list, err
	}
	if p.owner {
		return mail.AllRights, nil, nil
	}
	return 0, nil, nil
}

// mayCreate returns where a new mailbox goes, if the user may make it, and the list that it gets. In others' trees the refusal
// is the same whether or not they exist.
func (u *sharer) mayCreate(ctx context.Context, name string) (*spot, acl.List, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	p, err := u.place(name)
	if errors.Is(err, mail.ErrNoMailbox) {
		return nil, nil, denied(name)
	}
	if err != nil {
		return nil, nil, err
	}
	r, list, err := u.parentRights(p)
	if err == nil && !r.Has(mail.RightCreate) {
		err = denied(name)
	}
	if err != nil {
		p.a.end()
		return nil, nil, err
	}
	return p, list, nil
}

// Create implements mail.Account.
func (u *sharer) Create(ctx context.Context, name string, opts *mail.CreateOptions) (mail.MailboxInfo, error) {
	p, list, err := u.mayCreate(ctx, name)
	if err != nil {
		return mail.MailboxInfo{}, err
	}
	defer p.a.end()
	before, err := p.a.folders()
	if err != nil {
		return mail.MailboxInfo{}, err
	}
	info, err := p.a.Create(ctx, p.name, opts)
	if err != nil {
		return mail.MailboxInfo{}, p.hide(name, err)
	}
	info.Name = p.title()
	if len(list) == 0 {
		return info, nil
	}
	unlock, err := p.a.lock(ctx)
	if err != nil {
		return info, err
	}
	defer unlock()
	for _, n := range append(parents(p.name), p.name) {
		if _, old := before[n]; old || n == inbox {
			continue
		}
		if dir, err := p.a.dir(n); err == nil {
			if err := p.a.changeACL(ctx, dir, func(acl.List) (acl.List, error) { return list, nil }); err != nil {
				return info, err
			}
		}
	}
	return info, nil
}

// Delete implements mail.Account.
func (u *sharer) Delete(ctx context.Context, name string) error {
	p, err := u.may(ctx, name, mail.RightDeleteBox)
	if err != nil {
		return err
	}
	defer p.a.end()
	if err := p.a.Delete(ctx, p.name); err != nil {
		return p.hide(name, err)
	}
	return p.a.sharesChanged(ctx)
}

// Rename implements mail.Account.
func (u *sharer) Rename(ctx context.Context, from, to string) error {
	p, r, err := u.find(ctx, from)
	if errors.Is(err, mail.ErrNoMailbox) {
		if p, err = u.level(ctx, from); err != nil {
			return err
		}
		r = mail.RightDeleteBox
	}
	if err != nil {
		return err
	}
	defer p.a.end()
	if !r.Has(mail.RightDeleteBox) {
		return denied(from)
	}
	target, err := u.place(to)
	if err == nil {
		target.a.end()
		if target.a.root != p.a.root {
			err = fmt.Errorf("%w: %q is in another tree", mail.ErrBadName, to)
		}
	} else if errors.Is(err, mail.ErrNoMailbox) {
		err = fmt.Errorf("%w: %q is in another tree", mail.ErrBadName, to)
	}
	if err != nil {
		return err
	}
	if !p.owner && p.name == inbox {
		return fmt.Errorf("%w: another's INBOX can't be renamed", mail.ErrBadName)
	}
	target, _, err = u.mayCreate(ctx, to)
	if err != nil {
		return err
	}
	target.a.end()
	if err := p.a.Rename(ctx, p.name, target.name); err != nil {
		return p.hide(to, err)
	}
	return p.a.sharesChanged(ctx)
}

// level finds a name of the user's own that is only a parent of mailboxes, which no list could protect.
func (u *sharer) level(ctx context.Context, name string) (*spot, error) {
	p, err := u.place(name)
	if err != nil || p.owner {
		if errors.Is(err, mail.ErrBadName) {
			err = nothing(name)
		}
		return p, err
	}
	p.a.end()
	for info, err := range u.Mailboxes(ctx) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(info.Name, p.title()+"/") {
			return nil, denied(name)
		}
	}
	return nil, nothing(name)
}

// Subscribe implements mail.Account. Nothing is looked at: it tells nothing.
func (u *sharer) Subscribe(ctx context.Context, name string, on bool) error {
	return u.own.Subscribe(ctx, name, on)
}

// Mailboxes implements mail.Account.
func (u *sharer) Mailboxes(ctx context.Context) iter.Seq2[mail.MailboxInfo, error] {
	return yieldAll(ctx, u.list)
}

// list returns the user's own mailboxes and those of others that may be seen. Only owners who share something are looked at.
func (u *sharer) list(ctx context.Context) ([]mail.MailboxInfo, error) {
	infos, subscribed, explicit, err := u.own.infos(ctx)
	if err != nil {
		return nil, err
	}
	if err := u.reconcile(ctx); err != nil {
		return nil, err
	}
	for name, info := range infos {
		r, err := u.rightsIn(info.dir, name, true)
		if err != nil {
			return nil, err
		}
		if !r.Has(mail.RightLookup) || name+"/" == u.c.others() || strings.HasPrefix(name, u.c.others()) ||
			u.c.PublicPath != "" && (name+"/" == u.c.public() || strings.HasPrefix(name, u.c.public())) {
			delete(infos, name)
		}
	}
	owners, err := u.sharingOwners(ctx)
	if err != nil {
		return nil, err
	}
	for _, owner := range owners {
		root, err := u.s.accountDir(owner)
		if err != nil || owner == u.own.name {
			continue
		}
		if err := u.listTree(ctx, owner, root, u.c.others()+owner+"/", infos); err != nil {
			return nil, err
		}
	}
	if u.c.PublicPath != "" {
		if err := u.listTree(ctx, "", u.c.PublicPath, u.c.public(), infos); err != nil {
			return nil, err
		}
	}
	return u.own.complete(infos, subscribed, explicit), nil
}

// listTree adds what may be seen of another's tree.
func (u *sharer) listTree(ctx context.Context, owner, root, prefix string, infos map[string]*listed) error {
	a, err := u.tree(owner, root)
	if errors.Is(err, mail.ErrNoAccount) {
		return nil
	}
	if err != nil {
		return err
	}
	defer a.end()
	a.tree.mu.RLock()
	folders, err := a.folders()
	a.tree.mu.RUnlock()
	if err != nil {
		return err
	}
	if owner != "" {
		folders[inbox] = ""
	}
	for name, folder := range folders {
		if err := ctx.Err(); err != nil {
			return err
		}
		dir := strings.TrimSuffix(a.root+"/"+folder, "/")
		r, err := u.rightsIn(dir, prefix+name, false)
		if err != nil {
			return err
		}
		if r.Has(mail.RightLookup) {
			info := &listed{MailboxInfo: mail.MailboxInfo{Name: name, ID: a.readID(dir)}, dir: dir}
			if info.ID == "" {
				if err := a.fillID(ctx, &info.MailboxInfo); err != nil && ctx.Err() != nil {
					return err
				}
			}
			info.Name = prefix + name
			infos[info.Name] = info
		}
	}
	return nil
}
