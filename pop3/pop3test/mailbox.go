package pop3test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/buuta/mail"
)

// mailbox is an inbox as [mail.Mailbox].
type mailbox struct{ b *inbox }

func (m mailbox) lock() *inbox {
	m.b.store.mu.Lock()
	return m.b
}

// unlock ends a change: whoever watches is woken.
func (m mailbox) unlock(changed bool) {
	var wake []func()
	if changed {
		wake = slices.Collect(maps.Values(m.b.watchers))
	}
	m.b.store.mu.Unlock()
	for _, w := range wake {
		w()
	}
}

func (m mailbox) Info() mail.MailboxInfo { return m.b.info() }
func (m mailbox) Close() error           { return nil }

func (m mailbox) State(context.Context) (mail.State, error) {
	defer m.unlock(false)
	return m.lock().state(), nil
}

func (m mailbox) Messages(ctx context.Context, set mail.UIDSet, _ mail.Fields) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		all := m.lock().messages // what is in it never changes
		m.unlock(false)
		for _, msg := range all {
			if err := ctx.Err(); err != nil {
				yield(mail.Message{}, err)
				return
			}
			if set.Contains(msg.UID) && !yield(msg.Message, nil) {
				return
			}
		}
	}
}

func (m mailbox) OpenBody(_ context.Context, uid mail.UID) (mail.Body, error) {
	defer m.unlock(false)
	for _, msg := range m.lock().messages {
		if msg.UID == uid {
			return content{bytes.NewReader(msg.content)}, nil
		}
	}
	return nil, mail.ErrExpunged
}

func (m mailbox) SetFlags(_ context.Context, set mail.UIDSet, c mail.FlagChange) (mail.FlagResult, error) {
	var r mail.FlagResult
	defer func() { m.unlock(!r.Changed.Empty()) }()
	b := m.lock()
	next := b.modSeq + 1
	b.messages = slices.Clone(b.messages)
	for i := range b.messages {
		msg := &b.messages[i]
		if !set.Contains(msg.UID) {
			continue
		}
		if (c.UnchangedSince > 0 || c.UnchangedSinceZero) && msg.ModSeq > c.UnchangedSince {
			r.Modified.Add(msg.UID)
			continue
		}
		if f := msg.Flags.Apply(c.Op, c.Flags); !f.Equal(msg.Flags) {
			msg.Flags, msg.ModSeq, b.modSeq = f, next, next
			r.Changed.Add(msg.UID)
		}
	}
	r.ModSeq = b.modSeq
	return r, nil
}

func (m mailbox) Expunge(_ context.Context, set mail.UIDSet, opts *mail.ExpungeOptions) (mail.ExpungeResult, error) {
	var r mail.ExpungeResult
	defer func() { m.unlock(!r.Removed.Empty()) }()
	b := m.lock()
	next := b.modSeq + 1
	b.messages = slices.DeleteFunc(slices.Clone(b.messages), func(msg stored) bool {
		if !set.Contains(msg.UID) || opts != nil && opts.OnlyDeleted && msg.Flags.System&mail.Deleted == 0 {
			return false
		}
		r.Removed.Add(msg.UID)
		b.vanished[msg.UID], b.modSeq = next, next
		return true
	})
	r.ModSeq = b.modSeq
	return r, nil
}

func (m mailbox) Changes(_ context.Context, since mail.ModSeq) (mail.Changes, error) {
	defer m.unlock(false)
	b := m.lock()
	c := mail.Changes{State: b.state()}
	for _, msg := range b.messages {
		if msg.ModSeq > since {
			c.Changed = append(c.Changed, msg.Message)
		}
	}
	for uid, seq := range b.vanished {
		if seq > since {
			c.Vanished.Add(uid)
		}
	}
	return c, nil
}

func (m mailbox) Watch(wake func()) (cancel func()) {
	defer m.unlock(false)
	b := m.lock()
	b.watch++
	id := b.watch
	b.watchers[id] = wake
	return func() {
		defer m.unlock(false)
		delete(m.lock().watchers, id)
	}
}

// Copy can copy to nowhere but the INBOX itself.
func (m mailbox) Copy(_ context.Context, set mail.UIDSet, to mail.MailboxID, opts *mail.CopyOptions) (mail.UIDMap, error) {
	u := mail.UIDMap{UIDValidity: 1}
	if to != m.b.info().ID {
		return u, mail.ErrNoMailbox
	}
	defer func() { m.unlock(len(u.To) > 0) }()
	b := m.lock()
	for _, msg := range b.messages {
		if set.Contains(msg.UID) {
			u.From = append(u.From, msg.UID)
			u.To = append(u.To, b.add(msg))
		}
	}
	if opts != nil && opts.Move && len(u.From) > 0 {
		b.modSeq++
		b.messages = slices.DeleteFunc(slices.Clone(b.messages), func(msg stored) bool { return slices.Contains(u.From, msg.UID) })
		for _, uid := range u.From {
			b.vanished[uid] = b.modSeq
		}
	}
	return u, nil
}

func (m mailbox) Append(context.Context) (mail.Append, error) { return &appending{m: m}, nil }

// appending is messages on their way in.
type appending struct {
	m     mailbox
	added []stored
	token string
	done  bool
}

var errEnded = errors.New("pop3test: append has ended")

func (a *appending) Add(_ context.Context, r io.Reader, opts *mail.AppendOptions) error {
	if a.done {
		return errEnded
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if opts == nil {
		opts = new(mail.AppendOptions)
	}
	msg := stored{Message: mail.Message{Flags: opts.Flags, InternalDate: opts.InternalDate, GUID: opts.GUID}, content: b}
	if msg.InternalDate.IsZero() {
		msg.InternalDate = time.Now()
	}
	if opts.Token != "" {
		a.token = opts.Token
	}
	a.added = append(a.added, msg)
	return nil
}

func (a *appending) Commit(context.Context) (mail.Appended, error) {
	if a.done {
		return mail.Appended{}, errEnded
	}
	a.done = true
	defer func() { a.m.unlock(true) }()
	b := a.m.lock()
	if known, ok := b.tokens[a.token]; ok && a.token != "" {
		return known, nil
	}
	r := mail.Appended{UIDValidity: 1}
	for _, msg := range a.added {
		r.UIDs = append(r.UIDs, b.add(msg))
	}
	r.ModSeq = b.modSeq
	if a.token != "" {
		b.tokens[a.token] = r
	}
	return r, nil
}

func (a *appending) Abort() error {
	a.done = true
	return nil
}
