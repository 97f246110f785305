package textcache

import (
	"context"
	"runtime"
	"sync"
)

// maxScanners is how many groups a search looks through at a time at most.
const maxScanners = 4

// job is a group to be looked through.
type job struct {
	group
	entries  []entry
	filterAt int64
	open     candidates        // entries to be matched
	n        int               // how many those are
	place    [groupLimit]int32 // of their messages
	at       [groupLimit]int64 // of the entries in the text file
}

// again is an entry of a message that has one before it: it counts where the other can't be read.
type again struct {
	e     entry
	at    int64
	place int
}

// groups looks through all groups, several at a time. No two goroutines decide about one message.
func (s *search) groups(ctx context.Context, v *view) error {
	var wg sync.WaitGroup
	work := make(chan *job)
	begun := 0
	var later []again
	for ctx.Err() == nil {
		g, entries, filterAt, ok := v.nextGroup()
		if !ok {
			break
		}
		j := &job{group: g, entries: entries, filterAt: filterAt}
		later = s.sort(j, later)
		if j.n == 0 {
			continue
		}
		if begun < min(maxScanners, runtime.GOMAXPROCS(0)) {
			begun++
			wg.Go(func() {
				r := reader{header: v.header, text: v.text, index: v.index}
				defer r.release()
				for j := range work {
					s.group(&r, j)
				}
			})
		}
		work <- j
	}
	close(work)
	wg.Wait()
	for _, a := range later {
		if s.state[a.place] == undecided {
			s.match(&v.reader, &a.e, a.at, a.place, false)
		}
	}
	return ctx.Err()
}

// sort notes a group's entries and which of them are wanted.
func (s *search) sort(j *job, later []again) []again {
	where := j.group.at
	for i := range j.entries {
		e := &j.entries[i]
		p, first := s.note(e)
		j.at[i], j.place[i] = where, int32(p)
		if first && s.state[p] == undecided { // nobody else decides about it while this goes on
			j.open[i/64] |= 1 << (i % 64)
			j.n++
		} else if p >= 0 && !first {
			later = append(later, again{*e, where, p})
		}
		where += e.size()
	}
	return later
}

// group looks through one group.
func (s *search) group(r *reader, j *job) {
	left := allEntries
	if s.adding {
		left = candidates{} // they are there
	}
	if len(s.sieve) > 0 {
		left = s.sieve.pass(func(gram uint32) candidates { return r.row(&j.group, j.filterAt, gram) })
	}
	dense := 0
	for i := range j.entries {
		if j.open.has(i) && left.has(i) {
			dense++
		}
	}
	for i := range j.entries {
		switch {
		case !j.open.has(i):
		case !left.has(i):
			s.state[j.place[i]] = no
		default:
			s.match(r, &j.entries[i], j.at[i], int(j.place[i]), dense > len(j.entries)/4)
		}
	}
}

// match reads an entry's text and decides about its message. What can't be read stays undecided.
func (s *search) match(r *reader, e *entry, at int64, place int, ahead bool) {
	if raw := r.read(at, e.size(), ahead); raw != nil {
		if t, ok := e.open(r.generation, raw); ok {
			s.decide(place, t)
		}
	}
}
