package queue

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"
)

// dueEntry is a hint that a message may be due. The truth is the file's place and modification time, which are looked at
// when the hint comes up; so hints may be doubled, outdated or forgotten, as long as a scan follows.
type dueEntry struct {
	at int64 // Unix nanoseconds
	id string
}

// compare orders hints by time, and those of one time by id: a million messages may have the same.
func (e dueEntry) compare(o dueEntry) int {
	return cmp.Or(cmp.Compare(e.at, o.at), strings.Compare(e.id, o.id))
}

// dueList is the hints for those messages that come next. When there are too many it keeps the soonest and remembers from
// which on it doesn't know all, so that a queue of a million messages costs memory for a part of them.
type dueList struct {
	h     dueHeap
	max   int
	part  bool
	known dueEntry // if part: what comes after this may be missing
}

func (l *dueList) add(at time.Time, id string) {
	e := dueEntry{at.UnixNano(), id}
	if l.part && e.compare(l.known) > 0 {
		return
	}
	heap.Push(&l.h, e)
	if len(l.h) > 2*l.max {
		l.trim()
	}
}

// found adds a hint of a message that is due, though others that come before it may be missing.
func (l *dueList) found(at time.Time, id string) {
	if len(l.h) < l.max {
		heap.Push(&l.h, dueEntry{at.UnixNano(), id})
	}
}

// trim keeps the soonest max entries.
func (l *dueList) trim() {
	slices.SortFunc(l.h, dueEntry.compare) // a sorted slice is a heap
	if last := l.h[l.max-1]; !l.part || last.compare(l.known) < 0 {
		l.part, l.known = true, last
	}
	clear(l.h[l.max:])
	l.h = l.h[:l.max] // what was behind it is room for the next
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
	case l.part:
		return time.Unix(0, l.known.at), true
	}
	return time.Time{}, false
}

// needScan reports whether messages may be due of which there is no hint, and the hints there are run out. Before that a
// scan would find nothing that comes before them.
func (l *dueList) needScan(now time.Time) bool {
	return l.part && (len(l.h) == 0 || now.UnixNano() >= l.known.at && len(l.h) <= l.max/4)
}

type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }
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
