// Package throttle makes guessing passwords slow: who has failed often waits before the next try, by name and by address, and
// each failure doubles the wait.
package throttle

import (
	"sync"
	"time"
)

// Throttle counts failures. The zero value is ready for use. It may be used by many goroutines.
type Throttle struct {
	Now func() time.Time // nil: time.Now

	mu      sync.Mutex
	entries map[string]*entry
}

type entry struct {
	failures int
	last     time.Time
}

// Free is how many failures cost nothing, of one name and of one address, behind which there may be many people. Longest is the
// longest wait, and Forget how long a failure counts. Entries bounds the memory: beyond, the oldest are forgotten.
const (
	FreeName    = 4
	FreeAddress = 20
	Longest     = 15 * time.Minute
	Forget      = time.Hour
	Entries     = 50_000
)

func keys(name, address string) [2]string { return [2]string{"n" + name, "a" + address} }

func (t *Throttle) now() time.Time {
	if t.Now != nil {
		return t.Now()
	}
	return time.Now()
}

// Wait returns how long a try must wait; 0: it may be made now. Every try that may be made counts as a failure until Success, so that
// many at once are not let through together.
func (t *Throttle) Wait(name, address string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	var wait time.Duration
	for i, k := range keys(name, address) {
		e := t.entries[k]
		if e == nil || now.Sub(e.last) > Forget {
			continue
		}
		free := [...]int{FreeName, FreeAddress}[i]
		if e.failures < free {
			continue
		}
		d := min(time.Second<<min(e.failures-free, 20), Longest)
		wait = max(wait, e.last.Add(d).Sub(now))
	}
	if wait > 0 {
		return wait
	}
	if t.entries == nil {
		t.entries = map[string]*entry{}
	}
	if len(t.entries) >= Entries {
		t.sweep(now)
	}
	for _, k := range keys(name, address) {
		e := t.entries[k]
		if e == nil || now.Sub(e.last) > Forget {
			e = &entry{}
			t.entries[k] = e
		}
		e.failures++
		e.last = now
	}
	return 0
}

// Success says that the try was right: the name's failures are forgotten, and this try doesn't count for the address.
func (t *Throttle) Success(name, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := keys(name, address)
	delete(t.entries, k[0])
	if e := t.entries[k[1]]; e != nil {
		if e.failures--; e.failures <= 0 {
			delete(t.entries, k[1])
		}
	}
}

// sweep forgets what is old, and where that is not enough the older half.
func (t *Throttle) sweep(now time.Time) {
	for age := Forget; len(t.entries) >= Entries/2 && age > time.Second; age /= 2 {
		for k, e := range t.entries {
			if now.Sub(e.last) > age {
				delete(t.entries, k)
			}
		}
	}
	for k := range t.entries {
		if len(t.entries) < Entries {
			break
		}
		delete(t.entries, k)
	}
}
