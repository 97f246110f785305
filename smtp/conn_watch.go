package smtp

import (
	"errors"
	"os"
	"sync"
	"time"
)

// connReader reads from the connection, and can meanwhile, while a session works on something that takes long, watch for
// the peer going away, as net/http does it: by reading one byte ahead. No goroutine is there for it unless it has come
// to that.
type connReader struct {
	c *Conn

	mu      sync.Mutex
	done    *sync.Cond
	timer   *time.Timer
	active  bool // a session works
	reading bool // a byte is being waited for
	have    bool // one has come
	b       [1]byte
	err     error // the peer's end, seen while watching
}

// Read implements [io.Reader].
func (r *connReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	r.mu.Lock()
	have, err := r.have, r.err
	r.have = false
	r.mu.Unlock()
	switch {
	case have:
		p[0] = r.b[0]
		return 1, nil
	case err != nil:
		return 0, err
	}
	return r.c.stream.Read(p)
}

// reset forgets what was read ahead, before TLS begins.
func (r *connReader) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.have, r.err = false, nil
}

// work is called before a session is, and rest after. Between them the peer is watched if it takes long.
func (c *Conn) work() {
	c.setState(StateActive)
	r := &c.in
	if c.r.Buffered() > 0 {
		return // there is more to read, and so the peer is there for all we know
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have || r.err != nil {
		return
	}
	r.active = true
	d := wait(c.srv.Timeouts.Watch, 500*time.Millisecond)
	switch {
	case d == 0:
	case r.timer == nil:
		r.done = sync.NewCond(&r.mu)
		r.timer = time.AfterFunc(d, r.watch)
	default:
		r.timer.Reset(d)
	}
}

// rest ends what work began.
func (c *Conn) rest() {
	r := &c.in
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.active {
		return
	}
	r.active = false
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.reading {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		for r.reading {
			r.done.Wait()
		}
		_ = c.nc.SetReadDeadline(time.Time{})
	}
}

// watch waits for a byte or the peer's end.
func (r *connReader) watch() {
	r.mu.Lock()
	if !r.active || r.reading {
		r.mu.Unlock()
		return
	}
	r.reading = true
	_ = r.c.flush()
	_ = r.c.nc.SetReadDeadline(time.Time{})
	r.mu.Unlock()

	n, err := r.c.stream.Read(r.b[:])

	r.mu.Lock()
	r.have = n == 1
	if n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.err = err
		r.c.cancel()
	}
	r.reading = false
	r.done.Broadcast()
	r.mu.Unlock()
}
