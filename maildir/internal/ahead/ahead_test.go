package ahead

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// numbers is a queue whose keys are the even numbers below 2*n, and whose values are their tenfold.
func numbers(n int, budget *Budget) (q *Queue[int, int], dropped *atomic.Int64, kept *atomic.Int64) {
	dropped, kept = new(atomic.Int64), new(atomic.Int64)
	i := -1
	return &Queue[int, int]{
		Next: func() (uint32, int, int, bool) {
			i++
			return uint32(2 * i), i, 3000, i < n
		},
		Make: func(k int) int {
			kept.Add(1)
			return 20 * k
		},
		Drop:   func(int) { dropped.Add(1) },
		Budget: budget,
	}, dropped, kept
}

// Whatever is taken is what was asked for; every value that was made is taken or dropped, once; and the budget is whole in the end.
func TestQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 700).Draw(t, "items")
		budget := &Budget{Most: int64(rapid.SampledFrom([]int{0, 100_000, 1 << 30}).Draw(t, "budget"))}
		q, dropped, kept := numbers(n, budget)
		got := int64(0)
		for id := uint32(0); id < uint32(2*n+5); id += uint32(rapid.SampledFrom([]int{1, 2, 2, 2, 2, 2, 50}).Draw(t, "step")) {
			v, ok := q.Take(id)
			if ok {
				got++
				if v != 10*int(id) || id%2 != 0 || int(id) >= 2*n {
					t.Fatalf("%d for %d", v, id)
				}
			}
			if rapid.IntRange(0, 300).Draw(t, "leave") == 0 {
				break
			}
			if rapid.IntRange(0, 5).Draw(t, "yield") == 0 {
				runtime.Gosched()
			}
		}
		q.Close()
		if kept.Load() != got+dropped.Load() {
			t.Fatalf("%d made, %d taken, %d dropped", kept.Load(), got, dropped.Load())
		}
		if used := budget.used.Load(); used != 0 {
			t.Fatalf("%d of the budget are still used", used)
		}
		if budget.Most == 0 && kept.Load() > 0 {
			t.Fatal("ahead without a budget")
		}
	})
}

// While the taker does something else, what comes next is made.
func TestQueueWorksAhead(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("there is nobody to work ahead")
	}
	made := make(chan int, 100)
	i := 0
	q := &Queue[int, int]{
		Next: func() (uint32, int, int, bool) { i++; return uint32(i), i, 1, i < 100 },
		Make: func(k int) int { made <- k; return k },
	}
	defer q.Close()
	q.Take(1)
	seen := map[int]bool{}
	for len(seen) < firstBatch-2 { // the first may have been taken before it was begun, and the worker ends there
		seen[<-made] = true
	}
	require.NotContains(t, seen, 99, "nor is everything")
}

// Who is slow is handed what was made; who is as fast as the one who works ahead makes about half.
func BenchmarkQueue(b *testing.B) {
	q, _, _ := numbers(b.N, nil)
	b.ReportAllocs()
	for i := range b.N {
		q.Take(uint32(2 * i))
	}
	q.Close()
}
