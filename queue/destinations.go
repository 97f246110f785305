package queue

import (
	"cmp"
	"slices"
	"time"
)

// Destination is how things stand with a next hop of a transport that mail is under way to.
type Destination struct {
	Transport string // its name in [Queue.Transports]
	Nexthop   string
	Running   int // deliveries
	Window    int // how many there may be now
	Waiting   int // recipients in the active queue

	DeadUntil time.Time // while it is suspended; zero when it isn't
	Why       string    // what it was suspended for
}

// Destinations returns the destinations of the active queue, sorted by transport and next hop. Deferred messages don't
// count: see [Queue.List] for them.
func (q *Queue) Destinations() []Destination {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Destination
	now := q.now()
	for _, l := range q.sched.lanes {
		for _, d := range l.dests {
			x := Destination{Transport: l.name, Nexthop: d.hop, Running: d.running, Window: d.window}
			for p := range d.peers {
				x.Waiting += len(p.rcpts)
			}
			if d.isDead(now) {
				x.DeadUntil, x.Why = d.deadUntil, d.why.text()
			}
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b Destination) int {
		return cmp.Or(cmp.Compare(a.Transport, b.Transport), cmp.Compare(a.Nexthop, b.Nexthop))
	})
	return out
}

// text is how the log puts what was said.
func (a *Attempt) text() string {
	if a.Detail == "" && a.Reply != nil {
		return a.Reply.String()
	}
	return a.Detail
}
