package queue

import "time"

// destination is a next hop of a transport. Its window is how many deliveries may run there at a time: it grows by one
// when a whole window of deliveries has succeeded, and shrinks by one at the first failure of each window that fails. A
// failure is one of the site, not of a recipient. Who has failed lately grows more slowly, so that a site that takes so
// many connections and no more isn't tested again and again. When failures make up FailedCohortLimit whole windows
// without a success between them, the destination is dead: what waits for it is deferred, and it is left alone for a while.
type destination struct {
	hop     string
	lane    *lane
	running int
	peers   map[*peer]bool
	stalled []*peer

	window    int
	success   float64 // part of a window that has succeeded
	failure   float64 // part of a window that has failed
	caution   float64 // how many windows must succeed before the next step up, if more than one
	cohorts   float64 // windows that have failed since the last success
	deadUntil time.Time
	why       Attempt   // of the death
	notBefore time.Time // for RateDelay
}

func (l *lane) dest(hop string) *destination {
	d := l.dests[hop]
	if d == nil {
		d = &destination{hop: hop, lane: l, peers: map[*peer]bool{}}
		d.window = min(orInt(l.t.InitialConcurrency, 5), d.limit())
		l.dests[hop] = d
	}
	return d
}

func (d *destination) limit() int {
	if d.lane.t.RateDelay > 0 {
		return 1
	}
	return orInt(d.lane.t.ConcurrencyLimit, 20)
}

func (d *destination) isDead(now time.Time) bool { return now.Before(d.deadUntil) }

func (d *destination) hasRoom(now time.Time) bool {
	return d.running < d.window && !now.Before(d.notBefore)
}

// done takes a batch back. siteFailed says that the destination itself could not be used, why with what it said; ok that
// it could. If that was its death, done returns all that waited for it. until is how long it is dead.
func (s *scheduler) done(b *batch, ok, siteFailed bool, why Attempt, now, until time.Time) (dead []*batch) {
	d := b.dest
	d.running--
	d.lane.running--
	switch {
	case siteFailed:
		if d.failed(now, until) {
			d.why = why
			dead = d.kill()
		}
	case ok:
		d.succeeded()
	}
	d.wake(now)
	d.forget(now)
	return dead
}

func (d *destination) succeeded() {
	d.cohorts = 0
	d.deadUntil = time.Time{}
	// A window that isn't used says nothing about how much the destination would bear.
	if d.window >= d.limit() || d.window >= d.running+1+orInt(d.lane.t.InitialConcurrency, 5) {
		return
	}
	if d.success += 1 / float64(d.window) / max(1, d.caution); d.success > 0.999 {
		d.window++
		d.success, d.failure = 0, 0
		d.caution *= 0.75
	}
}

// failed reports whether the destination is dead now.
func (d *destination) failed(now, until time.Time) bool {
	if d.isDead(now) {
		return true
	}
	d.cohorts += 1 / float64(d.window)
	if d.cohorts > float64(orInt(d.lane.t.FailedCohortLimit, 1))-0.001 {
		d.deadUntil = until
		d.window = min(orInt(d.lane.t.InitialConcurrency, 5), d.limit())
		d.success, d.failure, d.cohorts = 0, 0, 0
		return true
	}
	// The first failure of a cycle counts at once.
	if d.failure <= 0 {
		d.failure = 1
		d.window = max(1, d.window-1)
		d.success = 0
		d.caution = min(8, max(1, d.caution)*2)
	}
	d.failure -= 1 / float64(d.window)
	return false
}

// kill takes away all that waits.
func (d *destination) kill() []*batch {
	var out []*batch
	for p := range d.peers {
		out = append(out, &batch{p.work.job, d, p.rcpts})
		p.work.left -= len(p.rcpts)
		p.rcpts = nil
	}
	clear(d.peers)
	d.stalled = nil
	return out
}

// wake gives peers that were passed over another chance, as many as there is room for.
func (d *destination) wake(now time.Time) {
	if now.Before(d.notBefore) {
		return
	}
	for free := d.window - d.running; free > 0 && len(d.stalled) > 0; {
		p := d.stalled[0]
		d.stalled = d.stalled[1:]
		if len(p.rcpts) == 0 {
			continue
		}
		free--
		p.stalled = false
		p.work.ready = append(p.work.ready, p)
		d.lane.enter(p.work)
	}
}

// forget removes a destination of which nothing has to be remembered.
func (d *destination) forget(now time.Time) {
	if d.running == 0 && len(d.peers) == 0 && !d.isDead(now) && !now.Before(d.notBefore) {
		delete(d.lane.dests, d.hop)
	}
}

// tick wakes destinations whose RateDelay is over and returns when the next will be, or a TransportRateDelay, zero for none.
func (s *scheduler) tick(now time.Time) (next time.Time) {
	wait := func(until time.Time) bool {
		if !now.Before(until) {
			return false
		}
		if next.IsZero() || until.Before(next) {
			next = until
		}
		return true
	}
	for _, l := range s.lanes {
		if len(l.fifo) > 0 {
			wait(l.notBefore)
		}
		if l.t.RateDelay == 0 {
			continue
		}
		for _, d := range l.dests {
			if wait(d.notBefore) {
				continue
			}
			d.wake(now)
			d.forget(now)
		}
	}
	return next
}

// sweep forgets destinations whose suspension is over.
func (s *scheduler) sweep(now time.Time) {
	for _, l := range s.lanes {
		for _, d := range l.dests {
			d.forget(now)
		}
	}
}

// revive ends the suspension of destinations.
func (s *scheduler) revive() {
	for _, l := range s.lanes {
		for _, d := range l.dests {
			d.deadUntil = time.Time{}
		}
	}
}

// clockBack forgets all times to come: they are of a clock that was wrong.
func (s *scheduler) clockBack() {
	s.revive()
	for _, l := range s.lanes {
		l.notBefore = time.Time{}
		for _, d := range l.dests {
			d.notBefore = time.Time{}
		}
	}
}
