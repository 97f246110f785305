package imapclient

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// Wall is a clock on the wall that a test can set: the machine has slept, or somebody has set it.
type Wall struct{ off atomic.Int64 }

// Set moves the clock.
func (w *Wall) Set(d time.Duration) { w.off.Add(int64(d)) }

func (w *Wall) now() instant {
	t := time.Now()
	return instant{wall: t.Round(0).Add(time.Duration(w.off.Load())), steady: t}
}

// NewClientAt is NewClient with another clock on the wall.
func NewClientAt(ctx context.Context, w *Wall, conn net.Conn, opts *Options) (*Client, error) {
	c := newClient(conn, options(opts))
	c.clock = w.now
	if err := c.open(ctx); err != nil {
		c.fail(err)
		c.reader.Wait()
		return nil, err
	}
	return c, nil
}

// SetClock gives the pool another clock on the wall.
func (p *Pool) SetClock(w *Wall) { p.clock = w.now }
