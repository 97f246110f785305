package maildir

import (
	"context"
	"iter"
	"sync"

	"github.com/buuta/mail"
	"github.com/buuta/mail/maildir/internal/seen"
)

// guarded is a mailbox in the hands of a user whose rights to it are looked at in every call, and who, when it is another's,
// keeps a \Seen of their own.
type guarded struct {
	m      *mailbox
	u      *sharer
	prefix string // of the user's names of the tree
	owner  bool
	kids   bool     // there are mailboxes below that the user can see; of another's, when it was opened
	seen   *private // nil for the owner
	end    sync.Once
}

var (
	_ mail.RecentTaker    = (*guarded)(nil)
	_ mail.TextSearcher   = (*guarded)(nil)
	_ mail.ThreadSearcher = (*guarded)(nil)
	_ mail.UniqueIDKeeper = (*guarded)(nil)
	_ mail.FileNamer      = (*guarded)(nil)
	_ mail.BodyReader     = (*guarded)(nil)
)

// foreign prepares a mailbox that is another's.
func (g *guarded) foreign(ctx context.Context) error {
	g.seen = g.m.sh.acquirePrivate(g.u.own.root + "/" + privateDir + "/" + string(g.m.id))
	name := g.prefix + g.m.b.title() + "/"
	folders, err := g.m.a.folders()
	if err != nil {
		return err
	}
	for local, folder := range folders {
		if title := g.prefix + local; len(title) > len(name) && title[:len(name)] == name {
			r, err := g.u.rightsIn(g.m.a.root+"/"+folder, title, false)
			if err != nil {
				return err
			}
			g.kids = g.kids || r.Has(mail.RightLookup)
		}
	}
	return ctx.Err()
}

// may returns the user's rights, which must have those that are needed.
func (g *guarded) may(ctx context.Context, need mail.Rights) (mail.Rights, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	title := g.prefix + g.m.b.title()
	r, err := g.u.rightsIn(g.m.b.folder(), title, g.owner)
	switch {
	case err != nil:
		return 0, err
	case r == 0:
		return 0, nothing(title)
	case !r.Has(need):
		return r, denied(title)
	}
	return r, nil
}

// Info implements mail.Mailbox.
func (g *guarded) Info() mail.MailboxInfo {
	info := g.m.Info()
	if g.owner {
		return info
	}
	info.Name = g.prefix + info.Name
	info.Use, info.Subscribed, info.HasChildren = nil, false, g.kids
	if subscribed, err := g.u.own.subscriptions(); err == nil {
		info.Subscribed = subscribed[info.Name]
	}
	return info
}

// view calls f with the mailbox's state and the user's own flags as of one moment. It is for those who are not the owner.
func (g *guarded) view(ctx context.Context, f func(*state, *seen.Table) error) error {
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	return g.viewLocked(ctx, f)
}

func (g *guarded) viewLocked(ctx context.Context, f func(*state, *seen.Table) error) error {
	// First the user's own changes: what they were noted to come after is then to be found in the mailbox.
	if err := g.seen.load(g.m.s, g.m.validity); err != nil {
		return err
	}
	if err := g.m.b.refresh(ctx); err != nil {
		return err
	}
	var ferr error
	if err := g.m.view(ctx, func(st *state) { ferr = f(st, g.seen.table) }); err != nil {
		return err
	}
	return ferr
}

// foreignState is a state's counters as the user has them.
func foreignState(st *state, t *seen.Table) mail.State {
	out := st.public()
	out.Recent = 0
	out.HighestModSeq = mail.ModSeq(t.High(st.high))
	out.Unseen = out.Messages
	for uid, m := range t.Marks() {
		if m.On {
			if _, m := st.find(uint32(uid)); m != nil {
				out.Unseen--
			}
		}
	}
	return out
}

// overlay puts the user's own \Seen on a message.
func overlay(t *seen.Table, m *mail.Message, f mail.Fields) {
	if f&mail.FieldFlags == 0 {
		return
	}
	mark := t.Mark(m.UID)
	m.Flags.System &^= mail.Seen
	if mark.On {
		m.Flags.System |= mail.Seen
	}
	m.ModSeq = mail.ModSeq(max(t.View(uint64(m.ModSeq)), mark.ModSeq))
}

// State implements mail.Mailbox.
func (g *guarded) State(ctx context.Context) (out mail.State, err error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return out, err
	}
	if g.owner {
		return g.m.State(ctx)
	}
	err = g.view(ctx, func(st *state, t *seen.Table) error {
		out = foreignState(st, t)
		return nil
	})
	return out, err
}

// Messages implements mail.Mailbox.
func (g *guarded) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if _, err := g.may(ctx, mail.RightRead); err != nil {
			yield(mail.Message{}, err)
			return
		}
		if g.owner {
			g.m.Messages(ctx, set, f)(yield)
			return
		}
		var all []mail.Message
		err := g.view(ctx, func(st *state, t *seen.Table) error {
			p := painter{view: &st.view, f: f &^ mail.FieldIndex}
			for b, s := range st.in(set) {
				m := p.message(b, s)
				overlay(t, &m, f)
				all = append(all, m)
			}
			return nil
		})
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		if f&mail.FieldIndex == 0 {
			for i := range all {
				if !yield(all[i], nil) {
					return
				}
			}
			return
		}
		for m, err := range g.m.Messages(ctx, set, mail.FieldIndex) {
			if err != nil {
				yield(m, err)
				return
			}
			for len(all) > 0 && all[0].UID < m.UID {
				all = all[1:]
			}
			if len(all) > 0 && all[0].UID == m.UID {
				all[0].Index = m.Index
				if !yield(all[0], nil) {
					return
				}
			}
		}
	}
}

// OpenBody implements mail.Mailbox.
func (g *guarded) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return nil, err
	}
	return g.m.OpenBody(ctx, uid)
}

// guardedBodies looks at the user's rights again as messages are opened: not for each, which would take a third as long again as to read
// it.
type guardedBodies struct {
	mail.Bodies
	g    *guarded
	left int // messages until it looks again
}

// ReadBodies implements mail.BodyReader.
func (g *guarded) ReadBodies(ctx context.Context, set mail.UIDSet) mail.Bodies {
	return &guardedBodies{Bodies: g.m.ReadBodies(ctx, set), g: g}
}

// Open implements mail.Bodies.
func (r *guardedBodies) Open(ctx context.Context, uid mail.UID) (mail.Body, error) {
	if r.left--; r.left < 0 {
		if _, err := r.g.may(ctx, mail.RightRead); err != nil {
			return nil, err
		}
		r.left = 31
	}
	return r.Bodies.Open(ctx, uid)
}

// Changes implements mail.Mailbox.
func (g *guarded) Changes(ctx context.Context, since mail.ModSeq) (out mail.Changes, err error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return out, err
	}
	if g.owner {
		return g.m.Changes(ctx, since)
	}
	err = g.view(ctx, func(st *state, t *seen.Table) error {
		if uint64(since) > t.High(st.high) {
			return mail.ErrTooOld
		}
		after := uint64(0)
		if since > 0 {
			if after = t.Back(uint64(since)); after < st.oldest {
				return mail.ErrTooOld
			}
		}
		out = mail.Changes{State: foreignState(st, t)}
		p := painter{view: &st.view, f: mail.FieldFlags}
		for b, m := range st.all {
			if st.modBase+uint64(m.modseq) <= after && t.Mark(mail.UID(m.uid)).ModSeq <= uint64(since) {
				continue
			}
			msg := p.message(b, m)
			if overlay(t, &msg, mail.FieldFlags); msg.ModSeq > since {
				out.Changed = append(out.Changed, msg)
			}
		}
		if since > 0 {
			out.Vanished = st.vanished(after)
		}
		return nil
	})
	return out, err
}

// Expunge implements mail.Mailbox.
func (g *guarded) Expunge(ctx context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	if _, err := g.may(ctx, mail.RightExpunge); err != nil {
		return mail.ExpungeResult{}, err
	}
	if g.owner {
		return g.m.Expunge(ctx, set, opts)
	}
	g.seen.mu.Lock()
	defer g.seen.mu.Unlock()
	if err := g.seen.load(g.m.s, g.m.validity); err != nil {
		return mail.ExpungeResult{}, err
	}
	out, err := g.m.Expunge(ctx, set, opts)
	out.ModSeq = mail.ModSeq(g.seen.table.High(uint64(out.ModSeq)))
	return out, err
}

// SearchText implements mail.TextSearcher.
func (g *guarded) SearchText(ctx context.Context, set mail.UIDSet, q mail.TextQuery) (mail.UIDSet, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return mail.UIDSet{}, err
	}
	return g.m.SearchText(ctx, set, q)
}

// SearchThread implements mail.ThreadSearcher.
func (g *guarded) SearchThread(ctx context.Context, set mail.UIDSet, id string) (mail.UIDSet, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil {
		return mail.UIDSet{}, err
	}
	return g.m.SearchThread(ctx, set, id)
}

// TakeRecent implements mail.RecentTaker. Nothing is recent but to the owner.
func (g *guarded) TakeRecent(ctx context.Context) (mail.UIDSet, error) {
	if _, err := g.may(ctx, mail.RightRead); err != nil || !g.owner {
		return mail.UIDSet{}, err
	}
	return g.m.TakeRecent(ctx)
}

// Watch implements mail.Mailbox.
func (g *guarded) Watch(wake func()) (cancel func()) {
	end := g.m.Watch(wake)
	if g.owner {
		return end
	}
	forget := g.seen.watch(wake)
	return func() {
		end()
		forget()
	}
}

// Close implements mail.Mailbox.
func (g *guarded) Close() error {
	g.end.Do(func() {
		if g.seen != nil {
			g.m.sh.releasePrivate(g.seen)
		}
		g.u.Close()
	})
	return g.m.Close()
}
