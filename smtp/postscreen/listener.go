package postscreen

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Listen returns a listener whose connections are those of l that pass. Closing it closes l, and ends the connections that are being tested.
// Connections that it gives may be other than l's: they remember what a client has said early, and what a PROXY header said.
func (s *Screen) Listen(l net.Listener) *Listener {
	sl := &Listener{Listener: l, passed: make(chan net.Conn), failed: make(chan struct{}), open: map[*visit]struct{}{}}
	sl.s.Store(s)
	sl.ctx, sl.cancel = context.WithCancel(context.Background())
	return sl
}

// Use has clients tested by another Screen from now on. Those that are being tested stay with theirs.
func (l *Listener) Use(s *Screen) { l.s.Store(s) }

// Listener is a listener whose connections have passed a [Screen].
type Listener struct {
	net.Listener
	s      atomic.Pointer[Screen]
	ctx    context.Context // ends when the listener is closed
	cancel context.CancelFunc
	begin  sync.Once
	passed chan net.Conn
	failed chan struct{} // closed when l has failed with err
	err    error

	mu      sync.Mutex
	waiting int // for Accept
	closed  bool
	open    map[*visit]struct{}
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	l.begin.Do(func() { go l.accept() })
	select {
	case c := <-l.passed:
		return c, nil
	case <-l.failed:
		return nil, l.err
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// accept takes connections until the listener underneath fails for good.
func (l *Listener) accept() {
	var delay time.Duration
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			delay = 0
			s := l.s.Load()
			v := &visit{s: s, l: l, raw: c, c: c, began: time.Now(), remote: addrOf(c.RemoteAddr()), local: addrOf(c.LocalAddr())}
			if !s.Proxy {
				v.oneTooMany = !s.arrive(v.remote.Addr())
			}
			if l.add(v) {
				go v.run(l.ctx)
			} else {
				if !s.Proxy {
					s.leave(v.remote.Addr())
				}
				_ = c.Close()
			}
			continue
		}
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() || l.ctx.Err() != nil {
			l.err = err
			close(l.failed)
			return
		}
		// Out of file descriptors, or the peer was gone before we came to it.
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		select {
		case <-time.After(delay):
		case <-l.ctx.Done():
		}
	}
}

func (l *Listener) add(v *visit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.open[v] = struct{}{}
	}
	return !l.closed
}

func (l *Listener) remove(v *visit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, v)
}

// hand gives a connection to Accept; false where too many wait already.
func (l *Listener) hand(c net.Conn) bool {
	l.mu.Lock()
	if l.waiting >= limit(l.s.Load().Limits.Waiting, 1000) {
		l.mu.Unlock()
		return false
	}
	l.waiting++
	l.mu.Unlock()
	select {
	case l.passed <- c:
	case <-l.ctx.Done():
		_ = c.Close()
	}
	l.mu.Lock()
	l.waiting--
	l.mu.Unlock()
	return true
}

// Close implements [net.Listener].
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.cancel()
	for v := range l.open {
		_ = v.raw.SetReadDeadline(time.Unix(1, 0))
	}
	l.mu.Unlock()
	return l.Listener.Close()
}

// passedConn is a connection that passed, with what was read from it, and the addresses that a proxy told.
type passedConn struct {
	net.Conn
	early         []byte
	remote, local net.Addr
}

// Read implements [net.Conn].
func (c *passedConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// RemoteAddr implements [net.Conn].
func (c *passedConn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr implements [net.Conn].
func (c *passedConn) LocalAddr() net.Addr { return c.local }

// NetConn returns the connection underneath.
func (c *passedConn) NetConn() net.Conn { return c.Conn }
