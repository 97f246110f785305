package imaptest

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/buuta/mail"
)

// errEnded is what using an Append after its end gives, errKeyword a keyword that IMAP could not write.
var (
	errEnded   = errors.New("imaptest: append has ended")
	errKeyword = errors.New("imaptest: not a keyword")
)

func checkKeywords(f mail.Flags) error {
	for _, k := range f.Keywords {
		if !mail.ValidKeyword(k) {
			return errKeyword
		}
	}
	return nil
}

func (v *view) SetFlags(ctx context.Context, set mail.UIDSet, c mail.FlagChange) (mail.FlagResult, error) {
	if err := checkKeywords(c.Flags); err != nil {
		return mail.FlagResult{}, err
	}
	unlock, err := v.enter(ctx, "SetFlags", mail.RightRead)
	if err != nil {
		return mail.FlagResult{}, err
	}
	if !v.user.rights(v.box).MayChange(c) {
		unlock()
		return mail.FlagResult{}, mail.ErrPermission
	}
	res := v.setFlags(set, c)
	unlock()
	if !res.Changed.Empty() {
		v.wake()
	}
	return res, nil
}

// setFlags changes what the user may.
func (v *view) setFlags(set mail.UIDSet, c mail.FlagChange) (res mail.FlagResult) {
	b, rights, foreign := v.box, v.user.rights(v.box), v.user.foreign(v.box)
	msgs := slices.Clone(b.msgs)
	next := b.modSeq + 1
	for _, r := range set.Ranges() {
		i, _ := find(msgs, r.First)
		for ; i < len(msgs) && msgs[i].UID <= r.Last; i++ {
			was := v.user.look(b, msgs[i])
			if (c.UnchangedSince > 0 || c.UnchangedSinceZero) && was.ModSeq > c.UnchangedSince {
				res.Modified.Add(was.UID)
				continue
			}
			flags := rights.Flags(was.Flags, was.Flags.Apply(c.Op, c.Flags))
			if flags.Equal(was.Flags) {
				continue
			}
			res.Changed.Add(was.UID)
			if on := flags.System & mail.Seen; foreign {
				if on != was.Flags.System&mail.Seen {
					b.setSeen(v.user, was.UID, seen{on != 0, next})
				}
				flags.System = flags.System&^mail.Seen | msgs[i].Flags.System&mail.Seen
				if flags.Equal(msgs[i].Flags) {
					continue
				}
			}
			m := *msgs[i]
			m.Flags, m.ModSeq = flags, next
			msgs[i] = &m
		}
	}
	if !res.Changed.Empty() {
		b.msgs, b.modSeq = msgs, next
	}
	res.ModSeq = b.modSeq
	return res
}

func (v *view) Expunge(ctx context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	unlock, err := v.enter(ctx, "Expunge", mail.RightExpunge)
	if err != nil {
		return mail.ExpungeResult{}, err
	}
	removed := v.remove(set, opts != nil && opts.OnlyDeleted)
	res := mail.ExpungeResult{ModSeq: v.modSeq, Removed: removed}
	unlock()
	if !removed.Empty() {
		v.wake()
	}
	return res, nil
}

// remove takes messages out.
func (b *box) remove(set mail.UIDSet, onlyDeleted bool) (removed mail.UIDSet) {
	var left []*message
	for _, m := range b.msgs {
		if set.Contains(m.UID) && (!onlyDeleted || m.Flags.System&mail.Deleted != 0) {
			removed.Add(m.UID)
			b.account.size -= m.Size
			b.vanished = append(b.vanished, vanishing{m.UID, b.modSeq + 1})
			for _, marks := range b.seen {
				delete(marks, m.UID)
			}
		} else {
			left = append(left, m)
		}
	}
	if !removed.Empty() {
		b.msgs = left
		b.modSeq++
		var recent mail.UIDSet
		for u := range b.recent.All() {
			if !removed.Contains(u) {
				recent.Add(u)
			}
		}
		b.recent = recent
	}
	return removed
}

func (v *view) Copy(ctx context.Context, set mail.UIDSet, to mail.MailboxID, opts *mail.CopyOptions) (mail.UIDMap, error) {
	need, move := mail.RightRead, opts != nil && opts.Move
	if move {
		need |= mail.RightDeleteFlag | mail.RightExpunge // RFC 6851 section 4.2
	}
	unlock, err := v.enter(ctx, "Copy", need)
	if err != nil {
		return mail.UIDMap{}, err
	}
	target, err := v.user.target(to)
	if err == nil && (!move || target.account != v.account) {
		var list []*message
		for _, m := range v.msgs {
			if set.Contains(m.UID) {
				list = append(list, m)
			}
		}
		err = target.account.roomFor(list)
	}
	if err != nil {
		unlock()
		return mail.UIDMap{}, err
	}
	m := v.moveTo(target, set, move, v.user)
	unlock()
	target.wake()
	v.wake()
	return m, nil
}

// target returns the mailbox that messages are copied to.
func (a *account) target(id mail.MailboxID) (*box, error) {
	trees := []*account{a}
	if a.store.Sharing {
		trees = slices.AppendSeq(append(trees, a.store.public), maps.Values(a.store.accounts))
	}
	for _, t := range trees {
		for _, b := range t.boxes {
			if b.id != id {
				continue
			}
			switch r := a.rights(b); {
			case r == 0:
				return nil, mail.ErrNoMailbox
			case !r.Has(mail.RightInsert):
				return nil, mail.ErrPermission
			}
			return b, nil
		}
	}
	return nil, mail.ErrNoMailbox
}

// moveTo copies messages as the user has them and, if move is set, removes the originals.
func (b *box) moveTo(target *box, set mail.UIDSet, move bool, by *account) mail.UIDMap {
	m := mail.UIDMap{UIDValidity: target.validity}
	var add []*message
	for _, src := range by.messages(b) {
		if set.Contains(src.UID) {
			c := *src
			m.From = append(m.From, src.UID)
			add = append(add, &c)
		}
	}
	if move {
		b.remove(mail.UIDSetOf(m.From...), false)
	}
	m.To = target.add(add, by)
	return m
}

// add puts messages at the end of the mailbox, in one change, with the flags that the user may give them.
func (b *box) add(list []*message, by *account) []mail.UID {
	var uids []mail.UID
	if len(list) > 0 {
		b.modSeq++
	}
	rights, foreign := by.rights(b), by.foreign(b)
	for _, m := range list {
		m.UID, m.ModSeq, m.SaveDate = b.uidNext, b.modSeq, b.account.store.now()
		m.Flags = rights.Flags(mail.Flags{}, m.Flags)
		if foreign && m.Flags.System&mail.Seen != 0 {
			b.setSeen(by, m.UID, seen{true, m.ModSeq})
			m.Flags.System &^= mail.Seen
		}
		b.uidNext++
		b.msgs = append(b.msgs, m)
		b.recent.Add(m.UID)
		b.account.size += m.Size
		uids = append(uids, m.UID)
	}
	return uids
}
