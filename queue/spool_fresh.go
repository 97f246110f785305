package queue

import (
	"bytes"
	"io"
	"slices"
	"time"
)

// A message that has just been accepted is about to be read again, by its first delivery. Small ones are kept in memory for
// that, as many as there is room for. The truth is on disk, as for all others: what is kept is used only for a message that
// nobody has touched since, and only for its first lease.

// freshLimit is how large a message may be to be kept.
const freshLimit = 32 << 10

// fresh is a message that is kept.
type fresh struct {
	file    *queueFile
	content []byte
	raw     []byte // the queue file, of which content is a part, if the message is in the log
}

func (f *fresh) size() int { return max(len(f.content), len(f.raw)) }

// room is how many octets are kept.
func (s *Spool) room() int {
	if s.Fresh == 0 {
		return 4 << 20
	}
	return s.Fresh
}

// keep notes a message whose file has just become durable. The lock is held.
func (s *Spool) keep(id string, f *fresh) {
	if f == nil || s.freshSize+f.size() > s.room() {
		return
	}
	s.fresh[id] = f
	s.freshSize += f.size()
}

// takeFresh gives what is kept of a message to its holder, who claims it, or edits it and thereby makes it worthless unless it is
// in the log. The lock is held.
func (s *Spool) takeFresh(id string, h *holder) *fresh {
	f := s.fresh[id]
	switch {
	case f == nil:
	case f.raw != nil:
		s.hold(id, h)
	default:
		delete(s.fresh, id)
		s.freshSize -= f.size()
	}
	return f
}

// freshOf makes a copy of a message as readQueueFile would have it, nil if that is not worth the trouble.
func freshOf(m *Message, p *prologue, content []byte) *fresh {
	o := &m.Options
	if content == nil || len(m.Recipients) > 10 || o.DeliverBy != nil || !o.Hold.Until.IsZero() || len(o.Extra) > 0 {
		return nil
	}
	msg := *m
	msg.Recipients = slices.Clone(m.Recipients)
	for i := range msg.Recipients {
		r := &msg.Recipients[i]
		if len(r.Options.Extra) > 0 || !r.Options.ValidSince.IsZero() {
			return nil
		}
		r.State, r.Owed, r.Last = Pending, false, Attempt{}
	}
	f := &queueFile{prologue: *p, msg: &msg}
	f.was = f.journalAt()
	f.env = envelopeReader{at: f.contentAt(), next: len(msg.Recipients), total: len(msg.Recipients), end: f.contentAt()}
	f.place = place{f.journalAt(), p.sum}
	return &fresh{file: f, content: content}
}

// claimFresh leases a message that is kept. It returns nil if it isn't where it was, which claim finds out.
func (s *Spool) claimFresh(id string, f *fresh) *Lease {
	if f.raw == nil && s.fs.Rename(s.path(Incoming, id), s.path(Active, id)) != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if h == nil {
		return nil
	}
	h.content = f.content
	if f.raw == nil {
		h.kept = f.size()
		s.freshSize += h.kept
	}
	return s.lease(h, id, f.file, s.now())
}

// lease makes the lease of a message that is in active. The lock is held.
func (s *Spool) lease(h *holder, id string, f *queueFile, due time.Time) *Lease {
	s.fence++
	h.file, h.safe = f, f.place
	f.clock = f.msg.arrivedNow(s.now())
	h.sync.do = func() error { return s.syncJournal(h) }
	h.lease = &Lease{ID: id, Fence: s.fence, Message: f.msg, Rest: f.env.left(), Due: due}
	if h.lease.Rest > 0 {
		head := *f.msg
		head.Recipients = nil // the part is the caller's
		f.msg = &head
	}
	return h.lease
}

// freshContent is the content of a message that is kept.
type freshContent struct{ bytes.Reader }

func newFreshContent(b []byte) Content {
	c := &freshContent{}
	c.Reset(b)
	return c
}

func (c *freshContent) Close() error { return nil }

var _ io.Seeker = (*freshContent)(nil)
