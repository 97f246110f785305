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
}

// keep notes a message whose file has just become durable. The lock is held.
func (s *Spool) keep(id string, f *fresh) {
	room := s.Fresh
	if room == 0 {
		room = 4 << 20
	}
	if f == nil || s.freshSize+len(f.content) > room {
		return
	}
	s.fresh[id] = f
	s.freshSize += len(f.content)
}

// takeFresh gives what is kept of a message to whoever claims it, or edits it and thereby makes it worthless. The lock is held.
func (s *Spool) takeFresh(id string) *fresh {
	f := s.fresh[id]
	if f != nil {
		delete(s.fresh, id)
		s.freshSize -= len(f.content)
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
	return &fresh{f, content}
}

// claimFresh leases a message that is kept. It returns nil if it isn't where it was, which claim finds out.
func (s *Spool) claimFresh(id string, f *fresh) *Lease {
	if s.fs.Rename(s.path(Incoming, id), s.path(Active, id)) != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if h == nil {
		return nil
	}
	h.content = f.content
	s.freshSize += len(f.content)
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
