package process

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// When memory is given back: so often is looked, and what has been made in between must be so little, and what is there to give so much and a part of what is in
// use: collecting costs as much as that is.
const (
	lookEvery = 30 * time.Second
	quiet     = 64 << 20
	worthIt   = 16 << 20
	worthPart = 8 // an eighth
)

// GiveBack gives memory that isn't used back to the system while there is little to do, until ctx ends.
//
// By itself Go keeps what it needed when there was much to do: it collects when there is twice what was left, and gives back what is beyond a tenth more
// than that. 400 people who sign in within a minute leave so much behind that a third of the process is empty all day, since whoever only waits makes
// too little for the next collection. One costs some milliseconds for each 10 MiB that are in use. While there is much to do none is made for this.
func GiveBack(ctx context.Context) { giveBack(ctx, lookEvery) }

func giveBack(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	h := newHeap()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if h.look(); h.made < quiet && h.spare() > max(worthIt, h.value(live)/worthPart) {
			debug.FreeOSMemory()
		}
	}
}

// heap is what the runtime says of itself.
type heap struct {
	samples [4]metrics.Sample
	before  uint64 // of allocs
	made    uint64 // octets since the look before
}

// The samples.
const (
	allocs  = iota // octets, ever
	objects        // octets of them, and of what could be collected
	live           // octets that the last collection has left
	free           // octets that hold nothing and have not been given back
)

func newHeap() *heap {
	h := new(heap)
	for i, name := range []string{"/gc/heap/allocs:bytes", "/memory/classes/heap/objects:bytes", "/gc/heap/live:bytes", "/memory/classes/heap/free:bytes"} {
		h.samples[i].Name = name
	}
	h.look()
	return h
}

func (h *heap) look() {
	metrics.Read(h.samples[:])
	now := h.value(allocs)
	h.made, h.before = now-h.before, now
}

func (h *heap) value(i int) uint64 { return h.samples[i].Value.Uint64() }

// spare is what there would be to give back after a collection, about.
func (h *heap) spare() uint64 {
	return h.value(free) + h.value(objects) - min(h.value(objects), h.value(live))
}
