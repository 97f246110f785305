package ratelimit

import (
	"fmt"
	"time"
)

// Maxima are the greatest counts since they were last asked for.
type Maxima struct {
	Window time.Duration
	Rates  [numEvents]Maximum // by Event
	Conns  Maximum            // connections at once
	Size   Maximum            // clients that were known at once
}

// Maximum is a greatest count, whose it was, and when. 0 says that there was none.
type Maximum struct {
	N       int
	Service string
	Addr    string
	At      time.Time
}

func (m *Maxima) rate(e Event, n int, k client, now time.Time) { m.Rates[e].note(n, k, now) }
func (m *Maxima) conns(n int, k client, now time.Time)         { m.Conns.note(n, k, now) }
func (m *Maxima) size(n int, now time.Time) {
	if n > m.Size.N {
		m.Size = Maximum{N: n, At: now}
	}
}

func (m *Maximum) note(n int, k client, now time.Time) {
	if n > m.N {
		*m = Maximum{n, k.service, k.addr.String(), now}
	}
}

// Maxima returns the greatest counts since it was called last.
func (c *Counters) Maxima() Maxima {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.max
	m.Window, c.max = c.window(), Maxima{}
	return m
}

// Lines are what Postfix's anvil writes into the log of them, a line each:
//
//	statistics: max connection rate 3/60s for (smtp:192.0.2.1) at Nov 26 21:00:00
func (m *Maxima) Lines() []string {
	const stamp = "Jan _2 15:04:05"
	var out []string
	rate := func(e Event, name string) {
		if r := &m.Rates[e]; r.N > 0 {
			out = append(out, fmt.Sprintf("statistics: max %s rate %d/%ds for (%s:%s) at %s", name, r.N, int(m.Window.Seconds()), r.Service, r.Addr, r.At.Format(stamp)))
		}
	}
	rate(Connection, "connection")
	if m.Conns.N > 0 {
		out = append(out, fmt.Sprintf("statistics: max connection count %d for (%s:%s) at %s", m.Conns.N, m.Conns.Service, m.Conns.Addr, m.Conns.At.Format(stamp)))
	}
	rate(Message, "message")
	rate(Recipient, "recipient")
	rate(TLSSession, "newtls")
	rate(Auth, "auth")
	if m.Size.N > 0 {
		out = append(out, fmt.Sprintf("statistics: max cache size %d at %s", m.Size.N, m.Size.At.Format(stamp)))
	}
	return out
}
