package queue

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// A message in the log has no file. It gets one when its first delivery doesn't end it, when an operator lays hands on it, when a
// recipient is marked, and when the Spool is closed; what only looks at it reads what is kept in memory.

// openLog makes the log of this run.
func (s *Spool) openLog() {
	s.log = newIntakeLog(s)
	s.numbers.Store(1<<39 | rand.Uint64N(1<<38))
	s.log.tidy = func(stragglers []string) { // with the log's lock held, before it is closed
		s.scans.Go(func() {
			for _, id := range stragglers {
				_ = s.moveOut(id) // what fails lives on, and is tried again with the next segment
			}
			s.log.markOrphans()
			_ = s.log.removeDone(false)
			s.log.mu.Lock()
			s.log.tidying = false
			s.log.mu.Unlock()
		})
	}
}

// writeFile writes a queue file with a message's name into a folder. The folder isn't synced.
func (s *Spool) writeFile(id string, raw []byte, st State) error {
	temp := s.path(Incoming, fmt.Sprintf("%016x", rand.Uint64())+tempSuffix)
	f, err := s.fs.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		s.mu.Lock()
		s.foreign.add(id)
		s.mu.Unlock()
		err = s.fs.Rename(temp, s.path(st, id))
	}
	if err != nil {
		_ = s.fs.Remove(temp)
	}
	return err
}

// moveToFile gives a message that somebody holds a file of its own, if it is in the log. When it fails the message is in
// the log still, and nowhere else.
func (s *Spool) moveToFile(id string, h *holder, st State) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.logged.Load()
	if k == nil {
		return nil
	}
	err := s.writeFile(id, k.raw, st)
	if err != nil {
		return err
	}
	if err = s.syncDirs(Incoming, st); err != nil {
		if s.fs.Remove(s.path(st, id)) != nil {
			s.mu.Lock()
			s.doomed[id] = true // the next scan tries to remove it again
			s.mu.Unlock()
		}
		return err
	}
	if s.log.commit(logEntry{id: id}) != nil {
		s.log.orphan(id) // whether there is a mark nobody knows: the file is what counts
	}
	h.logged.Store(nil)
	return nil
}

// moveOut gives a message a file of its own, whoever holds it.
func (s *Spool) moveOut(id string) error {
	s.mu.Lock()
	h := s.held[id]
	if h == nil {
		k := s.fresh[id]
		if k == nil || k.raw == nil {
			s.mu.Unlock()
			return nil
		}
		h = newHolder()
		s.held[id] = h
		s.hold(id, h)
		s.mu.Unlock()
		if err := s.moveToFile(id, h, Incoming); err != nil {
			s.putBack(id, h, s.now())
			return err
		}
		s.letGo(id, s.now())
		return nil
	}
	stays := h.lease != nil && !h.ending
	s.mu.Unlock()
	if !stays {
		return nil // it is moved, put back, or done, in a moment
	}
	return s.moveToFile(id, h, Active)
}

// hold gives a holder what is kept of a message in the log. The lock is held.
func (s *Spool) hold(id string, h *holder) {
	if k := s.fresh[id]; k != nil && k.raw != nil {
		delete(s.fresh, id)
		h.logged.Store(k)
		h.kept += k.size()
	}
}

// putBack ends a hold on a message that is in the log still, and is due at a time.
func (s *Spool) putBack(id string, h *holder, due time.Time) {
	s.mu.Lock()
	if k := h.logged.Load(); k != nil && s.held[id] == h && h.lease == nil {
		h.logged.Store(nil)
		h.kept -= k.size()
		s.fresh[id] = k
	}
	s.mu.Unlock()
	s.letGo(id, due)
}

// rawOf returns the queue file of a message that is in the log, and its state: nil for others.
func (s *Spool) rawOf(id string) ([]byte, State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.fresh[id]; k != nil && k.raw != nil {
		return k.raw, Incoming
	}
	if h := s.held[id]; h != nil {
		if k := h.logged.Load(); k != nil {
			if h.lease != nil {
				return k.raw, Active
			}
			return k.raw, Incoming
		}
	}
	return nil, ""
}

// inLog returns the messages that are in the log.
func (s *Spool) inLog() map[string]State {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out map[string]State
	note := func(id string, st State) {
		if out == nil {
			out = map[string]State{}
		}
		out[id] = st
	}
	for id, k := range s.fresh {
		if k.raw != nil {
			note(id, Incoming)
		}
	}
	for id, h := range s.held {
		switch {
		case h.logged.Load() == nil:
		case h.lease != nil:
			note(id, Active)
		default:
			note(id, Incoming)
		}
	}
	return out
}

// readRaw is readFile for a message in the log.
func readRaw(id string, raw []byte) (*queueFile, error) {
	q, err := readQueueFile(bytes.NewReader(raw), int64(len(raw)))
	if err == nil {
		q.msg.ID = id
	}
	return q, err
}

// emptyLog gives every message in the log a file and removes the segments. held are those that somebody held. What fails here
// is done by the next start.
func (s *Spool) emptyLog(held map[string]*holder) {
	s.log.close()
	s.scans.Wait()
	defer func() {
		for _, seg := range s.log.all {
			seg.file.Close()
		}
	}()
	s.mu.Lock()
	left := map[string]*fresh{}
	for id, k := range s.fresh {
		if k.raw != nil {
			left[id] = k
		}
	}
	s.mu.Unlock()
	for id, h := range held {
		h.mu.Lock()
		if k := h.logged.Load(); k != nil {
			left[id] = k
		}
		h.mu.Unlock()
	}
	for id, k := range left {
		if has, err := s.hasFile(id); has || err != nil {
			return // from an error: which is the truth is for the next start to find out
		}
		if s.writeFile(id, k.raw, Incoming) != nil {
			return
		}
	}
	if s.fs.SyncDir(s.path(Incoming, "")) != nil {
		return
	}
	for id := range left {
		s.log.forget(id)
	}
	for id := range s.log.orphans {
		s.log.forget(id)
	}
	_ = s.log.removeDone(true) // those in which nothing lives that has no file
}

// readMemory reads a message behind what is in buf. Of one that is longer than limit it returns the beginning, and more.
func readMemory(buf []byte, r io.Reader, limit int) (out []byte, more bool, err error) {
	begin := len(buf)
	for empty := 0; ; {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), begin+limit+1)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf)-begin > limit:
			return buf, true, nil // an error comes again
		case err == io.EOF:
			return buf, false, nil
		case err != nil:
			return buf, false, err
		case n > 0:
			empty = 0
		default:
			if empty++; empty > 100 {
				return buf, false, io.ErrNoProgress
			}
		}
	}
}
