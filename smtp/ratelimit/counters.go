package ratelimit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/buuta/mail/internal/aging"
)

// Counters are counts of what clients do. The zero value is ready; fields must not change once it is used. It may be used by many
// goroutines at once.
type Counters struct {
	Window  time.Duration // what rates are over; 0: 60 s
	MaxIdle int           // clients that are remembered while they have no connection; 0: 65536 (some 15 MiB when all are there)
	Bits6   int           // of IPv6 addresses that make a client; 0: 128, as in Postfix; 64 is what one site has

	mu   sync.Mutex
	open map[client]*counts // that have a connection
	idle aging.Map[client, counts]
	aged time.Time // when idle was aged
	max  Maxima
}

// client is who is counted.
type client struct {
	service string
	addr    netip.Addr
}

// Event is what is counted over time.
type Event int

// The events.
const (
	Connection Event = iota
	Message
	Recipient
	TLSSession
	Auth
	numEvents
)

// counts are those of a client.
type counts struct {
	start time.Time // of the window
	conns int
	n     [numEvents]int
}

func (c *Counters) window() time.Duration {
	if c.Window <= 0 {
		return time.Minute
	}
	return c.Window
}

// key is the client that an address belongs to.
func (c *Counters) key(service string, a netip.Addr) client {
	a = a.Unmap().WithZone("")
	if bits := c.Bits6; a.Is6() && bits > 0 && bits < 128 {
		if p, err := a.Prefix(bits); err == nil {
			a = p.Addr()
		}
	}
	return client{service, a}
}

// find returns a client's counts, for writing.
func (c *Counters) find(k client, now time.Time) *counts {
	if n := c.open[k]; n != nil {
		return n
	}
	c.age(now)
	return c.idle.Add(k, c.maxIdle())
}

func (c *Counters) maxIdle() int {
	if c.MaxIdle <= 0 {
		return 1 << 16
	}
	return c.MaxIdle
}

// age forgets clients whose counts have run out.
func (c *Counters) age(now time.Time) {
	switch since := now.Sub(c.aged); {
	case since > 2*c.window():
		c.idle.Age()
		fallthrough
	case since > c.window():
		c.idle.Age()
		c.aged = now
	}
}

// add counts an event and returns how many there were in the window.
func (c *Counters) add(k client, n *counts, e Event, now time.Time) int {
	if now.Sub(n.start) > c.window() {
		n.start, n.n = now, [numEvents]int{}
	}
	n.n[e]++
	c.max.rate(e, n.n[e], k, now)
	return n.n[e]
}

// Connect counts a connection, and returns how many there are now and how many came in the window, this one among them. Disconnect must
// follow.
func (c *Counters) Connect(service string, a netip.Addr) (now, rate int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, at := c.key(service, a), time.Now()
	n := c.open[k]
	if n == nil {
		c.age(at)
		if n = c.idle.Take(k); n == nil {
			n = new(counts)
		}
		if c.open == nil {
			c.open = map[client]*counts{}
		}
		c.open[k] = n
	}
	n.conns++
	c.max.conns(n.conns, k, at)
	c.max.size(len(c.open)+c.idle.Len(), at)
	return n.conns, c.add(k, n, Connection, at)
}

// Disconnect counts a connection's end.
func (c *Counters) Disconnect(service string, a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(service, a)
	n := c.open[k]
	if n == nil {
		return
	}
	if n.conns--; n.conns == 0 {
		delete(c.open, k)
		if len(c.open) == 0 {
			c.open = nil // a map keeps the room that it once needed
		}
		c.age(time.Now())
		c.idle.Put(k, n, c.maxIdle())
	}
}

// Add counts an event and returns how many there were in the window, this one among them.
func (c *Counters) Add(service string, a netip.Addr, e Event) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, now := c.key(service, a), time.Now()
	return c.add(k, c.find(k, now), e, now)
}

// Rate returns how many events there were in the window.
func (c *Counters) Rate(service string, a netip.Addr, e Event) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.key(service, a)
	n := c.open[k]
	if n == nil {
		n = c.idle.Get(k)
	}
	if n == nil || time.Since(n.start) > c.window() {
		return 0
	}
	return n.n[e]
}

// Known is how many clients are remembered, at most.
func (c *Counters) Known() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open) + c.idle.Len()
}
