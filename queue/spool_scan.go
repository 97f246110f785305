package queue

import (
	"context"
	"hash/maphash"
	"strings"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// recover cleans up after a crash and learns which ids must not be given. It reads names alone, which takes a second for a
// million files; when they are due a scan finds out, while mail is accepted and delivered.
func (s *Spool) recover() error {
	var active []string
	for e, err := range vfs.Entries(s.fs, s.path(Active, "")) {
		if err != nil {
			return err
		}
		active = append(active, e.Name())
	}
	for _, id := range active {
		if err := s.fs.Rename(s.path(Active, id), s.path(Incoming, id)); err != nil {
			return err
		}
	}
	var temps, segments []string
	for _, st := range spoolStates {
		for e, err := range vfs.Inodes(s.fs, s.path(st, "")) {
			if err != nil && e.Name == "" {
				return err
			}
			if st == Incoming && strings.HasSuffix(e.Name, tempSuffix) {
				temps = append(temps, e.Name)
			} else if st == Incoming && isSegment(e.Name) {
				segments = append(segments, e.Name)
			} else if e.Inode != 0 && validID(e.Name) && !idHas(e.Name, e.Inode) {
				s.foreign.add(e.Name)
			}
		}
	}
	for _, name := range temps {
		if err := s.fs.Remove(s.path(Incoming, name)); err != nil {
			return err
		}
	}
	return s.replay(segments)
}

// idSet is a set of ids, of which it keeps hashes alone: a queue of a million messages that was restored from a backup fits
// into it. An id that is in it by accident is not given, which harms nobody.
type idSet struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newIDSet() idSet { return idSet{maphash.MakeSeed(), map[uint64]struct{}{}} }

func (s *idSet) add(id string)    { s.hashes[maphash.String(s.seed, id)] = struct{}{} }
func (s *idSet) remove(id string) { delete(s.hashes, maphash.String(s.seed, id)) }
func (s *idSet) has(id string) bool {
	_, ok := s.hashes[maphash.String(s.seed, id)]
	return ok
}

// scanOf is a scan that is running.
type scanOf struct {
	recent []dueEntry // hints that have come meanwhile
}

// beginScan starts to read the folders again when it is time, or when the hints have run out but are not all there is. The
// lock is held.
func (s *Spool) beginScan() {
	now := s.now()
	s.look(now)
	old := now.Sub(s.scanned) >= orTime(s.RescanDelay, 300*time.Second) || s.doubt
	if s.scan != nil || s.closed || !old && !s.due.needScan(now) {
		return
	}
	s.scan, s.scanErr = &scanOf{}, nil
	doubt := s.doubt
	s.doubt = false
	s.scans.Go(func() { s.runScan(doubt) })
}

// runScan makes the list of hints anew. What is due already is hinted as soon as it is found. When in doubt about the clock
// it puts times right.
func (s *Spool) runScan(doubt bool) {
	fresh := dueList{max: s.due.max}
	err := s.scanInto(&fresh, doubt)
	s.mu.Lock()
	defer s.mu.Unlock()
	scan := s.scan
	s.scan, s.scanErr = nil, err
	s.news.Broadcast()
	if err != nil {
		s.doubt = s.doubt || doubt
		return
	}
	for _, e := range scan.recent {
		fresh.add(time.Unix(0, e.at), e.id)
	}
	s.due, s.scanned = fresh, s.now().Round(0)
}

func (s *Spool) scanInto(l *dueList, doubt bool) error {
	now := s.now()
	for _, st := range []State{Active, Incoming, Deferred} {
		for e, err := range vfs.Times(s.fs, s.path(st, "")) {
			if err != nil && e.Name == "" {
				return err
			}
			if s.ending.Load() {
				return ErrClosed
			}
			if s.isDoomed(st, e.Name) || !validID(e.Name) || st == Active && s.isHeld(e.Name) {
				continue
			}
			at := time.Unix(0, e.MTime)
			if err != nil || st != Deferred && at.After(now) {
				at = now // Claim finds out what ails it
			} else if doubt {
				at = s.setRight(e.Name, at, now)
			}
			l.add(at, e.Name)
			if !at.After(now) {
				s.found(at, e.Name)
			}
		}
	}
	for id, st := range s.inLog() {
		if st == Incoming {
			l.add(now, id)
			s.found(now, id)
		}
	}
	return nil
}

// found hints at a message that a scan has found to be due.
func (s *Spool) found(at time.Time, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due.found(at, id)
	s.news.Broadcast()
}

// awaitNews waits until there is a hint that is due, which it reports, or no scan is running any more. Its error is that of
// the last scan.
func (s *Spool) awaitNews(ctx context.Context) (bool, error) {
	wake := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.news.Broadcast()
	})
	defer wake()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		at, ok := s.due.first()
		switch {
		case ok && !at.After(s.now()):
			return true, nil
		case s.scan == nil:
			return false, s.scanErr
		case ctx.Err() != nil:
			return false, nil
		}
		s.news.Wait()
	}
}

// isDoomed reports whether a file is what an aborted draft has left, and tries to remove it.
func (s *Spool) isDoomed(st State, name string) bool {
	s.mu.Lock()
	doomed := s.doomed[name]
	s.mu.Unlock()
	if !doomed || s.fs.Remove(s.path(st, name)) != nil {
		return doomed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.doomed, name)
	return true
}

func (s *Spool) isHeld(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[id] != nil
}

// hint remembers that a message is due at a time. The lock is held.
func (s *Spool) hint(at time.Time, id string) {
	if s.scan != nil && !at.After(s.now()) {
		s.due.found(at, id) // which may be later than what the old list knows
	} else {
		s.due.add(at, id)
	}
	if s.scan != nil {
		s.scan.recent = append(s.scan.recent, dueEntry{at.UnixNano(), id})
		s.news.Broadcast()
	}
}
