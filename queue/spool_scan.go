package queue

import (
	"strings"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// recover cleans up after a crash and learns what is there.
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
	var temps []string
	for e, err := range vfs.Entries(s.fs, s.path(Incoming, "")) {
		if err != nil {
			return err
		}
		if strings.HasSuffix(e.Name(), tempSuffix) {
			temps = append(temps, e.Name())
		}
	}
	for _, name := range temps {
		if err := s.fs.Remove(s.path(Incoming, name)); err != nil {
			return err
		}
	}
	return s.scan(func(e vfs.Timed) {
		if e.Inode != 0 && !idHas(e.Name, e.Inode) {
			s.foreign[e.Name] = true
		}
	})
}

// scan reads the folders and makes the list of hints anew. each, when not nil, sees every file.
func (s *Spool) scan(each func(vfs.Timed)) error {
	s.mu.Lock()
	s.scanning, s.recent = true, nil
	s.mu.Unlock()
	fresh := dueList{max: s.due.max}
	err := s.scanInto(&fresh, each)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		for _, e := range s.recent {
			fresh.add(time.Unix(0, e.at), e.id)
		}
		s.due = fresh
	}
	s.scanning, s.recent, s.scanned = false, nil, s.now()
	return err
}

func (s *Spool) scanInto(l *dueList, each func(vfs.Timed)) error {
	now := s.now()
	for _, st := range []State{Active, Incoming, Deferred, Held} {
		if st == Held && each == nil {
			continue
		}
		for e, err := range vfs.Times(s.fs, s.path(st, "")) {
			if err != nil {
				return err
			}
			if s.isDoomed(st, e.Name) || !validID(e.Name) {
				continue
			}
			if each != nil {
				each(e)
			}
			at := time.Unix(0, e.MTime)
			if st != Deferred && at.After(now) {
				at = now
			}
			if st == Active && s.isHeld(e.Name) || st == Held {
				continue
			}
			l.add(at, e.Name)
		}
	}
	return nil
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
	s.due.add(at, id)
	if s.scanning {
		s.recent = append(s.recent, dueEntry{at.UnixNano(), id})
	}
}
