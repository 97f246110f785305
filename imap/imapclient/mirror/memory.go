package mirror

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Memory is a [Cache] and [Outbox] in memory. The zero value is empty. It may be used by many goroutines at once.
type Memory struct {
	mu     sync.Mutex
	state  State
	msgs   map[mail.UID]Message
	drafts []memoryDraft
	serial int
}

type memoryDraft struct {
	Draft
	content []byte
}

// State implements [Cache].
func (m *Memory) State(context.Context) (State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, nil
}

// UIDs implements [Cache].
func (m *Memory) UIDs(context.Context) (mail.UIDSet, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return mail.UIDSetOf(slices.Sorted(maps.Keys(m.msgs))...), nil
}

// Changed implements [Cache].
func (m *Memory) Changed(_ context.Context, after mail.UID, max int) (out []Message, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for u, msg := range m.msgs {
		if u > after && msg.Changed() {
			out = append(out, msg)
		}
	}
	slices.SortFunc(out, func(a, b Message) int { return cmp.Compare(a.UID, b.UID) })
	return out[:min(max, len(out))], nil
}

// Messages returns all messages, in the order of their UIDs.
func (m *Memory) Messages() []Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.msgs), func(a, b Message) int { return cmp.Compare(a.UID, b.UID) })
}

// Apply implements [Cache].
func (m *Memory) Apply(_ context.Context, b *Batch) (done Applied, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.msgs)
	if b.Reset || m.msgs == nil {
		m.msgs = map[mail.UID]Message{}
	}
	if !b.Remove.Empty() {
		maps.DeleteFunc(m.msgs, func(u mail.UID, _ Message) bool { return b.Remove.Contains(u) })
	}
	done.Removed = before - len(m.msgs)
	for i := range b.News {
		msg, known := m.msgs[b.News[i].UID]
		switch {
		case !msg.Learn(&b.News[i]):
			continue
		case known:
			done.Updated++
		default:
			done.Added++
		}
		m.msgs[msg.UID] = msg
	}
	for i := range b.Stored {
		for u := range b.Stored[i].UIDs.All() {
			if msg, ok := m.msgs[u]; ok {
				msg.Took(&b.Stored[i])
				m.msgs[u] = msg
			}
		}
	}
	if b.State != nil {
		m.state = *b.State
	}
	return done, nil
}

// SetFlags changes the flags of messages here; the next Sync brings them to the server.
func (m *Memory) SetFlags(set mail.UIDSet, op mail.FlagOp, flags mail.Flags) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for u, msg := range m.msgs {
		if set.Contains(u) {
			msg.Flags = msg.Flags.Apply(op, flags)
			m.msgs[u] = msg
		}
	}
}

// Delete deletes messages here; the next Sync expunges them on the server.
func (m *Memory) Delete(set mail.UIDSet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for u, msg := range m.msgs {
		if set.Contains(u) {
			msg.Deleted = true
			m.msgs[u] = msg
		}
	}
}

// Add puts a message into the outbox.
func (m *Memory) Add(content []byte, flags mail.Flags, date time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.serial++
	m.drafts = append(m.drafts, memoryDraft{Draft{ID: strconv.Itoa(m.serial), Flags: flags, InternalDate: date, Size: int64(len(content))}, content})
}

// Drafts implements [Outbox].
func (m *Memory) Drafts(context.Context) (out []Draft, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.drafts {
		out = append(out, d.Draft)
	}
	return out, nil
}

func (m *Memory) draft(id string) int {
	return slices.IndexFunc(m.drafts, func(d memoryDraft) bool { return d.ID == id })
}

// Open implements [Outbox].
func (m *Memory) Open(_ context.Context, id string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.draft(id); i >= 0 {
		return io.NopCloser(bytes.NewReader(m.drafts[i].content)), nil
	}
	return nil, mail.ErrExpunged
}

// Attempt implements [Outbox].
func (m *Memory) Attempt(_ context.Context, id string, validity uint32, next mail.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.draft(id); i >= 0 {
		m.drafts[i].UIDValidity, m.drafts[i].UIDNext = validity, next
	}
	return nil
}

// Sent implements [Outbox].
func (m *Memory) Sent(_ context.Context, id string, _ mail.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.draft(id); i >= 0 {
		m.drafts = slices.Delete(m.drafts, i, i+1)
	}
	return nil
}
