package imaptest

import (
	"context"
	"io"
	"iter"
	"slices"

	"github.com/buuta/mail"
)

// box is a mailbox; sessions share it. msgs is never changed in place but for appending, so that whoever has copied the
// slice under the lock has a picture of one moment.
type box struct {
	account  *account
	name     string
	id       mail.MailboxID
	use      []mail.SpecialUse
	validity uint32
	uidNext  mail.UID
	modSeq   mail.ModSeq
	msgs     []*message
	vanished []vanishing
	floor    mail.ModSeq // changes up to here are forgotten
	recent   mail.UIDSet
	watchers map[*func()]*view
	deleted  bool
	counted  mail.State // as of its HighestModSeq
	notes    notes
	private  map[*account]notes // of those who are not the owner
	acl      []mail.ACLEntry
	seen     map[*account]map[mail.UID]seen // of those who are not the owner
}

// view is a mailbox in a user's hands.
type view struct {
	*box
	user *account
}

// message is what a mailbox knows of one, and its content. It is never changed.
type message struct {
	mail.Message
	content []byte
}

type vanishing struct {
	uid mail.UID
	at  mail.ModSeq
}

// enter begins an operation that takes rights, and locks the store; the returned function ends it.
func (v *view) enter(ctx context.Context, operation string, need mail.Rights) (unlock func(), err error) {
	s := v.account.store
	if err := s.enter(ctx, operation); err != nil {
		return nil, err
	}
	s.mu.Lock()
	r := v.user.rights(v.box)
	switch {
	case v.deleted || r == 0:
		err = mail.ErrNoMailbox
	case !r.Has(need):
		err = mail.ErrPermission
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	return s.mu.Unlock, nil
}

func (v *view) Info() mail.MailboxInfo {
	v.account.store.mu.Lock()
	defer v.account.store.mu.Unlock()
	info := mail.MailboxInfo{ID: v.id, Name: v.user.title(v.box), Use: v.use}
	info.Subscribed, info.HasChildren = v.user.subscribed[info.Name], v.user.seesBelow(info.Name)
	return info
}

func (b *box) size() (n int64) {
	for _, m := range b.msgs {
		n += m.Size
	}
	return n
}

// state counts as the user sees it, unless nothing has changed since it last did so for the owner.
func (v *view) state() mail.State {
	b := v.box
	foreign := v.user.foreign(b)
	if !foreign && b.counted.HighestModSeq == b.modSeq && b.counted.UIDValidity != 0 {
		b.counted.Recent = uint32(b.recent.Count())
		return b.counted
	}
	s := mail.State{UIDValidity: b.validity, UIDNext: b.uidNext, HighestModSeq: b.modSeq, Messages: uint32(len(b.msgs)), Size: b.size()}
	for _, m := range v.user.messages(b) {
		if m.Flags.System&mail.Seen == 0 {
			s.Unseen++
		}
		if m.Flags.System&mail.Deleted != 0 {
			s.Deleted++
		}
	}
	if !foreign {
		s.Recent = uint32(b.recent.Count())
		b.counted = s
	}
	return s
}

func (v *view) State(ctx context.Context) (mail.State, error) {
	unlock, err := v.enter(ctx, "State", mail.RightRead)
	if err != nil {
		return mail.State{}, err
	}
	defer unlock()
	return v.state(), nil
}

func (v *view) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		unlock, err := v.enter(ctx, "Messages", mail.RightRead)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		msgs := v.user.messages(v.box)
		unlock()
		for _, r := range set.Ranges() {
			i, _ := find(msgs, r.First)
			for ; i < len(msgs) && msgs[i].UID <= r.Last; i++ {
				if !yield(choose(&msgs[i].Message, f), nil) {
					return
				}
			}
		}
	}
}

// choose leaves out the fields that were not asked for, so that nobody comes to rely on them.
func choose(m *mail.Message, f mail.Fields) mail.Message {
	out := mail.Message{UID: m.UID}
	if f&mail.FieldFlags != 0 {
		out.Flags, out.ModSeq = m.Flags, m.ModSeq
	}
	if f&mail.FieldDate != 0 {
		out.InternalDate, out.SaveDate = m.InternalDate, m.SaveDate
	}
	if f&mail.FieldSize != 0 {
		out.Size = m.Size
	}
	if f&mail.FieldGUID != 0 {
		out.GUID = m.GUID
	}
	if f&mail.FieldIndex != 0 {
		out.Index = m.Index
	}
	return out
}

func find(msgs []*message, u mail.UID) (int, bool) {
	return slices.BinarySearchFunc(msgs, u, func(m *message, u mail.UID) int {
		switch {
		case m.UID < u:
			return -1
		case m.UID > u:
			return 1
		}
		return 0
	})
}

func (v *view) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	unlock, err := v.enter(ctx, "OpenBody", mail.RightRead)
	if err != nil {
		return nil, err
	}
	defer unlock()
	i, ok := find(v.msgs, uid)
	if !ok {
		return nil, mail.ErrExpunged
	}
	return body(v.msgs[i].content), nil
}

// body is a message's content.
type body []byte

func (b body) Size() int64  { return int64(len(b)) }
func (b body) Close() error { return nil }

func (b body) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// TakeRecent implements [mail.RecentTaker]. Only the owner has recent messages.
func (v *view) TakeRecent(ctx context.Context) (mail.UIDSet, error) {
	unlock, err := v.enter(ctx, "TakeRecent", mail.RightRead)
	if err != nil {
		return mail.UIDSet{}, err
	}
	defer unlock()
	if v.user.foreign(v.box) {
		return mail.UIDSet{}, nil
	}
	out := v.recent
	v.recent = mail.UIDSet{}
	return out, nil
}

func (v *view) Changes(ctx context.Context, since mail.ModSeq) (mail.Changes, error) {
	b := v.box
	unlock, err := v.enter(ctx, "Changes", mail.RightRead)
	if err != nil {
		return mail.Changes{}, err
	}
	defer unlock()
	if since >= b.modSeq {
		return mail.Changes{State: v.state()}, nil
	}
	if since < b.floor {
		return mail.Changes{}, mail.ErrTooOld
	}
	ch := mail.Changes{State: v.state()}
	for _, m := range v.user.messages(b) {
		if m.ModSeq > since {
			ch.Changed = append(ch.Changed, choose(&m.Message, mail.FieldFlags))
		}
	}
	var gone []mail.UID
	for _, v := range b.vanished {
		if v.at > since {
			gone = append(gone, v.uid)
		}
	}
	ch.Vanished = mail.UIDSetOf(gone...)
	return ch, nil
}

func (v *view) Close() error { return nil }

// ForgetChanges makes the named mailbox forget how it came to be as it is, so that [mail.Mailbox.Changes] is too old for
// everybody who has not asked yet.
func (s *Store) ForgetChanges(accountName, mailbox string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[accountName]
	if a == nil {
		return
	}
	if b := a.boxes[mailbox]; b != nil {
		b.modSeq++
		b.floor, b.vanished = b.modSeq, nil
	}
}
