package imapserver

import (
	"context"
	"errors"
	"net"

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
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(l)
	}
	err := s.group.Serve(ctx, l, s.Logger, func(nc net.Conn) { s.serveConn(ctx, nc, implicit, nil) })
	if err == nil {
		err = ErrServerClosed
	}
	return err
}

// ServeConn serves one connection, whatever it is made of, and returns when it has ended.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	closed := make(chan struct{})
	s.serveConn(ctx, nc, false, closed)
	<-closed
}

// serveConn begins to serve a connection. It may return before it has ended; closed, which may be nil, is closed then.
func (s *Server) serveConn(ctx context.Context, nc net.Conn, implicit bool, closed chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	c := newConn(s, nc, cancel)
	c.closed = closed
	c.begin(ctx, implicit, s.admit(c))
}

// admit enters c into the list of connections, and says why it may not stay.
func (s *Server) admit(c *Conn) *imap.Status {
	if !s.group.Add(c) {
		return byeShutdown()
	}
	l := s.limits(false)
	if !s.group.Count(c, c.RemoteAddr(), l.Connections, l.ConnectionsPerAddr) {
		return &imap.Status{Type: imap.BYE, Code: imap.CodeUnavailable, Text: "Too many connections, try again later."}
	}
	return nil
}
