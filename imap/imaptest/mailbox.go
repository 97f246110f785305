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
	watchers map[*func()]struct{}
	deleted  bool
	counted  mail.State // as of its HighestModSeq
	notes    notes
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

// enter begins an operation and locks the account; the returned function ends it.
func (b *box) enter(ctx context.Context, operation string) (unlock func(), err error) {
	if err := b.account.store.enter(ctx, operation); err != nil {
		return nil, err
	}
	b.account.mu.Lock()
	if b.deleted {
		b.account.mu.Unlock()
		return nil, mail.ErrNoMailbox
	}
	return b.account.mu.Unlock, nil
}

func (b *box) info() mail.MailboxInfo {
	return mail.MailboxInfo{ID: b.id, Name: b.name, Use: b.use}
}

func (b *box) Info() mail.MailboxInfo {
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	info := b.info()
	info.Subscribed, info.HasChildren = b.account.subscribed[b.name], b.account.hasBelow(b.name)
	return info
}

func (b *box) size() (n int64) {
	for _, m := range b.msgs {
		n += m.Size
	}
	return n
}

// state counts, unless nothing has changed since it last did.
func (b *box) state() mail.State {
	if b.counted.HighestModSeq == b.modSeq && b.counted.UIDValidity != 0 {
		b.counted.Recent = uint32(b.recent.Count())
		return b.counted
	}
	s := mail.State{UIDValidity: b.validity, UIDNext: b.uidNext, HighestModSeq: b.modSeq, Messages: uint32(len(b.msgs)),
		Recent: uint32(b.recent.Count()), Size: b.size()}
	for _, m := range b.msgs {
		if m.Flags.System&mail.Seen == 0 {
			s.Unseen++
		}
		if m.Flags.System&mail.Deleted != 0 {
			s.Deleted++
		}
	}
	b.counted = s
	return s
}

func (b *box) State(ctx context.Context) (mail.State, error) {
	unlock, err := b.enter(ctx, "State")
	if err != nil {
		return mail.State{}, err
	}
	defer unlock()
	return b.state(), nil
}

func (b *box) Messages(ctx context.Context, set mail.UIDSet, f mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		unlock, err := b.enter(ctx, "Messages")
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		msgs := b.msgs
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

func (b *box) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	unlock, err := b.enter(ctx, "OpenBody")
	if err != nil {
		return nil, err
	}
	defer unlock()
	i, ok := find(b.msgs, uid)
	if !ok {
		return nil, mail.ErrExpunged
	}
	return body(b.msgs[i].content), nil
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

// TakeRecent implements [mail.RecentTaker].
func (b *box) TakeRecent(ctx context.Context) (mail.UIDSet, error) {
	unlock, err := b.enter(ctx, "TakeRecent")
	if err != nil {
		return mail.UIDSet{}, err
	}
	defer unlock()
	out := b.recent
	b.recent = mail.UIDSet{}
	return out, nil
}

func (b *box) Changes(ctx context.Context, since mail.ModSeq) (mail.Changes, error) {
	unlock, err := b.enter(ctx, "Changes")
	if err != nil {
		return mail.Changes{}, err
	}
	defer unlock()
	if since >= b.modSeq {
		return mail.Changes{State: b.state()}, nil
	}
	if since < b.floor {
		return mail.Changes{}, mail.ErrTooOld
	}
	ch := mail.Changes{State: b.state()}
	for _, m := range b.msgs {
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

func (b *box) Watch(wake func()) (cancel func()) {
	key := &wake
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	b.watchers[key] = struct{}{}
	return func() {
		b.account.mu.Lock()
		defer b.account.mu.Unlock()
		delete(b.watchers, key)
	}
}

// wake gives everybody who watches a hint. The account must not be locked.
func (b *box) wake() {
	b.account.mu.Lock()
	var list []func()
	for w := range b.watchers {
		list = append(list, *w)
	}
	b.account.mu.Unlock()
	for _, w := range list {
		w()
	}
}

func (b *box) Close() error { return nil }

// ForgetChanges makes the named mailbox forget how it came to be as it is, so that [mail.Mailbox.Changes] is too old for
// everybody who has not asked yet.
func (s *Store) ForgetChanges(accountName, mailbox string) {
	s.mu.Lock()
	a := s.accounts[accountName]
	s.mu.Unlock()
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.boxes[mailbox]; b != nil {
		b.modSeq++
		b.floor, b.vanished = b.modSeq, nil
	}
}
