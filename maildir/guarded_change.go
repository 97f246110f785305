package maildir

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/seen"
)

// flagMask is which flags a change may touch.
type flagMask struct {
	system   mail.SystemFlags
	keywords bool
}

var everyFlag = flagMask{^mail.SystemFlags(0), true}

func maskOf(r mail.Rights) flagMask {
	m := flagMask{keywords: r.Has(mail.RightWrite)}
	m.system = r.Flags(mail.Flags{}, mail.Flags{System: ^mail.SystemFlags(0)}).System
	return m
}

// SetFlags implements mail.Mailbox.
func (g *guarded) SetFlags(ctx context.Context, set mail.UIDSet, c mail.FlagChange) (mail.FlagResult, error) {
	r, err := g.may(ctx, mail.RightRead)
	if err != nil {
		return mail.FlagResult{}, err
	}
	if !r.MayChange(c) {
		return mail.FlagResult{}, denied(g.prefix + g.m.b.title())
	}
	for _, k := range c.Flags.Keywords {
		if !mail.ValidKeyword(k) {
			return mail.FlagResult{}, fmt.Errorf("maildir: keyword %q is not allowed", k)
		}
	}
	may := maskOf(r)
	if !may.keywords {
		c.Flags.Keywords = nil // also so that none is made known that nobody may set
	}
	if g.owner {
		return g.m.setFlags(ctx, set, c, may)
	}
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	return g.setForeign(ctx, set, c, may)
}

// setForeign changes the mailbox's flags and the user's own \Seen, both under the user's ModSeqs: the own change is noted last,
// and what changed in the mailbox gets its ModSeq.
func (g *guarded) setForeign(ctx context.Context, set mail.UIDSet, c mail.FlagChange, may flagMask) (out mail.FlagResult, err error) {
	seenToo := may.system&mail.Seen != 0 && (c.Op == mail.FlagsReplace || c.Flags.System&mail.Seen != 0)
	may.system &^= mail.Seen
	conditional := c.UnchangedSince > 0 || c.UnchangedSinceZero
	inner := c
	var todo mail.UIDSet
	was := map[mail.UID]bool{}
	err = g.viewLocked(ctx, func(st *state, t *seen.Table) error {
		for _, m := range st.in(set) {
			uid := mail.UID(m.uid)
			mark := t.Mark(uid)
			if conditional && max(t.View(st.modBase+uint64(m.modseq)), mark.ModSeq) > uint64(c.UnchangedSince) {
				out.Modified.Add(uid)
				continue
			}
			todo.Add(uid)
			was[uid] = mark.On
		}
		if conditional {
			inner.UnchangedSince = mail.ModSeq(t.Back(uint64(c.UnchangedSince)))
			inner.UnchangedSinceZero = inner.UnchangedSince == 0
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	res, err := g.m.setFlags(ctx, todo, inner, may)
	if err != nil {
		return out, err
	}
	out.Modified.AddSet(res.Modified)
	out.Changed = res.Changed
	var on, off, same mail.UIDSet
	for uid, had := range was {
		has := had
		if seenToo && !res.Modified.Contains(uid) {
			has = c.Op != mail.FlagsRemove && c.Flags.System&mail.Seen != 0
		}
		switch {
		case has == had && !res.Changed.Contains(uid):
			continue
		case has == had:
			same.Add(uid)
		}
		if has {
			on.Add(uid)
		} else {
			off.Add(uid)
		}
	}
	if same.Count() == on.Count()+off.Count() { // nothing of the user's own
		out.ModSeq = mail.ModSeq(g.seen.table.High(uint64(res.ModSeq)))
		return out, nil
	}
	out.Changed = on.Clone()
	out.Changed.AddSet(off)
	modseq, err := g.note(ctx, on, off)
	out.ModSeq = mail.ModSeq(modseq)
	return out, err
}

// note keeps what the user's own flags are now. The lock is held.
func (g *guarded) note(ctx context.Context, on, off mail.UIDSet) (modseq uint64, err error) {
	if err := g.u.s.makeDir(g.u.own.root + "/" + privateDir); err != nil {
		return 0, err
	}
	return g.seen.change(ctx, g.m.s, g.m.validity, func(t *seen.Table) (seen.Change, error) {
		var high uint64
		var alive func(mail.UID) bool
		if err := g.m.b.refresh(ctx); err != nil {
			return seen.Change{}, err
		}
		err := g.m.view(ctx, func(st *state) {
			high = st.high
			if t.On() > st.n+1000 {
				kept := make(map[mail.UID]bool, st.n)
				for _, m := range st.all {
					kept[mail.UID(m.uid)] = true
				}
				alive = func(u mail.UID) bool { return kept[u] }
			}
		})
		if alive != nil {
			t.Prune(alive)
		}
		c := t.Next(high, uint64(g.m.s.now().UnixMicro()))
		c.On, c.Off = on, off
		return c, err
	})
}

// Append implements mail.Mailbox.
func (g *guarded) Append(ctx context.Context) (mail.Append, error) {
	r, err := g.may(ctx, 0)
	if err == nil && r&(mail.RightInsert|mail.RightPost) == 0 {
		err = denied(g.prefix + g.m.b.title())
	}
	if err != nil {
		return nil, err
	}
	a, err := g.m.Append(ctx)
	if err != nil {
		return nil, err
	}
	return &guardedAppend{Append: a, g: g}, nil
}

// guardedAppend looks at the rights when something is added, and when it is committed.
type guardedAppend struct {
	mail.Append
	g    *guarded
	need mail.Rights
	seen []bool // which messages are to be \Seen to the user
}

func (a *guardedAppend) Add(ctx context.Context, r io.Reader, opts *mail.AppendOptions) error {
	var o mail.AppendOptions
	if opts != nil {
		o = *opts
	}
	need := mail.RightInsert
	if o.Post {
		need = mail.RightPost
	}
	rights, err := a.g.may(ctx, need)
	if err != nil {
		return err
	}
	o.Flags = rights.Flags(mail.Flags{}, o.Flags)
	seen := o.Flags.System&mail.Seen != 0
	if !a.g.owner {
		o.Flags.System &^= mail.Seen
		if o.Token != "" {
			o.Token = a.g.u.own.name + "\x00" + o.Token // the owner's tokens are the owner's
		}
	}
	if err := a.Append.Add(ctx, r, &o); err != nil {
		return err
	}
	a.need |= need
	a.seen = append(a.seen, seen)
	return nil
}

func (a *guardedAppend) Commit(ctx context.Context) (mail.Appended, error) {
	if _, err := a.g.may(ctx, a.need); err != nil {
		return mail.Appended{}, err
	}
	if a.g.owner {
		return a.Append.Commit(ctx)
	}
	a.g.seen.mu.Lock()
	defer a.g.seen.mu.Unlock()
	out, err := a.Append.Commit(ctx)
	if err != nil {
		return out, err
	}
	var on mail.UIDSet
	for i, uid := range out.UIDs {
		if a.seen[i] {
			on.Add(uid)
		}
	}
	modseq, err := a.g.arrived(ctx, on, uint64(out.ModSeq))
	out.ModSeq = mail.ModSeq(modseq)
	return out, err
}

// arrived notes which new messages the user has seen, and returns the ModSeq of their coming. The lock is held. The messages
// are there: should the note fail, they are only unseen.
func (g *guarded) arrived(ctx context.Context, on mail.UIDSet, modseq uint64) (uint64, error) {
	if err := g.seen.load(g.m.s, g.m.validity); err != nil {
		return 0, err
	}
	if on.Empty() {
		return g.seen.table.View(modseq), nil
	}
	n, err := g.note(ctx, on, mail.UIDSet{})
	if err != nil {
		g.m.s.logger().Warn("can't note that a message is seen", "mailbox", g.m.b.title(), "account", g.u.own.name, "error", err)
		return g.seen.table.View(modseq), nil
	}
	return n, nil
}

// Copy implements mail.Mailbox.
func (g *guarded) Copy(ctx context.Context, set mail.UIDSet, to mail.MailboxID, opts *mail.CopyOptions) (mail.UIDMap, error) {
	need, move := mail.RightRead, opts != nil && opts.Move
	if move {
		need |= mail.RightDeleteFlag | mail.RightExpunge // RFC 6851 section 4.2
	}
	if _, err := g.may(ctx, need); err != nil {
		return mail.UIDMap{}, err
	}
	target, rights, err := g.target(ctx, to)
	if err != nil {
		return mail.UIDMap{}, err
	}
	defer target.Close()
	// Both users' tables are one user's: locked in the order of their names.
	locks := []*private{}
	for _, p := range []*private{g.seen, target.seen} {
		if p != nil && !slices.Contains(locks, p) {
			locks = append(locks, p)
		}
	}
	slices.SortFunc(locks, func(a, b *private) int { return cmp.Compare(a.name, b.name) })
	for _, p := range locks {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	was := func(mail.UID) bool { return false }
	if !g.owner {
		if err := g.seen.load(g.m.s, g.m.validity); err != nil {
			return mail.UIDMap{}, err
		}
		was = func(uid mail.UID) bool { return g.seen.table.Mark(uid).On }
	}
	seenOf := map[mail.UID]bool{}
	out, err := g.m.copyTo(ctx, set, target.m.b, move, func(all []copied) {
		for i := range all {
			c := &all[i]
			uid := mail.UID(c.m.uid)
			if !g.owner {
				c.m.sys &^= uint8(mail.Seen)
				if was(uid) {
					c.m.sys |= uint8(mail.Seen)
				}
			}
			c.flags.System = mail.SystemFlags(c.m.sys)
			c.flags = rights.Flags(mail.Flags{}, c.flags)
			c.m.sys = uint8(c.flags.System)
			if !target.owner {
				seenOf[uid] = c.m.sys&uint8(mail.Seen) != 0
				c.m.sys &^= uint8(mail.Seen)
			}
		}
	})
	if err != nil || target.owner {
		return out, err
	}
	var on mail.UIDSet
	for i, uid := range out.From {
		if seenOf[uid] {
			on.Add(out.To[i])
		}
	}
	_, err = target.arrived(ctx, on, 0)
	return out, err
}

// target opens the mailbox that messages are copied to, by the name by which the user has opened it, or by a list.
func (g *guarded) target(ctx context.Context, id mail.MailboxID) (*guarded, mail.Rights, error) {
	unknown := fmt.Errorf("%w: ID %q", mail.ErrNoMailbox, id)
	if id == "" {
		return nil, 0, unknown
	}
	name := g.u.opened.name(id)
	try := func(name string) (*guarded, error) {
		m, err := g.u.Open(ctx, name)
		if err != nil {
			return nil, err
		}
		t := m.(*guarded)
		if t.m.id != id {
			t.Close()
			return nil, unknown
		}
		return t, nil
	}
	var t *guarded
	err := unknown
	if name != "" {
		t, err = try(name)
	}
	if t == nil && (name == "" || err != nil && ctx.Err() == nil) {
		for info, lerr := range g.u.Mailboxes(ctx) {
			if lerr != nil {
				return nil, 0, lerr
			}
			if info.ID == id {
				t, err = try(info.Name)
				break
			}
		}
	}
	if err != nil {
		return nil, 0, err
	}
	rights, err := t.may(ctx, mail.RightInsert)
	if err != nil {
		t.Close()
		return nil, 0, err
	}
	return t, rights, nil
}
