// Package ahead makes things in the background for one who takes them in their order. Nobody ever waits: what the background has not made
// when its turn comes, the taker makes. So a second processor is used while there is one to spare, and none is missed while there is not.
package ahead

import (
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	firstBatch = 4  // items that are worked on at first, so that of those who leave soon little is thrown away
	mostBatch  = 64 // and later
	mostWeight = 256 << 10
	mostAhead  = 4 // batches
)

// Queue hands out values of type T that are made of keys of type K. It is for one goroutine; Make and Drop are called by others, too.
// Next, Make and Drop are set before the first call.
type Queue[K, T any] struct {
	// Next returns the next key, its number, which is above the one before, and what its value weighs towards Budget. It is called
	// by whoever calls Take.
	Next func() (id uint32, key K, weight int, more bool)
	// Make makes a value. What it makes must be good for as long as nobody takes it.
	Make func(K) T
	// Drop, if not nil, gets the values that nobody took.
	Drop func(T)
	// Budget, if not nil, is shared by queues, and bounds what all of them have ahead. A batch that goes beyond is left to its taker.
	Budget *Budget

	batches []*batch[K, T] // the first is where the taker is
	at      int            // in it
	size    int            // of the last batch
	ended   bool           // Next has no more
	working sync.WaitGroup
}

// batch is some items in a row. Who takes begins at its front, who works ahead at its end, so that they meet once at most.
type batch[K, T any] struct {
	items  []item[K, T]
	weight int64 // of the Budget; 0: nobody works on it
}

type item[K, T any] struct {
	id    uint32
	state atomic.Uint32
	key   K
	value T
}

// The states of an item. Whoever brings it to taken owns the value, if there is one.
const (
	waiting uint32 = iota
	begun
	made
	taken
)

// Take returns the value of the item with this number, if it has been made ahead. Items before it are dropped.
func (q *Queue[K, T]) Take(id uint32) (v T, ok bool) {
	for {
		if len(q.batches) == 0 && !q.fill() {
			return v, false
		}
		b := q.batches[0]
		for ; q.at < len(b.items) && b.items[q.at].id < id; q.at++ {
			q.drop(&b.items[q.at])
		}
		if q.at < len(b.items) {
			if it := &b.items[q.at]; it.id == id {
				q.at++
				return it.take()
			}
			return v, false
		}
		q.leave(b)
	}
}

// Close drops what nobody took, and waits for what is being made.
func (q *Queue[K, T]) Close() {
	q.ended = true
	for _, b := range q.batches {
		for i := range b.items {
			q.drop(&b.items[i])
		}
	}
	q.working.Wait()
	for len(q.batches) > 0 {
		q.leave(q.batches[0])
	}
}

// take takes an item and reports whether it was made.
func (it *item[K, T]) take() (v T, ok bool) {
	if it.state.Swap(taken) == made {
		v, it.value = it.value, v
		return v, true
	}
	return v, false
}

func (q *Queue[K, T]) drop(it *item[K, T]) {
	if v, ok := it.take(); ok && q.Drop != nil {
		q.Drop(v)
	}
}

// leave goes on to the next batch.
func (q *Queue[K, T]) leave(b *batch[K, T]) {
	q.batches, q.at = q.batches[1:], 0
	if q.Budget != nil {
		q.Budget.used.Add(-b.weight)
	}
	q.fill()
}

// fill sees to it that there are batches ahead, and reports whether there is one.
func (q *Queue[K, T]) fill() bool {
	most := min(runtime.GOMAXPROCS(0), mostAhead)
	for !q.ended && len(q.batches) < most {
		b := q.batch()
		if len(b.items) == 0 {
			break
		}
		q.batches = append(q.batches, b)
		if most > 1 && len(b.items) > 1 && q.Budget.take(b.weight) {
			q.working.Go(func() { q.work(b) })
		} else {
			b.weight = 0
		}
	}
	return len(q.batches) > 0
}

// batch takes the next items from Next.
func (q *Queue[K, T]) batch() *batch[K, T] {
	q.size = min(max(firstBatch, 2*q.size), mostBatch)
	b := &batch[K, T]{items: make([]item[K, T], 0, q.size)}
	for len(b.items) < q.size && b.weight < mostWeight {
		id, key, weight, more := q.Next()
		if !more {
			q.ended = true
			break
		}
		b.items = b.items[:len(b.items)+1]
		it := &b.items[len(b.items)-1]
		it.id, it.key = id, key
		b.weight += int64(weight)
	}
	return b
}

// work makes what is in a batch, from its end to where the taker is.
func (q *Queue[K, T]) work(b *batch[K, T]) {
	for i := len(b.items) - 1; i >= 0; i-- {
		it := &b.items[i]
		if !it.state.CompareAndSwap(waiting, begun) {
			return
		}
		v := q.Make(it.key)
		it.value = v
		if !it.state.CompareAndSwap(begun, made) {
			// Its taker could not wait.
			if q.Drop != nil {
				q.Drop(v)
			}
			return
		}
	}
}

// Budget bounds what queues have ahead together. The zero value lets nothing be ahead.
type Budget struct {
	Most int64
	used atomic.Int64
}

// take reports whether there was so much left, and takes it. There is no end to a budget that is nil.
func (b *Budget) take(n int64) bool {
	if b == nil {
		return true
	}
	if b.used.Add(n) > b.Most {
		b.used.Add(-n)
		return false
	}
	return true
}
