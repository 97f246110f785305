package imaptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime"
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

func (b *box) SetFlags(ctx context.Context, set mail.UIDSet, c mail.FlagChange) (mail.FlagResult, error) {
	if err := checkKeywords(c.Flags); err != nil {
		return mail.FlagResult{}, err
	}
	unlock, err := b.enter(ctx, "SetFlags")
	if err != nil {
		return mail.FlagResult{}, err
	}
	var res mail.FlagResult
	msgs := slices.Clone(b.msgs)
	next := b.modSeq + 1
	for _, r := range set.Ranges() {
		i, _ := find(msgs, r.First)
		for ; i < len(msgs) && msgs[i].UID <= r.Last; i++ {
			m := *msgs[i]
			if (c.UnchangedSince > 0 || c.UnchangedSinceZero) && m.ModSeq > c.UnchangedSince {
				res.Modified.Add(m.UID)
				continue
			}
			flags := m.Flags.Apply(c.Op, c.Flags)
			if flags.Equal(m.Flags) {
				continue
			}
			m.Flags, m.ModSeq = flags, next
			msgs[i] = &m
			res.Changed.Add(m.UID)
		}
	}
	if !res.Changed.Empty() {
		b.msgs, b.modSeq = msgs, next
	}
	res.ModSeq = b.modSeq
	unlock()
	if !res.Changed.Empty() {
		b.wake()
	}
	return res, nil
}

func (b *box) Expunge(ctx context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	unlock, err := b.enter(ctx, "Expunge")
	if err != nil {
		return mail.ExpungeResult{}, err
	}
	removed := b.remove(set, opts != nil && opts.OnlyDeleted)
	res := mail.ExpungeResult{ModSeq: b.modSeq, Removed: removed}
	unlock()
	if !removed.Empty() {
		b.wake()
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

func (b *box) Copy(ctx context.Context, set mail.UIDSet, to mail.MailboxID, opts *mail.CopyOptions) (mail.UIDMap, error) {
	unlock, err := b.enter(ctx, "Copy")
	if err != nil {
		return mail.UIDMap{}, err
	}
	var target *box
	for _, other := range b.account.boxes {
		if other.id == to {
			target = other
		}
	}
	if target == nil {
		unlock()
		return mail.UIDMap{}, mail.ErrNoMailbox
	}
	move := opts != nil && opts.Move
	if !move {
		var list []*message
		for _, m := range b.msgs {
			if set.Contains(m.UID) {
				list = append(list, m)
			}
		}
		if err := b.account.roomFor(list); err != nil {
			unlock()
			return mail.UIDMap{}, err
		}
	}
	m := b.moveTo(target, set, move)
	unlock()
	target.wake()
	b.wake()
	return m, nil
}

// moveTo copies messages and, if move is set, removes the originals.
func (b *box) moveTo(target *box, set mail.UIDSet, move bool) mail.UIDMap {
	m := mail.UIDMap{UIDValidity: target.validity}
	var add []*message
	for _, src := range b.msgs {
		if set.Contains(src.UID) {
			c := *src
			m.From = append(m.From, src.UID)
			add = append(add, &c)
		}
	}
	if move {
		b.remove(mail.UIDSetOf(m.From...), false)
	}
	m.To = target.add(add)
	return m
}

// add puts messages at the end of the mailbox, in one change.
func (b *box) add(list []*message) []mail.UID {
	var uids []mail.UID
	if len(list) > 0 {
		b.modSeq++
	}
	for _, m := range list {
		m.UID, m.ModSeq, m.SaveDate = b.uidNext, b.modSeq, b.account.store.now()
		b.uidNext++
		b.msgs = append(b.msgs, m)
		b.recent.Add(m.UID)
		b.account.size += m.Size
		uids = append(uids, m.UID)
	}
	return uids
}

func (b *box) Append(ctx context.Context) (mail.Append, error) {
	unlock, err := b.enter(ctx, "Append")
	if err != nil {
		return nil, err
	}
	defer unlock()
	return &appending{box: b}, nil
}

// appending implements [mail.Append].
type appending struct {
	box   *box
	list  []*message
	token string
	ended bool
}

func (a *appending) Add(ctx context.Context, r io.Reader, opts *mail.AppendOptions) error {
	if err := a.box.account.store.enter(ctx, "Add"); err != nil {
		return err
	}
	if a.ended {
		return errEnded
	}
	if opts == nil {
		opts = &mail.AppendOptions{}
	}
	if err := checkKeywords(opts.Flags); err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	index, err := mime.BuildIndex(bytes.NewReader(content), int64(len(content)), nil)
	if err != nil {
		return err
	}
	m := &message{content: content}
	if m.Index, err = index.AppendBinary(nil); err != nil {
		return err
	}
	m.Flags = mail.Flags{System: opts.Flags.System, Keywords: slices.Clone(opts.Flags.Keywords)}
	m.Size, m.GUID, m.InternalDate = int64(len(content)), opts.GUID, opts.InternalDate
	if m.InternalDate.IsZero() {
		m.InternalDate = a.box.account.store.now()
	}
	a.list = append(a.list, m)
	a.token += opts.Token
	return nil
}

func (a *appending) Commit(ctx context.Context) (mail.Appended, error) {
	unlock, err := a.box.enter(ctx, "Commit")
	if err != nil {
		return mail.Appended{}, err
	}
	if a.ended {
		unlock()
		return mail.Appended{}, errEnded
	}
	a.ended = true
	acc := a.box.account
	if t, ok := acc.tokens[a.token]; ok && a.token != "" && acc.store.now().Sub(t.at) < 24*time.Hour {
		unlock()
		return t.done, nil
	}
	if err := acc.roomFor(a.list); err != nil {
		unlock()
		return mail.Appended{}, err
	}
	for _, m := range a.list {
		if m.GUID == "" {
			acc.guids++
			m.GUID = mail.GUID(fmt.Sprintf("msg-%d-%s", acc.guids, a.box.id))
		}
	}
	done := mail.Appended{UIDValidity: a.box.validity, UIDs: a.box.add(a.list), ModSeq: a.box.modSeq}
	if a.token != "" {
		acc.tokens[a.token] = token{done, acc.store.now()}
	}
	unlock()
	a.box.wake()
	return done, nil
}

func (a *appending) Abort() error {
	a.list, a.ended = nil, true
	return nil
}
