package queue

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever comes behind a message, it is slowed down by no more than k/(k-1) against service in the order of arrival.
func TestFairnessBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(1, 8).Draw(t, "deliveries at a time")
		m := newSimulation(&Transport{ProcessLimit: at, RecipientLimit: 1, ConcurrencyLimit: 1000, InitialConcurrency: 1000})
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		work := map[*job]int{} // what is to be done in order of arrival until the message is done
		total := 0
		var jobs []*job
		for range rapid.IntRange(1, 60).Draw(t, "messages") {
			each, where := 1, 1+rnd.IntN(3)
			if rnd.IntN(4) == 0 {
				each, where = 1+rnd.IntN(50), 1+rnd.IntN(20)
			}
			j := m.add(each, hops(where)...)
			total += each * where
			work[j] = total
			jobs = append(jobs, j)
		}
		m.run()
		for i, j := range jobs {
			slots := (work[j]*slotCost+slotCost-2)/(slotCost-1) + 1
			rounds := (slots + at - 1) / at
			require.LessOrEqual(t, m.done[j].Sub(time.Unix(0, 0)), time.Duration(rounds+1)*time.Second, "message %d", i)
		}
	})
}

// RFC 6710 section 5: a message of higher priority goes first. One of the lowest gets its turn nevertheless.
func TestPriorityOrder(t *testing.T) {
	m := newSimulation(&Transport{ProcessLimit: 1, RecipientLimit: 1})
	prio := func(p, each int) *job {
		j := &job{list: new(list), msg: &Message{}}
		if p != 0 {
			j.msg.Options.Priority = &p
		}
		by := map[string][]int{"d.example": make([]int, each)}
		m.left[j] = each
		m.s.add(m.lane, j, by, []string{"d.example"}, m.now)
		return j
	}
	low, plain, high := prio(-4, 1), prio(0, 20), prio(4, 20)
	later := prio(4, 20)
	m.run()
	require.True(t, m.done[high].Before(m.done[later]))
	require.True(t, m.done[later].Before(m.done[plain]))
	require.True(t, m.done[low].Before(time.Unix(10, 0)), "the small one of low priority does not starve")
}
