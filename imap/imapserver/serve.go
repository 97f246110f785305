package imapserver

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/buuta/mail/imap"
)

// ListenAndServe listens on a TCP address, ":143" if it is "", and serves until Shutdown or Close.
func (s *Server) ListenAndServe(addr string) error {
	l, err := net.Listen("tcp", orDefault(addr, ":143"))
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS listens on a TCP address, ":993" if it is "", for clients that begin with TLS (RFC 8314 section 3.2).
func (s *Server) ListenAndServeTLS(addr string) error {
	l, err := net.Listen("tcp", orDefault(addr, ":993"))
	if err != nil {
		return err
	}
	return s.ServeTLS(l)
}

// Serve accepts connections from l until Shutdown or Close, and returns ErrServerClosed then. It closes l.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, false) }

// ServeTLS is Serve for clients that begin with TLS, by TLSConfig.
func (s *Server) ServeTLS(l net.Listener) error {
	if s.TLSConfig == nil {
		_ = l.Close()
		return errors.New("imapserver: ServeTLS without TLSConfig")
	}
	return s.serve(l, true)
}

func (s *Server) serve(l net.Listener, implicit bool) error {
	defer l.Close()
	if !s.addListener(l) {
		return ErrServerClosed
	}
	defer s.removeListener(l)
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(l)
	}
	var delay time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			delay = 0
			go s.serveConn(ctx, nc, implicit)
			continue
		}
		if s.closing.Load() {
			return ErrServerClosed
		}
		if t, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err); !ok || !t.Temporary() {
			return err
		}
		// Out of file descriptors, or the peer was gone before we came to it: wait and go on, as net/http does.
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		s.log(ctx, slog.LevelWarn, "accept failed", "error", err, "retry", delay)
		time.Sleep(delay)
	}
}

// ServeConn serves one connection, whatever it is made of, and returns when it has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) { s.serveConn(ctx, nc, false) }

func (s *Server) serveConn(ctx context.Context, nc net.Conn, implicit bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newConn(s, nc, cancel)
	refusal := s.admit(c)
	if refusal == nil {
		defer s.forget(c)
	}
	c.serve(ctx, implicit, refusal)
}

// admit enters c into the list of connections, or says why not.
func (s *Server) admit(c *Conn) *imap.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limits(false)
	host := hostOf(c.RemoteAddr())
	switch {
	case s.closing.Load():
		return byeShutdown()
	case len(s.conns) >= l.Connections, s.perAddr[host] >= l.ConnectionsPerAddr && !c.FromThisMachine():
		return &imap.Status{Type: imap.BYE, Code: imap.CodeUnavailable, Text: "Too many connections, try again later."}
	}
	if s.conns == nil {
		s.conns, s.perAddr, s.drained = map[*Conn]struct{}{}, map[string]int{}, make(chan struct{})
	}
	s.conns[c] = struct{}{}
	s.perAddr[host]++
	return nil
}

// forget removes c when its session has ended.
func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	host := hostOf(c.RemoteAddr())
	if s.perAddr[host]--; s.perAddr[host] <= 0 {
		delete(s.perAddr, host)
	}
	if s.closing.Load() && len(s.conns) == 0 {
		close(s.drained)
	}
}

// hostOf returns what connections are counted by: the IP address, of IPv6 the /64 that one site has.
func hostOf(a net.Addr) string {
	if a == nil {
		return ""
	}
	at, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	ip := at.Addr().Unmap()
	if ip.Is6() {
		if site, err := ip.Prefix(64); err == nil {
			return site.String()
		}
	}
	return ip.String()
}

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
}
