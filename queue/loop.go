package queue

import (
	"context"
	"log/slog"
	"time"
)

func (q *Queue) planClaim(at time.Time) {
	q.mu.Lock()
	q.nextClaim = at
	now := q.now().Round(0)
	back := now.Before(q.swept)
	if back {
		q.sched.clockBack()
	}
	if now.Sub(q.swept) > time.Minute || back {
		q.swept = now
		q.sched.sweep(now)
	}
	q.mu.Unlock()
	if back {
		q.dispatch()
	}
}

// wakeAt makes sure that the storage is asked at a time.
func (q *Queue) wakeAt(at time.Time) {
	q.mu.Lock()
	early := at.Before(q.nextClaim)
	q.mu.Unlock()
	if early {
		q.Wake() // the loop finds out the time, and no message before it
	}
}

// loop takes up messages that are due, as long as there is room for them.
func (q *Queue) loop() {
	extend := time.NewTicker(leaseTime / 3)
	defer extend.Stop()
	ctx, cancel := context.WithCancel(q.ctx)
	defer cancel()
	q.tasks.Go(func() {
		select { // a storage that is asked may take its time
		case <-q.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	for {
		q.planClaim(time.Unix(1<<40, 0)) // whoever finishes a message meanwhile must wake us: we may have missed it
		next := q.claim(ctx)
		q.planClaim(next)
		wait := time.NewTimer(time.Until(next))
		if q.Now != nil {
			wait.Reset(next.Sub(q.Now()))
		}
		select {
		case <-q.stop:
			wait.Stop()
			return
		case <-q.wake:
		case <-wait.C:
		case <-extend.C:
			q.extend()
		}
		wait.Stop()
	}
}

// claim fills the active set and returns when to come again.
func (q *Queue) claim(ctx context.Context) time.Time {
	later := q.now().Add(orTime(q.Backoff.RunDelay, 300*time.Second))
	for {
		q.mu.Lock()
		room := orInt(q.Limits.ActiveMessages, 20000) - len(q.lists)
		rcpts := orInt(q.Limits.ActiveRecipients, 20000) - q.pending
		q.mu.Unlock()
		if room <= 0 || q.stopping() {
			return later // the end of a job wakes the loop
		}
		query := ClaimQuery{
			Messages: min(room, claimAtOnce), Recipients: max(1, rcpts), Refill: q.refillSize(rcpts), Duration: leaseTime,
		}
		leases, next, err := q.storage.Claim(ctx, query)
		if err != nil {
			if !q.stopping() {
				q.log().Error("queue: cannot take up messages", slog.Any("error", err))
			}
			later = q.now().Add(min(10*time.Second, orTime(q.Backoff.RunDelay, 300*time.Second)))
		}
		for _, l := range leases {
			q.takeUp(l)
		}
		if len(leases) == 0 {
			if !next.IsZero() && next.Before(later) && err == nil {
				return next
			}
			return later
		}
	}
}

func (q *Queue) stopping() bool {
	select {
	case <-q.stop:
		return true
	default:
		return false
	}
}

// takeUp begins with a message.
func (q *Queue) takeUp(l *Lease) {
	j := &job{list: newList(l), msg: l.Message, since: q.now(), count: l.Message.pending()}
	l.Message = nil // its memory is the job's alone
	q.mu.Lock()
	q.lists[l.ID] = j.list
	q.beginPart(j)
	q.mu.Unlock()
	if q.starting.acquire(q.ctx) != nil {
		return
	}
	q.tasks.Go(func() {
		defer q.starting.release()
		q.activate(j)
	})
}

// extend keeps the leases.
func (q *Queue) extend() {
	q.mu.Lock()
	var leases []*Lease
	for _, l := range q.lists {
		leases = append(leases, l.lease)
	}
	q.mu.Unlock()
	for _, l := range leases {
		if err := q.storage.Extend(q.ctx, l, leaseTime); err != nil && !q.stopping() {
			q.log().Warn("queue: cannot extend a lease", slog.String("id", l.ID), slog.Any("error", err))
		}
	}
}
