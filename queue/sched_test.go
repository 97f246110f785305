package queue

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// simulation runs the scheduler against destinations that take time, without goroutines: it is its own clock.
type simulation struct {
	s     scheduler
	lane  *lane
	now   time.Time
	ends  endHeap
	order []*batch // as they were started
	done  map[*job]time.Time
	left  map[*job]int
	takes func(b *batch) time.Duration
	fails func(b *batch) bool
	dead  int // recipients that came back because of a dead destination
}

type ending struct {
	at time.Time
	b  *batch
}

type endHeap []ending

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(x any)        { *h = append(*h, x.(ending)) }
func (h *endHeap) Pop() any          { e := (*h)[len(*h)-1]; *h = (*h)[:len(*h)-1]; return e }

func newSimulation(t *Transport) *simulation {
	m := &simulation{now: time.Unix(0, 0), done: map[*job]time.Time{}, left: map[*job]int{}}
	m.lane = m.s.lane("smtp", t)
	m.takes = func(*batch) time.Duration { return time.Second }
	m.fails = func(*batch) bool { return false }
	return m
}

// add gives a message with so many recipients at each of some hops to the scheduler.
func (m *simulation) add(each int, hops ...string) *job {
	j := &job{list: new(list), msg: &Message{}}
	by, n := map[string][]int{}, 0
	for _, h := range hops {
		for range each {
			by[h] = append(by[h], n)
			n++
		}
	}
	m.left[j] = n
	for _, b := range m.s.add(m.lane, j, by, hops, m.now) {
		m.take(b)
		m.dead += len(b.rcpts)
	}
	return j
}

func (m *simulation) take(b *batch) {
	if m.left[b.job] -= len(b.rcpts); m.left[b.job] == 0 {
		m.done[b.job] = m.now
	}
}

// run goes on until nothing is under way.
func (m *simulation) run() {
	for {
		m.s.tick(m.now)
		for b := m.s.next(m.now); b != nil; b = m.s.next(m.now) {
			m.order = append(m.order, b)
			heap.Push(&m.ends, ending{m.now.Add(m.takes(b)), b})
		}
		next := m.s.tick(m.now)
		if len(m.ends) == 0 && next.IsZero() {
			return
		}
		if len(m.ends) == 0 || !next.IsZero() && next.Before(m.ends[0].at) {
			m.now = next
			continue
		}
		e := heap.Pop(&m.ends).(ending)
		m.now = e.at
		failed := m.fails(e.b)
		m.take(e.b)
		for _, b := range m.s.done(e.b, !failed, failed, Attempt{}, m.now, m.now.Add(300*time.Second)) {
			m.take(b)
			m.dead += len(b.rcpts)
		}
	}
}

func hops(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("d%d.example", i))
	}
	return out
}

// A newsletter to 100,000 recipients doesn't hold up a letter that comes behind it, and is itself slowed down by no more
// than slotCost/(slotCost-1), whatever comes.
func TestNewsletterAndLetters(t *testing.T) {
	alone := newSimulation(&Transport{ProcessLimit: 20})
	n := alone.add(100, hops(1000)...)
	alone.run()
	base := alone.done[n].Sub(time.Unix(0, 0))

	m := newSimulation(&Transport{ProcessLimit: 20})
	n = m.add(100, hops(1000)...)
	var letters []*job
	for i := range 400 {
		letters = append(letters, m.add(1, fmt.Sprintf("d%d.example", i*2)))
	}
	m.run()
	require.LessOrEqual(t, m.done[n].Sub(time.Unix(0, 0)), base*slotCost/(slotCost-1)+5*time.Second)
	// The first letter goes out with the first deliveries, the i-th by the time that 5*i have gone.
	for i, l := range letters {
		after := m.done[l].Sub(time.Unix(0, 0)).Seconds()
		require.LessOrEqual(t, after, float64(slotCost*(i+1))/20+3, "letter %d", i)
	}
}

// Messages to one destination go in the order in which they came.
func TestFirstComeFirstServed(t *testing.T) {
	m := newSimulation(&Transport{InitialConcurrency: 1, ConcurrencyLimit: 1})
	var all []*job
	for range 20 {
		all = append(all, m.add(1, "d.example"))
	}
	m.run()
	for i, b := range m.order {
		require.Same(t, all[i], b.job)
	}
}

// A slow destination costs the others nothing.
func TestSlowDestinationIsAlone(t *testing.T) {
	m := newSimulation(&Transport{ConcurrencyLimit: 5})
	m.takes = func(b *batch) time.Duration {
		if b.dest.hop == "slow.example" {
			return time.Hour
		}
		return time.Second
	}
	for range 200 {
		m.add(1, "slow.example")
	}
	j := m.add(1, "fast.example")
	m.run()
	require.Equal(t, time.Second, m.done[j].Sub(time.Unix(0, 0)))
}

// The limits hold at each moment and nothing is forgotten, whatever happens.
func TestSchedulerInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := &Transport{
			ProcessLimit: rapid.IntRange(1, 10).Draw(t, "processes"), InitialConcurrency: rapid.IntRange(1, 5).Draw(t, "initial"),
			ConcurrencyLimit: rapid.IntRange(1, 8).Draw(t, "limit"), RecipientLimit: rapid.IntRange(1, 5).Draw(t, "rcpts"),
			RateDelay: time.Duration(rapid.IntRange(0, 1).Draw(t, "rate")) * time.Second,
		}
		m := newSimulation(tr)
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		failing := rapid.IntRange(0, 3).Draw(t, "failing")
		m.fails = func(*batch) bool { return rnd.IntN(4) < failing }
		m.takes = func(b *batch) time.Duration {
			require.LessOrEqual(t, m.lane.running, tr.ProcessLimit)
			require.LessOrEqual(t, b.dest.running, b.dest.limit())
			require.LessOrEqual(t, len(b.rcpts), tr.RecipientLimit)
			return time.Duration(1+rnd.IntN(5000)) * time.Millisecond
		}
		total := 0
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			for range rapid.IntRange(1, 20).Draw(t, "messages") {
				each, where := 1+rnd.IntN(12), hops(1+rnd.IntN(6))
				total += each * len(where)
				m.add(each, where...)
			}
			m.run()
		}
		handed := m.dead
		for _, b := range m.order {
			handed += len(b.rcpts)
		}
		require.Equal(t, total, handed, "each recipient is handed out once")
		require.Equal(t, len(m.left), len(m.done))
		require.Zero(t, m.lane.running)
		m.s.sweep(m.now.Add(time.Hour))
		require.Empty(t, m.lane.dests, "nothing is kept of destinations that are idle")
	})
}

// Postfix's published case: a server that answers 421 above 5 connections, a client that may open 20. Feedback of
// 1/window defers 16.5 % there.
func TestWindowFindsTheServersLimit(t *testing.T) {
	m := newSimulation(&Transport{})
	rnd := rand.New(rand.NewPCG(1, 2))
	m.takes = func(*batch) time.Duration { return time.Duration(500+rnd.IntN(1000)) * time.Millisecond }
	deferred := 0
	m.fails = func(b *batch) bool {
		if b.dest.running > 5 { // this one came as the sixth
			deferred++
			return true
		}
		return false
	}
	for range 2000 {
		m.add(1, "d.example")
	}
	m.run()
	require.Zero(t, m.dead, "the destination never dies")
	require.Less(t, float64(deferred)/2000, 0.165)
	t.Logf("%.1f %% deferred", float64(deferred)/20)
}

// A destination that never answers is dead after the first window has failed, and tried again after a while.
func TestDeathAndRevival(t *testing.T) {
	m := newSimulation(&Transport{})
	m.fails = func(*batch) bool { return true }
	for range 100 {
		m.add(1, "d.example")
	}
	m.run()
	require.Less(t, len(m.order), 10)
	require.Equal(t, 100, m.dead+len(m.order))
	before := len(m.order)
	m.add(1, "d.example")
	m.run()
	require.Len(t, m.order, before, "not while it is dead")
	m.now = m.now.Add(301 * time.Second)
	m.fails = func(*batch) bool { return false }
	m.add(1, "d.example")
	m.run()
	require.Len(t, m.order, before+1)
}

func BenchmarkScheduler(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		m := newSimulation(&Transport{})
		m.add(10, hops(1000)...)
		for i := range 1000 {
			m.add(1, fmt.Sprintf("d%d.example", i))
		}
		m.run()
	}
}
