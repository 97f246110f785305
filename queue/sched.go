package queue

import (
	"container/heap"
	"math/bits"
	"time"
)

// The scheduler decides what is delivered next. It is a plain data structure without a clock, a lock or a goroutine.
//
//	lane         a transport and what waits for it
//	destination  a next hop of a transport, with its concurrency window
//	work         a message in a lane
//	peer         the recipients that a message has at a destination
//
// Fairness in a lane: messages are served by priority (RFC 6710), and within one in the order in which they came, but every
// slotCost-th delivery belongs to the message with the fewest recipients left, whatever its priority: so nobody starves. So a letter to two people that arrives behind a newsletter waits for a few
// deliveries, not for the newsletter, and the newsletter is slowed down by slotCost/(slotCost-1) at most. Within a message,
// destinations take turns; one whose window is full is passed over until it has room.
type scheduler struct {
	lanes []*lane
	turn  int
	seq   uint64
}

const (
	slotCost    = 5 // default_delivery_slot_cost
	sizeClasses = 8
)

type lane struct {
	name      string
	t         *Transport
	running   int
	notBefore time.Time // for TransportRateDelay
	dests     map[string]*destination
	fifo      workHeap
	bySize    [sizeClasses]ageHeap // the same messages, by how much they have left
	picks     int
}

type work struct {
	seq      uint64
	job      *job
	lane     *lane
	priority int     // MT-PRIORITY
	left     int     // recipients not yet handed out
	ready    []*peer // whose destinations had room when last looked at, in turn
	inFifo   bool
	inSizes  bool
}

type peer struct {
	work    *work
	dest    *destination
	rcpts   []int
	stalled bool // waits in dest.stalled instead of work.ready
}

// batch is what is handed to a deliverer: recipients of one message at one destination.
type batch struct {
	job   *job
	dest  *destination
	rcpts []int
}

func (s *scheduler) lane(name string, t *Transport) *lane {
	for _, l := range s.lanes {
		if l.name == name {
			return l
		}
	}
	l := &lane{name: name, t: t, dests: map[string]*destination{}}
	s.lanes = append(s.lanes, l)
	return l
}

// add puts a message's recipients for a lane in, by next hop. What belongs to a destination that is dead comes back in
// dead.
func (s *scheduler) add(l *lane, j *job, byHop map[string][]int, order []string, now time.Time) (dead []*batch) {
	if j.list.seq == 0 { // later parts of a message have the place of the first
		s.seq++
		j.list.seq = s.seq
	}
	w := &work{seq: j.list.seq, job: j, lane: l}
	if p := j.msg.Options.Priority; p != nil {
		w.priority = *p
	}
	for _, hop := range order {
		d := l.dest(hop)
		if d.isDead(now) {
			dead = append(dead, &batch{j, d, byHop[hop]})
			continue
		}
		p := &peer{work: w, dest: d, rcpts: byHop[hop]}
		d.peers[p] = true
		w.left += len(p.rcpts)
		w.ready = append(w.ready, p)
	}
	if w.left > 0 {
		l.enter(w)
	}
	return dead
}

// enter makes a message a candidate.
func (l *lane) enter(w *work) {
	if !w.inFifo {
		w.inFifo = true
		heap.Push(&l.fifo, w)
	}
	if !w.inSizes {
		w.inSizes = true
		heap.Push(&l.bySize[w.class()], w)
	}
}

func (w *work) class() int { return min(bits.Len(uint(w.left+w.job.list.rest)), sizeClasses-1) }

// next returns something to deliver, or nil when nothing can be started now.
func (s *scheduler) next(now time.Time) *batch {
	for range s.lanes {
		s.turn = (s.turn + 1) % len(s.lanes)
		l := s.lanes[s.turn]
		if l.running >= orInt(l.t.ProcessLimit, 100) || now.Before(l.notBefore) {
			continue
		}
		if b := l.next(now); b != nil {
			return b
		}
	}
	return nil
}

func (l *lane) next(now time.Time) *batch {
	small := (l.picks+1)%slotCost == 0
	for {
		w := l.pick(small)
		if w == nil {
			return nil
		}
		if p := w.pick(now); p != nil {
			l.picks++
			return p.take(now)
		}
	}
}

// pick returns the message whose turn it is. It drops those that have nothing ready any more.
func (l *lane) pick(small bool) *work {
	if small {
		// Within a class the oldest is the first, whatever its priority.
		for c := range l.bySize {
			h := &l.bySize[c]
			for h.Len() > 0 {
				w := h.workHeap[0]
				switch {
				case len(w.ready) == 0:
					heap.Pop(h)
					w.inSizes = false
				case w.class() != c: // it has become smaller
					heap.Pop(h)
					heap.Push(&l.bySize[w.class()], w)
					if w.class() < c {
						return w
					}
				default:
					return w
				}
			}
		}
		return nil
	}
	for len(l.fifo) > 0 {
		w := l.fifo[0]
		if len(w.ready) > 0 {
			return w
		}
		heap.Pop(&l.fifo)
		w.inFifo = false
	}
	return nil
}

// pick returns the message's next peer whose destination has room, putting the others aside.
func (w *work) pick(now time.Time) *peer {
	for len(w.ready) > 0 {
		p := w.ready[0]
		w.ready = w.ready[1:]
		switch {
		case len(p.rcpts) == 0: // its destination died
		case p.dest.hasRoom(now):
			return p
		default:
			p.stalled = true
			p.dest.stalled = append(p.dest.stalled, p)
		}
	}
	return nil
}

// take hands out a batch of the peer.
func (p *peer) take(now time.Time) *batch {
	w, d := p.work, p.dest
	n := min(len(p.rcpts), orInt(d.lane.t.RecipientLimit, 50))
	b := &batch{w.job, d, p.rcpts[:n:n]}
	p.rcpts = p.rcpts[n:]
	w.left -= n
	if len(p.rcpts) > 0 {
		w.ready = append(w.ready, p)
	} else {
		delete(d.peers, p)
	}
	d.running++
	d.lane.running++
	if r := d.lane.t.RateDelay; r > 0 {
		d.notBefore = now.Add(r)
	}
	if r := d.lane.t.TransportRateDelay; r > 0 {
		d.lane.notBefore = now.Add(r)
	}
	return b
}

// workHeap orders messages by priority, and within one by arrival.
type workHeap []*work

func (h workHeap) Len() int { return len(h) }
func (h workHeap) Less(i, j int) bool {
	if h[i].priority != h[j].priority {
		return h[i].priority > h[j].priority
	}
	return h[i].seq < h[j].seq
}
func (h workHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *workHeap) Push(x any)   { *h = append(*h, x.(*work)) }
func (h *workHeap) Pop() any {
	old := *h
	n := len(old) - 1
	w := old[n]
	old[n] = nil
	*h = old[:n]
	return w
}

// ageHeap orders messages by arrival alone.
type ageHeap struct{ workHeap }

func (h ageHeap) Less(i, j int) bool { return h.workHeap[i].seq < h.workHeap[j].seq }
