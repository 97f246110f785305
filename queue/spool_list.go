package queue

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"

	"github.com/buuta/mail/internal/vfs"
)

// List implements [Storage]. It reads each file that it yields.
func (s *Spool) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := s.use(); err != nil {
			yield(Entry{}, err)
			return
		}
		logged := s.inLog()
		for _, st := range []State{Active, Incoming, Deferred, Held, Corrupt} {
			if f.hasState(st) && !(s.listLogged(st, &f, logged, yield) && s.listState(ctx, st, &f, logged, yield)) {
				return
			}
		}
	}
}

// listState yields what is in one folder. False ends the list.
func (s *Spool) listState(ctx context.Context, st State, f *Filter, logged map[string]State, yield func(Entry, error) bool) bool {
	if len(f.IDs) > 0 {
		for _, id := range f.IDs {
			if _, twice := logged[id]; validID(id) && !twice && !s.listOne(st, id, f, yield) {
				return false
			}
		}
		return true
	}
	for e, err := range vfs.Entries(s.fs, s.path(st, "")) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(Entry{}, err)
			return false
		}
		if _, twice := logged[e.Name()]; validID(e.Name()) && !twice && !s.listOne(st, e.Name(), f, yield) {
			return false
		}
	}
	return true
}

// listLogged yields the messages in the log that are in a state. False ends the list.
func (s *Spool) listLogged(st State, f *Filter, logged map[string]State, yield func(Entry, error) bool) bool {
	for id, is := range logged {
		raw, _ := s.rawOf(id)
		if is != st || raw == nil || len(f.IDs) > 0 && !slices.Contains(f.IDs, id) {
			continue
		}
		q, err := readRaw(id, raw)
		if err != nil {
			if !yield(Entry{}, err) {
				return false
			}
			continue
		}
		e := Entry{Message: q.msg, ID: id, State: st}
		if st == Incoming {
			e.Due = q.msg.Arrived
		}
		if f.passes(q.msg) && !yield(e, nil) {
			return false
		}
	}
	return true
}

func (s *Spool) listOne(st State, id string, f *Filter, yield func(Entry, error) bool) bool {
	info, err := s.fs.Stat(s.path(st, id))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return yield(Entry{}, err)
	}
	e := Entry{ID: id, State: st}
	if st != Corrupt {
		q, err := s.readFile(st, id)
		switch {
		case err == nil:
			e.Message = q.msg
		case errors.Is(err, fs.ErrNotExist):
			return true
		case !errors.Is(err, ErrCorrupt):
			return yield(Entry{}, err)
		}
	}
	if !f.passes(e.Message) {
		return true
	}
	switch st {
	case Incoming, Deferred:
		e.Due = info.ModTime()
	}
	return yield(e, nil)
}
