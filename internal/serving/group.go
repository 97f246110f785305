// Package serving is what the servers of all protocols have in common: the listeners they accept from, the connections
// they have, how many of those come from each address, and how all of it ends.
package serving

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Group is a server's listeners and connections; C is a pointer to the server's own type of connection. The zero value is
// ready, and may be used by many goroutines at once.
type Group[C comparable] struct {
	closing atomic.Bool

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[C]string // to what each is counted by, "" for those that aren't counted
	perAddr   map[string]int
	drained   chan struct{} // closed when the last connection has gone; made by who waits for it
}

// Closing reports whether Shutdown or Close was called.
func (g *Group[C]) Closing() bool { return g.closing.Load() }

// Serve accepts connections from l, and calls handle in a goroutine of its own for each, until the group is closed: then it
// returns nil. Any other end is an error. A listener that has run out of something is asked again later, as net/http does.
// It closes l.
func (g *Group[C]) Serve(ctx context.Context, l net.Listener, log *slog.Logger, handle func(net.Conn)) error {
	defer l.Close()
	if !g.addListener(l) {
		return nil
	}
	defer g.removeListener(l)
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			go handle(nc)
			continue
		}
		if g.Closing() {
			return nil
		}
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() {
			return err
		}
		// Out of file descriptors, or the peer was gone before we came to it.
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		if log != nil {
			log.WarnContext(ctx, "accept failed", "error", err, "retry", delay)
		}
		time.Sleep(delay)
	}
}

func (g *Group[C]) addListener(l net.Listener) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Closing() {
		return false
	}
	if g.listeners == nil {
		g.listeners = map[net.Listener]struct{}{}
	}
	g.listeners[l] = struct{}{}
	return true
}

func (g *Group[C]) removeListener(l net.Listener) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.listeners, l)
}

// Add enters a connection, which Remove must follow. It is false when the group is closed.
func (g *Group[C]) Add(c C) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.Closing() {
		return false
	}
	if g.conns == nil {
		g.conns, g.perAddr = map[C]string{}, map[string]int{}
	}
	g.conns[c] = ""
	return true
}

// Count counts a connection that was added for its address, once that is known, and reports whether it may stay: total
// bounds all connections, perAddr those of an address as [AddrKey] has it; 0 doesn't bound. It may be called again when the
// address turns out to be another one.
func (g *Group[C]) Count(c C, addr net.Addr, total, perAddr int) bool {
	key := AddrKey(addr)
	g.mu.Lock()
	defer g.mu.Unlock()
	if total > 0 && len(g.conns) > total || key != "" && perAddr > 0 && g.perAddr[key] >= perAddr {
		return false
	}
	if was, ok := g.conns[c]; ok {
		g.uncount(was)
		g.conns[c] = key
		if key != "" {
			g.perAddr[key]++
		}
	}
	return true
}

// uncount takes a connection from an address's count.
func (g *Group[C]) uncount(key string) {
	if key == "" {
		return
	}
	if g.perAddr[key]--; g.perAddr[key] == 0 {
		delete(g.perAddr, key)
	}
}

// Remove takes out a connection that has ended.
func (g *Group[C]) Remove(c C) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.uncount(g.conns[c])
	delete(g.conns, c)
	if len(g.conns) == 0 && g.drained != nil {
		close(g.drained)
		g.drained = nil
	}
}

// Shutdown closes the listeners, calls tell for every connection, and waits until all have been removed or ctx ends, whose
// error it returns then. tell must not block, nor call the group.
func (g *Group[C]) Shutdown(ctx context.Context, tell func(C)) error {
	done := g.close(tell)
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the listeners and calls end for every connection, without waiting. end must not block, nor call the group.
func (g *Group[C]) Close(end func(C)) { g.close(end) }

func (g *Group[C]) close(f func(C)) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closing.Store(true)
	for l := range g.listeners {
		_ = l.Close()
	}
	for c := range g.conns {
		f(c)
	}
	if len(g.conns) == 0 {
		return nil
	}
	if g.drained == nil {
		g.drained = make(chan struct{})
	}
	return g.drained
}
