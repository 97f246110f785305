package queue

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"
)

// Extend implements [Storage].
func (s *Spool) Extend(_ context.Context, l *Lease, _ time.Duration) error {
	_, err := s.holderOf(l)
	return err
}

// Record implements [Storage].
func (s *Spool) Record(_ context.Context, l *Lease, out []Outcome) error {
	h, err := s.holderOf(l)
	if err != nil {
		return err
	}
	return s.record(h, &Finish{Outcomes: out}, true)
}

// record appends outcomes to the journal. Those who do so at the same time share a sync.
func (s *Spool) record(h *holder, f *Finish, sync bool) error {
	lost, wrote, err := s.append(h, f)
	if err != nil || !wrote || !sync {
		return err
	}
	if err := h.sync.sync(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lost != lost {
		return errSyncLost
	}
	return nil
}

var errSyncLost = errors.New("queue: a sync of the queue file has failed")

// append writes outcomes at the journal's end. lost is for the check after the sync.
func (s *Spool) append(h *holder, f *Finish) (lost int, wrote bool, err error) {
	if err := s.moveToFile(h.lease.ID, h, Active); err != nil {
		return 0, false, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.file
	var buf []byte
	sum := q.place.sum
	for i := range f.Outcomes {
		buf, sum = appendOutcome(buf, sum, &f.Outcomes[i])
	}
	if len(f.Notified) > 0 {
		buf, sum = appendNotified(buf, sum, f.Notified)
	}
	if f.Warned && !q.msg.Warned {
		buf, sum = appendWarned(buf, sum)
	}
	if f.order != nil {
		buf, sum = appendOrder(buf, sum, f.order)
	}
	if len(buf) == 0 {
		return h.lost, false, nil
	}
	if q.clock {
		buf, sum = appendArrived(buf, sum, q.msg.Arrived)
	}
	if err := s.appendTo(s.path(Active, h.lease.ID), q.end, buf, false); err != nil {
		return h.lost, false, err
	}
	q.place, q.clock = place{q.end + int64(len(buf)), sum}, false
	return h.lost, true, nil
}

// appendTo writes at the journal's end. What an append that failed, before or after a crash, has left there is cut off
// first.
func (s *Spool) appendTo(name string, at int64, buf []byte, sync bool) error {
	f, err := s.fs.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > at {
		if err := f.Truncate(at); err != nil {
			return err
		}
	}
	_, err = f.WriteAt(buf, at)
	if err == nil && sync {
		err = f.Sync()
	}
	return err
}

// syncJournal makes the journal durable as far as it has been written. When that fails, what was written since the last
// sync is as if it never was: it may be gone from the system's memory without being on the disk, and what came behind it
// could not be read. Everyone whose lines these were writes them again.
func (s *Spool) syncJournal(h *holder) error {
	if err := s.syncing.acquire(context.Background()); err != nil {
		return err
	}
	defer s.syncing.release()
	h.mu.Lock()
	at := h.file.place
	h.mu.Unlock()
	f, err := s.fs.OpenFile(s.path(Active, h.lease.ID), os.O_RDWR, 0)
	if err == nil {
		err = f.Sync()
		f.Close()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.file.place = h.safe
		h.lost++
	} else {
		h.safe = at
	}
	return err
}

// Finish implements [Storage]. A message that is done is removed, and it is the removal that is made durable: its marks
// need no sync of their own. Marks that leave a recipient pending are written but not synced.
func (s *Spool) Finish(_ context.Context, l *Lease, f Finish) error {
	h, err := s.holderOf(l)
	if err != nil {
		return err
	}
	s.mu.Lock()
	h.ending = true
	edit := h.edit
	s.mu.Unlock()
	if f.Done || edit == OpDelete {
		if ended, err := s.endLogged(l.ID, h); ended || err != nil {
			return err
		}
		if err := s.remove(Active, l.ID); err != nil {
			return err
		}
		s.letGo(l.ID, time.Time{})
		return nil
	}
	if err := s.moveToFile(l.ID, h, Active); err != nil {
		return err
	}
	if err := s.record(h, &f, f.mustLast()); err != nil {
		return err
	}
	now := s.now()
	to, due := Deferred, f.Retry
	switch {
	case edit == OpHold:
		to = Held
	case edit != 0, !due.After(now):
		to, due = Incoming, now
	}
	return s.put(l.ID, to, due)
}

// endLogged ends a lease on a message that is done, if it is in the log: a mark does it.
func (s *Spool) endLogged(id string, h *holder) (ended bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.logged.Load() == nil {
		return false, nil
	}
	if err := s.log.mark(id); err != nil {
		return false, err
	}
	h.logged.Store(nil)
	s.letGo(id, time.Time{})
	return true, nil
}

// mustLast reports whether something in f must not be forgotten.
func (f *Finish) mustLast() bool {
	for i := range f.Outcomes {
		if f.Outcomes[i].State != Pending {
			return true
		}
	}
	return f.Warned || len(f.Notified) > 0
}

// remove deletes a message for good. It may be called again after an error.
func (s *Spool) remove(from State, id string) error {
	if err := s.log.settle(id); err != nil {
		return err
	}
	if err := s.fs.Remove(s.path(from, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.dirs[from].sync(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.foreign.remove(id)
	return nil
}

// put ends a lease by moving the message to where it waits. A move to deferred needs no sync: what a crash leaves in
// active is due, which is early, but not wrong.
func (s *Spool) put(id string, to State, due time.Time) error {
	from := s.path(Active, id)
	if to == Deferred {
		if err := s.fs.Chtimes(from, due, due); err != nil {
			return err
		}
	}
	err := s.fs.Rename(from, s.path(to, id))
	if to == Held {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // done in a first attempt, whose sync failed
		}
		if err == nil {
			err = s.syncDirs(Active, Held)
		}
		due = time.Time{}
	}
	if err != nil {
		return err
	}
	s.letGo(id, due)
	return nil
}
