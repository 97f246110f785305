package queue

import (
	"context"
	"errors"
	"log/slog"
)

// list is a message in delivery: one job, or several one after the other and at the same time when its recipients are so
// many that they are read in parts. The memory of a list of any length is that of a few parts.
type list struct {
	lease *Lease
	head  Message // without recipients
	first int     // Message.First of the first part

	// Under Queue.mu:
	parts   int    // jobs that have not ended
	rest    int    // recipients that have not been read
	reading bool   // somebody reads the next part
	seq     uint64 // its place in the schedule; 0: none yet

	pending bool // parts that have ended leave recipients pending
	owed    bool // or notifications that could not be made
	warned  bool
	lost    bool  // the lease is gone: nothing more is to be done
	damaged error // the content turned out to be corrupt
}

func newList(l *Lease) *list {
	out := &list{lease: l, head: *l.Message, first: l.Message.First, rest: l.Rest}
	out.head.Recipients = nil
	return out
}

// beginPart counts a part that begins. The lock is held.
func (q *Queue) beginPart(j *job) {
	j.list.parts++
	q.pending += len(j.msg.Recipients)
}

// maxParts of one list are under way at a time: some recipients that are slow don't hold up the rest of it.
const maxParts = 4

// refillSize is how many recipients of a message are read when there is room for so many.
func (q *Queue) refillSize(room int) int { return max(orInt(q.Limits.RecipientMinimum, 10), room/4) }

// refill reads the next part of a list when there is room for it, or nothing of it is left in memory.
func (q *Queue) refill(l *list) {
	q.mu.Lock()
	room := orInt(q.Limits.ActiveRecipients, 20000) - q.pending
	full := l.parts > 0 && (l.parts >= maxParts || room < 4*orInt(q.Limits.RecipientMinimum, 10))
	if l.rest == 0 || l.reading || l.lost || l.damaged != nil || full || q.stopping() {
		q.mu.Unlock()
		return
	}
	l.reading = true
	q.mu.Unlock()
	var m *Message
	ok := q.persist(l.lease.ID, func() (err error) {
		m, err = q.storage.Refill(q.ctx, l.lease, q.refillSize(room))
		if errors.Is(err, ErrCorrupt) {
			q.mu.Lock()
			l.damaged = err
			q.mu.Unlock()
			return nil
		}
		return err
	})
	q.mu.Lock()
	l.reading = false
	switch {
	case !ok:
		l.lost = true
	case m == nil:
		l.rest = 0
	default:
		l.rest = l.lease.Rest
		j := &job{list: l, msg: m, since: q.now(), count: m.pending()}
		q.beginPart(j)
		q.tasks.Go(func() { q.activate(j) })
	}
	last := l.parts == 0
	q.mu.Unlock()
	if last {
		q.endList(l, Finish{Warned: l.warned})
	}
}

// add takes in what a part that has ended leaves behind. The lock is held.
func (l *list) add(j *job) {
	l.pending = l.pending || j.msg.pending() > 0
	l.owed = l.owed || len(j.msg.owed()) > 0
	l.warned = l.warned || j.finish.Warned
}

// recordPart marks what a part has come to while others are under way.
func (q *Queue) recordPart(j *job) {
	out := j.finish.Outcomes
	for _, i := range j.finish.Notified {
		r := j.msg.recipient(i)
		out = mergeOutcome(out, Outcome{Recipients: []int{i}, State: r.State, Attempt: r.Last})
	}
	if len(out) == 0 {
		return
	}
	if !q.persist(j.msg.ID, func() error {
		return q.storage.Record(context.WithoutCancel(q.ctx), j.list.lease, out)
	}) {
		q.mu.Lock()
		j.list.lost = true
		q.mu.Unlock()
	}
}

// endList ends the lease of a message and makes room for the next. f is what has not been recorded yet.
func (q *Queue) endList(l *list, f Finish) {
	m := &l.head
	defer q.forget(l)
	switch {
	case l.lost:
		return
	case l.damaged != nil:
		err := q.storage.SetCorrupt(context.WithoutCancel(q.ctx), l.lease, l.damaged)
		if err != nil && !errors.Is(err, ErrFenced) {
			q.log().Error("queue: cannot set a damaged message aside", slog.String("id", l.lease.ID), slog.Any("error", err))
		}
		return
	}
	f.Done = !l.pending && !l.owed
	if !f.Done {
		f.Retry = q.retryAt(m, q.now(), l.pending)
	}
	if !q.persist(m.ID, func() error { return q.storage.Finish(context.WithoutCancel(q.ctx), l.lease, f) }) {
		return
	}
	if f.Done {
		q.emit(Event{Kind: EventRemoved, ID: m.ID, From: m.From, Size: m.Size})
	} else {
		q.wakeAt(f.Retry)
	}
}

func (q *Queue) forget(l *list) {
	q.mu.Lock()
	full := len(q.lists) >= orInt(q.Limits.ActiveMessages, 20000) || q.pending >= orInt(q.Limits.ActiveRecipients, 20000)
	delete(q.lists, l.lease.ID)
	q.mu.Unlock()
	if full {
		q.Wake()
	}
}
