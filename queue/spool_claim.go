package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// maxFailed is how many files that can't be read, on a bad spot of the disk perhaps, don't keep a Claim from the others.
const maxFailed = 10

// Claim implements [Storage]. Leases of a Spool last until it is closed: nobody else can have the messages.
func (s *Spool) Claim(ctx context.Context, q ClaimQuery) (leases []*Lease, next time.Time, err error) {
	if err := s.use(); err != nil {
		return nil, time.Time{}, err
	}
	s.mu.Lock()
	s.beginScan()
	s.mu.Unlock()
	recipients, rescanned := 0, false
	var failed []error
	for len(leases) < q.Messages && (q.Recipients == 0 || recipients < q.Recipients) {
		if err := ctx.Err(); err != nil {
			return leases, s.now(), nil
		}
		id, ok := s.take()
		if !ok {
			// Nothing is due only when nothing is left to be found.
			again := false
			if len(leases) == 0 {
				again, err = s.awaitNews(ctx)
			}
			if err != nil {
				return nil, s.now().Add(time.Second), err
			}
			if !again && len(leases) == 0 && !rescanned {
				// The last scan may have found more than there was room for, and what there was is gone.
				s.mu.Lock()
				s.beginScan()
				again, rescanned = s.scan != nil, true
				s.mu.Unlock()
			}
			if !again {
				break
			}
			continue
		}
		l, one := s.claim(id, q.Refill)
		if one != nil {
			if failed = append(failed, one); len(failed) == maxFailed {
				break
			}
		}
		if l != nil {
			leases = append(leases, l)
			recipients += l.Message.pending()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next = s.scanned.Add(orTime(s.RescanDelay, 300*time.Second))
	if at, ok := s.due.next(); ok && at.Before(next) {
		next = at
	}
	return leases, next, errors.Join(failed...)
}

// take pops the next hint and takes hold of its message, if nobody has.
func (s *Spool) take() (string, bool) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		id, ok := s.due.pop(now)
		if !ok {
			return "", false
		}
		if h := s.held[id]; h != nil {
			h.wanted = h.lease == nil
			continue
		}
		s.held[id] = newHolder()
		return id, true
	}
}

// claim leases the message that take has got hold of, if it is there and due.
func (s *Spool) claim(id string, n int) (*Lease, error) {
	s.mu.Lock()
	h := s.held[id]
	if h == nil {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	kept := s.takeFresh(id, h)
	s.mu.Unlock()
	if kept != nil && (n == 0 || len(kept.file.msg.Recipients) <= n) {
		if l := s.claimFresh(id, kept); l != nil {
			return l, nil
		}
	}
	later := s.now().Add(time.Minute) // after an error
	if err := s.moveToFile(id, h, Incoming); err != nil {
		s.putBack(id, h, later)
		return nil, err
	}
	from, due, err := s.dueIn(id)
	if err != nil {
		s.letGo(id, later)
		return nil, err
	}
	if from == "" {
		s.letGo(id, time.Time{})
		return nil, nil
	}
	if due.After(s.now()) {
		s.letGo(id, due)
		return nil, nil
	}
	if from != Active {
		if err := s.fs.Rename(s.path(from, id), s.path(Active, id)); err != nil {
			s.letGo(id, later)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, nil
			}
			return nil, err
		}
	}
	f, err := s.readPart(Active, id, n)
	if errors.Is(err, ErrCorrupt) {
		return nil, s.setAside(Active, id, err)
	}
	if err != nil {
		s.letGo(id, later)
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id] != h {
		return nil, ErrClosed
	}
	return s.lease(h, id, f, due), nil
}

// dueIn looks where a message waits and since or until when. "" means nowhere. One that is in active, though nobody has it,
// is left from an error and due.
func (s *Spool) dueIn(id string) (State, time.Time, error) {
	for _, st := range []State{Incoming, Deferred, Active} {
		info, err := s.fs.Stat(s.path(st, id))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", time.Time{}, err
		}
		due := info.ModTime()
		if now := s.now(); st != Deferred && due.After(now) {
			due = now
		}
		return st, due, nil
	}
	return "", time.Time{}, nil
}

// Refill implements [Storage].
func (s *Spool) Refill(_ context.Context, l *Lease, n int) (*Message, error) {
	h, err := s.holderOf(l)
	if err != nil {
		return nil, err
	}
	if h.logged.Load() != nil {
		return nil, nil // all recipients are in the lease
	}
	f, err := s.fs.OpenFile(s.path(Active, l.ID), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.file.env
	m, err := h.file.refill(f, n)
	if err != nil {
		h.file.env = before
	}
	l.Rest = h.file.env.left()
	return m, err
}

// readFile reads a message's envelope and journal.
func (s *Spool) readFile(st State, id string) (*queueFile, error) { return s.readPart(st, id, 0) }

// readPart is readFile with at most n recipients, all for 0.
func (s *Spool) readPart(st State, id string, n int) (*queueFile, error) {
	// Asked before it is opened, which for a named pipe would last until somebody writes to it.
	info, err := s.fs.Stat(s.path(st, id))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a file", ErrCorrupt)
	}
	f, err := s.fs.OpenFile(s.path(st, id), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	q, err := readQueuePart(f, info.Size(), n)
	if err != nil {
		return nil, err
	}
	q.msg.ID = id // a file that an operator has renamed goes by its new name
	return q, nil
}

// letGo ends the hold on a message. due, unless it is zero, is when it is due; a hint that came meanwhile counts as well.
func (s *Spool) letGo(id string, due time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if h == nil {
		return
	}
	s.drop(id)
	if h.wanted {
		s.hint(s.now(), id)
	} else if !due.IsZero() {
		s.hint(due, id)
	}
}

// drop ends a hold. The lock is held.
func (s *Spool) drop(id string) {
	if h := s.held[id]; h != nil {
		close(h.done)
		delete(s.held, id)
		s.freshSize -= h.kept
		h.kept = 0
	}
}

// setAside moves a damaged file to the folder corrupt and lets go of it.
func (s *Spool) setAside(from State, id string, why error) error {
	err := s.fs.Rename(s.path(from, id), s.path(Corrupt, id))
	if err != nil {
		s.letGo(id, s.now().Add(time.Minute)) // it is found damaged again
		return err
	}
	err = s.syncDirs(from, Corrupt)
	s.letGo(id, time.Time{})
	if s.SetAside != nil {
		s.SetAside(id, why)
	}
	return err
}

// SetCorrupt implements [Storage].
func (s *Spool) SetCorrupt(_ context.Context, l *Lease, why error) error {
	h, err := s.holderOf(l)
	if err != nil {
		return err
	}
	if err := s.moveToFile(l.ID, h, Active); err != nil {
		return err
	}
	return s.setAside(Active, l.ID, why)
}

// holderOf returns the holder of a lease that is still good.
func (s *Spool) holderOf(l *Lease) (*holder, error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[l.ID]
	if h == nil || h.lease == nil || h.lease.Fence != l.Fence {
		return nil, ErrFenced
	}
	return h, nil
}

func (m *Message) pending() int {
	n := 0
	for i := range m.Recipients {
		if m.Recipients[i].State == Pending {
			n++
		}
	}
	return n
}
