package pop3

import (
	"context"
	"net"
	"net/netip"
	"time"
)

func (s *Server) addListener(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.listeners == nil {
		s.listeners = map[net.Listener]struct{}{}
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
	_ = l.Close()
}

// addConn registers a connection. It is false when the server is closing.
func (s *Server) addConn(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if s.conns == nil {
		s.conns = map[*Conn]struct{}{}
		s.perAddr = map[string]int{}
	}
	s.conns[c] = struct{}{}
	return true
}

// countAddr counts the connection for its address and reports whether there may be one more.
func (s *Server) countAddr(c *Conn) bool {
	key := addrKey(c.RemoteIP())
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.Limits.Connections; n > 0 && len(s.conns) > n {
		return false
	}
	if key == "" {
		return true
	}
	if s.perAddr[key] >= limit(s.Limits.ConnectionsPerAddr, 50) {
		return false
	}
	s.perAddr[key]++
	c.addrKey = key
	return true
}

func (s *Server) removeConn(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.addrKey != "" {
		if s.perAddr[c.addrKey]--; s.perAddr[c.addrKey] == 0 {
			delete(s.perAddr, c.addrKey)
		}
	}
	delete(s.conns, c)
	if len(s.conns) == 0 && s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// addrKey returns what connections are counted by: an IPv4 address or an IPv6 /64, "" for loopback and what has no IP
// address.
func addrKey(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.IsLoopback() {
		return ""
	}
	if ip = ip.Unmap(); ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.String()
	}
	return ip.String()
}

// Shutdown ends the server in peace: it stops listening and tells connections that wait for a command and have nothing
// marked as deleted "-ERR [SYS/TEMP]". The others may go on until they say QUIT. It returns nil when all have gone. When ctx
// ends first, what is left stays until Close.
func (s *Server) Shutdown(ctx context.Context) error {
	done := s.stop()
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

// stop closes the listeners, tells the connections, and returns what is closed when they have gone, nil if none is
// there.
func (s *Server) stop() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing.Store(true)
	for l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		c.mu.Lock()
		c.closing = true
		if c.idle {
			_ = c.nc.SetReadDeadline(time.Unix(1, 0))
		}
		c.mu.Unlock()
	}
	if len(s.conns) == 0 {
		return nil
	}
	if s.drained == nil {
		s.drained = make(chan struct{})
	}
	return s.drained
}

// Close ends the server at once: listeners and connections are closed, and nothing is removed from their maildrops.
func (s *Server) Close() error {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.cancel()
		_ = c.nc.Close()
	}
	return nil
}
