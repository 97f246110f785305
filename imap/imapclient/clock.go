package imapclient

import "time"

// instant is a moment by two clocks: the one on the wall, which goes on while the machine sleeps but may be set, and the steady one, which
// nobody sets but may stand still meanwhile.
type instant struct{ wall, steady time.Time }

// present is now.
func present() instant {
	t := time.Now()
	return instant{wall: t.Round(0), steady: t}
}

// now is present, but in tests.
func (c *Client) now() instant { return c.clock() }

// since returns the time from b to a by the clock that shows more of it.
func (a instant) since(b instant) time.Duration {
	return max(a.wall.Sub(b.wall), a.steady.Sub(b.steady))
}

// latest returns the later of two moments.
func latest(a, b instant) instant {
	if a.steady.Before(b.steady) {
		return b
	}
	return a
}
