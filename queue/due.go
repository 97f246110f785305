package queue

import (
	"container/heap"
	"slices"
	"time"
)

// dueEntry is a hint that a message may be due. The truth is the file's place and modification time, which are looked at
// when the hint comes up; so hints may be doubled, outdated or forgotten, as long as a scan follows.
type dueEntry struct {
	at int64 // Unix nanoseconds
	id string
}

// dueList is the hints for those messages that come next. When there are too many it keeps the soonest and remembers from
// which time on it doesn't know everything, so that a queue of a million messages costs memory for a part of them.
type dueList struct {
	h     dueHeap
	max   int
	known int64 // what is due after this may be missing; 0: nothing is
}

func (l *dueList) add(at time.Time, id string) {
	e := dueEntry{at.UnixNano(), id}
	if l.known != 0 && e.at > l.known {
		return
	}
	heap.Push(&l.h, e)
	if len(l.h) > 2*l.max {
		l.trim()
	}
}

// trim keeps the soonest max entries.
func (l *dueList) trim() {
	slices.SortFunc(l.h, func(a, b dueEntry) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	// A sorted slice is a heap. Entries of the same time stay together, so that known is true.
	keep := l.max
	for keep < len(l.h) && l.h[keep].at == l.h[keep-1].at {
		keep++
	}
	if keep >= len(l.h) {
		return
	}
	l.known = l.h[keep-1].at
	clear(l.h[keep:])
	l.h = l.h[:keep] // what was behind it is room for the next
}

// pop returns the soonest entry if it is due.
func (l *dueList) pop(now time.Time) (string, bool) {
	if len(l.h) == 0 || l.h[0].at > now.UnixNano() {
		return "", false
	}
	return heap.Pop(&l.h).(dueEntry).id, true
}

// first returns when the soonest entry is due.
func (l *dueList) first() (time.Time, bool) {
	if len(l.h) == 0 {
		return time.Time{}, false
	}
	return time.Unix(0, l.h[0].at), true
}

// next returns when something is due, or a scan has to tell.
func (l *dueList) next() (time.Time, bool) {
	switch {
	case len(l.h) > 0:
		return time.Unix(0, l.h[0].at), true
	case l.known != 0:
		return time.Unix(0, l.known), true
	}
	return time.Time{}, false
}

// needScan reports whether messages may be due of which there is no hint.
func (l *dueList) needScan(now time.Time) bool {
	return l.known != 0 && (len(l.h) == 0 || now.UnixNano() > l.known)
}

type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueEntry)) }
func (h *dueHeap) Pop() any {
	old := *h
	n := len(old) - 1
	e := old[n]
	old[n] = dueEntry{}
	*h = old[:n]
	return e
}
