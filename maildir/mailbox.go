package maildir

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/buuta/mail"
)

// mailbox is one session's hold on a box. It implements mail.Mailbox, mail.RecentTaker, mail.UniqueIDKeeper, mail.FileNamer
// and mail.BodyReader.
type mailbox struct {
	s    *Store
	sh   *shared
	a    *account
	b    *box
	id   mail.MailboxID
	info func() mail.MailboxInfo // once
	end  func()

	validity uint32 // when it was opened; its UIDs mean nothing under another
}

var (
	_ mail.RecentTaker    = (*mailbox)(nil)
	_ mail.UniqueIDKeeper = (*mailbox)(nil)
	_ mail.FileNamer      = (*mailbox)(nil)
	_ mail.BodyReader     = (*mailbox)(nil)
)

// Info implements mail.Mailbox. The name follows a rename; the rest is as it was when Info was first called: a delivery,
// which doesn't ask, need not read the account's folder.
func (m *mailbox) Info() mail.MailboxInfo {
	info := m.info()
	info.Name = m.b.title()
	return info
}

func (m *mailbox) readInfo() mail.MailboxInfo {
	info, _, err := m.a.info(context.Background(), m.b)
	if err != nil {
		m.s.logger().Warn("can't read what is known of a mailbox", "mailbox", m.b.title(), "error", err)
	}
	return info
}

// Close implements mail.Mailbox.
func (m *mailbox) Close() error {
	m.end()
	return nil
}

// State implements mail.Mailbox.
func (m *mailbox) State(ctx context.Context) (mail.State, error) {
	if err := ctx.Err(); err != nil {
		return mail.State{}, err
	}
	st, err := m.b.state(ctx)
	if err == nil && st.UIDValidity != m.validity {
		return mail.State{}, errRenumbered
	}
	return st, err
}

// errRenumbered is what a session gets whose mailbox has another UIDVALIDITY now, another program having written so: what
// it says about UIDs would hit other messages (RFC 9051 section 2.3.1.1).
var errRenumbered = fmt.Errorf("%w: its UIDVALIDITY is another", mail.ErrNoMailbox)

// view is the box's view for a session.
func (m *mailbox) view(ctx context.Context, f func(*state)) error {
	var renumbered error
	err := m.b.view(ctx, func(st *state) {
		if st.validity != m.validity {
			renumbered = errRenumbered
			return
		}
		f(st)
	})
	return cmp.Or(err, renumbered)
}

// do is the box's do for a session.
func (m *mailbox) do(ctx context.Context, f func(*txn) error) error {
	return m.b.do(ctx, func(t *txn) error {
		if t.head.validity != m.validity {
			return errRenumbered
		}
		return f(t)
	})
}

func (b *box) state(ctx context.Context) (mail.State, error) {
	if err := b.refresh(ctx); err != nil {
		return mail.State{}, err
	}
	var out mail.State
	err := b.view(ctx, func(st *state) { out = st.public() })
	return out, err
}

// view calls f with the mailbox's state, which f may read but not keep.
func (b *box) view(ctx context.Context, f func(*state)) error {
	for {
		b.mu.RLock()
		if b.dead {
			b.mu.RUnlock()
			return mail.ErrNoMailbox
		}
		if b.st != nil && b.st.validity != 0 {
			defer b.mu.RUnlock()
			f(b.st)
			return nil
		}
		b.mu.RUnlock()
		if err := b.do(ctx, func(*txn) error { return nil }); err != nil {
			return err
		}
	}
}

func (s *state) public() mail.State {
	return mail.State{
		UIDValidity:   s.validity,
		UIDNext:       mail.UID(s.next),
		HighestModSeq: mail.ModSeq(s.high),
		Messages:      uint32(s.n),
		Unseen:        uint32(s.unseen),
		Recent:        uint32(s.n - s.rank(s.firstRecent)),
		Deleted:       uint32(s.deleted),
		Size:          s.size,
	}
}

// Changes implements mail.Mailbox. Of since 0 it knows everything.
func (m *mailbox) Changes(ctx context.Context, since mail.ModSeq) (mail.Changes, error) {
	var out mail.Changes
	if err := ctx.Err(); err != nil {
		return out, err
	}
	if err := m.b.refresh(ctx); err != nil {
		return out, err
	}
	tooOld := false
	err := m.view(ctx, func(st *state) {
		after := uint64(since)
		if after > st.high || after != 0 && after < st.oldest {
			tooOld = true
			return
		}
		out.State = st.public()
		if after == st.high {
			return
		}
		p := painter{view: &st.view, f: mail.FieldFlags}
		for i := range st.blocks {
			b := &st.blocks[i]
			if st.modBase+uint64(b.high) <= after {
				continue
			}
			for j := range b.slots {
				if m := &b.slots[j]; st.modBase+uint64(m.modseq) > after {
					out.Changed = append(out.Changed, p.message(b, m))
				}
			}
		}
		if after == 0 {
			return
		}
		out.Vanished = st.vanished(after)
	})
	if err == nil && tooOld {
		err = mail.ErrTooOld
	}
	return out, err
}

// vanished returns the UIDs that went after a ModSeq.
func (s *state) vanished(after uint64) (out mail.UIDSet) {
	for _, g := range s.gone[sort.Search(len(s.gone), func(i int) bool { return s.gone[i].modseq > after }):] {
		out.AddRange(mail.UID(g.first), mail.UID(g.last))
	}
	return out
}

// TakeRecent implements mail.RecentTaker. Files in new move to cur, as Maildir wants it once somebody has seen them.
func (m *mailbox) TakeRecent(ctx context.Context) (mail.UIDSet, error) {
	var out mail.UIDSet
	err := m.do(ctx, func(t *txn) error {
		out = mail.UIDSet{}
		uids := t.selected(mail.UIDRangeSet(mail.UID(t.head.firstRecent), mail.MaxUID))
		for _, uid := range uids {
			if uid < t.head.firstRecent {
				continue
			}
			out.Add(mail.UID(uid))
			for range renameTries {
				msg, ok := t.msg(uid)
				if !ok || msg.where != inNew {
					break
				}
				if _, err := t.renameFile(msg, msg.sys, msg.kw, true); errors.Is(err, mail.ErrExpunged) {
					break // the next scan reports it
				} else if err != nil {
					return err
				}
			}
		}
		t.head.firstRecent = t.head.next
		return nil
	})
	return out, err
}

// painter makes mail.Messages of what a view holds.
type painter struct {
	view  *view
	f     mail.Fields
	lastK uint32
	last  []string
}

func (p *painter) message(b *block, m *slot) mail.Message {
	out := mail.Message{UID: mail.UID(m.uid)}
	if p.f&mail.FieldFlags != 0 {
		out.ModSeq = mail.ModSeq(p.view.modBase + uint64(m.modseq))
		out.Flags.System = mail.SystemFlags(m.sys)
		if m.kw != 0 {
			if m.kw != p.lastK { // neighbours often have the same
				p.lastK, p.last = m.kw, p.view.flags(0, m.kw).Keywords
			}
			out.Flags.Keywords = slices.Clip(p.last)
		}
	}
	if p.f&mail.FieldDate != 0 {
		out.InternalDate, out.SaveDate = unixTime(join40(m.idate, m.idateHi)), unixTime(join40(m.sdate, m.sdateHi))
	}
	if p.f&mail.FieldSize != 0 {
		out.Size = m.bytes()
	}
	if p.f&mail.FieldGUID != 0 {
		out.GUID = publicGUID(p.view.rawGUID(b, m))
	}
	return out
}
