package queue

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/buuta/mail/internal/vfs"
)

// List implements [Storage]. It reads each file that it yields.
func (s *Spool) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := s.use(); err != nil {
			yield(Entry{}, err)
			return
		}
		for _, st := range []State{Active, Incoming, Deferred, Held, Corrupt} {
			if f.hasState(st) && !s.listState(ctx, st, &f, yield) {
				return
			}
		}
	}
}

// listState yields what is in one folder. False ends the list.
func (s *Spool) listState(ctx context.Context, st State, f *Filter, yield func(Entry, error) bool) bool {
	if len(f.IDs) > 0 {
		for _, id := range f.IDs {
			if validID(id) && !s.listOne(st, id, f, yield) {
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
		if validID(e.Name()) && !s.listOne(st, e.Name(), f, yield) {
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
