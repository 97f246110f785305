package queue

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/buuta/mail/internal/vfs"
)

// Edit implements [Storage].
func (s *Spool) Edit(ctx context.Context, f Filter, op Op) (n int, err error) {
	return s.editAll(ctx, f, change{op: op})
}

// Order implements [Storage].
func (s *Spool) Order(ctx context.Context, f Filter, o Order) (n int, err error) {
	return s.editAll(ctx, f, change{op: opOrder, order: &o})
}

// opOrder is the change of which the order tells more.
const opOrder Op = 'o'

type change struct {
	op    Op
	order *Order
}

func (s *Spool) editAll(ctx context.Context, f Filter, op change) (n int, err error) {
	if err := s.use(); err != nil {
		return 0, err
	}
	ids, err := s.candidates(&f)
	if err != nil {
		return 0, err
	}
	touched := map[State]bool{}
	for _, id := range ids {
		if err = ctx.Err(); err != nil {
			break
		}
		var did bool
		if did, err = s.edit(ctx, id, &f, op, touched); err != nil {
			break
		}
		if did {
			n++
		}
	}
	for st := range touched {
		err = errors.Join(err, s.dirs[st].sync())
	}
	return n, err
}

// candidates returns the ids that the filter may mean. They are collected before anything is moved, so that nothing is
// met twice.
func (s *Spool) candidates(f *Filter) ([]string, error) {
	var ids []string
	if len(f.IDs) > 0 {
		for _, id := range f.IDs {
			if validID(id) {
				ids = append(ids, id)
			}
		}
		return ids, nil
	}
	logged := s.inLog()
	for id := range logged {
		ids = append(ids, id) // edit looks at its state
	}
	for _, st := range spoolStates {
		if st == Corrupt || !f.hasState(st) {
			continue
		}
		for e, err := range vfs.Entries(s.fs, s.path(st, "")) {
			if err != nil {
				return nil, err
			}
			if _, twice := logged[e.Name()]; validID(e.Name()) && !twice {
				ids = append(ids, e.Name())
			}
		}
	}
	return ids, nil
}

// edit edits one message if the filter means it.
func (s *Spool) edit(ctx context.Context, id string, f *Filter, op change, touched map[State]bool) (bool, error) {
	for {
		s.mu.Lock()
		h := s.held[id]
		if h == nil {
			h := newHolder()
			s.held[id] = h
			s.takeFresh(id, h)
			s.mu.Unlock()
			if k := h.logged.Load(); k != nil {
				if !f.hasState(Incoming) || !f.passesRaw(id, k.raw) {
					s.putBack(id, h, time.Time{})
					return false, nil
				}
				if err := s.moveToFile(id, h, Incoming); err != nil {
					s.putBack(id, h, s.now())
					return false, err
				}
			}
			did, due, err := s.editFile(id, f, op, touched)
			if !did {
				due = time.Time{} // there was a hint, and there still is
			}
			s.letGo(id, due)
			return did, err
		}
		if h.lease != nil && !h.ending {
			s.mu.Unlock()
			if did, over, err := s.editLeased(id, h, f, op); over || err != nil {
				return did, err
			}
			continue
		}
		s.mu.Unlock()
		select { // somebody has it for a moment
		case <-h.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// editLeased notes what shall happen when the lease ends. over says that there is nothing more to do.
func (s *Spool) editLeased(id string, h *holder, f *Filter, op change) (did, over bool, err error) {
	if !f.hasState(Active) {
		return false, true, nil
	}
	if f.wantsMessage() {
		q, err := s.readLeased(id, h)
		if errors.Is(err, fs.ErrNotExist) {
			return false, false, nil
		}
		if err != nil {
			return false, true, err
		}
		if !f.passes(q.msg) {
			return false, true, nil
		}
	}
	if op.op == opOrder {
		err := s.record(h, &Finish{order: op.order}, true)
		if errors.Is(err, fs.ErrNotExist) {
			return false, false, nil // the lease has just ended
		}
		if err != nil {
			return false, true, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id] != h || h.ending {
		return false, false, nil
	}
	switch {
	case h.edit == OpDelete:
		return op.op == OpDelete, true, nil
	case op.op == OpFlush, op.op == OpRelease && h.edit != OpHold:
		return false, true, nil
	case op.op == opOrder && h.edit == OpHold && op.order.Fail == nil:
		return true, true, nil
	}
	h.edit = op.op
	return true, true, nil
}

// readLeased reads what is recorded of a leased message.
func (s *Spool) readLeased(id string, h *holder) (*queueFile, error) {
	if k := h.logged.Load(); k != nil {
		return readRaw(id, k.raw)
	}
	return s.readFile(Active, id)
}

// passesRaw reports whether the filter means a message in the log.
func (f *Filter) passesRaw(id string, raw []byte) bool {
	if !f.wantsMessage() {
		return true
	}
	q, err := readRaw(id, raw)
	return err == nil && f.passes(q.msg)
}

// editFile edits a message that nobody else works on. due is when it is due, zero when it isn't.
func (s *Spool) editFile(id string, f *Filter, op change, touched map[State]bool) (did bool, due time.Time, err error) {
	st, due, err := s.find(id)
	if err != nil || st == "" || !f.hasState(st) {
		return false, due, err
	}
	if f.wantsMessage() {
		q, err := s.readFile(st, id)
		if errors.Is(err, ErrCorrupt) {
			return false, due, nil // Claim will set it aside
		}
		if err != nil {
			return false, due, err
		}
		if !f.passes(q.msg) {
			return false, due, nil
		}
	}
	to := Incoming
	switch op.op {
	case opOrder:
		if err := s.order(id, st, op.order); err != nil {
			return false, due, err
		}
		if st == Held && op.order.Fail == nil {
			return true, time.Time{}, nil
		}
	case OpDelete:
		if err := s.log.settle(id); err != nil {
			return false, due, err
		}
		if err := s.fs.Remove(s.path(st, id)); err != nil {
			return false, due, err
		}
		touched[st] = true
		return true, time.Time{}, nil
	case OpHold:
		to = Held
	case OpRelease:
		if st != Held {
			return false, due, nil
		}
	case OpFlush:
		if st != Deferred {
			return false, due, nil
		}
	case OpRequeue:
	default:
		return false, due, errors.New("queue: unknown operation")
	}
	if st == to {
		return op.op == opOrder, due, nil
	}
	if err := s.fs.Rename(s.path(st, id), s.path(to, id)); err != nil {
		return false, due, err
	}
	touched[st], touched[to] = true, true
	if to == Held {
		return true, time.Time{}, nil
	}
	return true, s.now(), nil
}

// find looks for a message that has no lease.
func (s *Spool) find(id string) (State, time.Time, error) {
	st, due, err := s.dueIn(id)
	if err != nil || st != "" {
		return st, due, err
	}
	_, err = s.fs.Stat(s.path(Held, id))
	if errors.Is(err, fs.ErrNotExist) {
		return "", time.Time{}, nil
	}
	return Held, time.Time{}, err
}

// order writes an order into a file that has no lease.
func (s *Spool) order(id string, st State, o *Order) error {
	q, err := s.readFile(st, id)
	if err != nil {
		return err
	}
	buf, _ := appendOrder(nil, q.place.sum, o)
	return s.appendTo(s.path(st, id), q.end, buf, true)
}
