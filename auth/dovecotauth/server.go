package dovecotauth

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/sasl"
	"github.com/buuta/mail/internal/serving"
)

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("dovecotauth: server closed")

// Limits bound what a client may do. 0 means the default.
type Limits struct {
	Line        int           // octets of a line; 0: 32 KiB
	Requests    int           // logins of one connection that have not ended; 0: 1000
	Connections int           // 0: 1000
	Pending     time.Duration // how long a login may wait for its client; 0: 150 s
	Write       time.Duration // how long a client may take to read; 0: 10 s
}

// Server answers by Dovecot's authentication protocol. Its fields must not change once it is used.
type Server struct {
	Authenticator mail.Authenticator
	Guard         mail.AuthGuard // nil: every attempt is looked at
	// Mechanisms are the SASL mechanisms offered, by upper-case name; empty: all that Authenticator can do. EXTERNAL and those with channel binding need the
	// user's own connection and are not offered.
	Mechanisms []string
	// AllowPlaintext has passwords and tokens checked also where the client doesn't say that the user's connection is secured.
	AllowPlaintext bool
	// Users is what ServeUsers tells of.
	Users    Users
	Hostname string // for CRAM-MD5's challenge; "" means "localhost"
	Limits   Limits
	Logger   *slog.Logger // nil: nobody hears of logins and of clients that break the protocol

	group serving.Group[*conn]
	last  atomic.Uint32 // connection
}

// Serve answers clients that have logins checked (Dovecot's auth-client), until Shutdown or Close: then it returns ErrServerClosed. It closes l.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, (*conn).serveClient) }

// ServeUsers answers clients that ask which users there are (Dovecot's auth-userdb).
func (s *Server) ServeUsers(l net.Listener) error {
	if s.Users == nil {
		_ = l.Close()
		return errors.New("dovecotauth: ServeUsers without Users")
	}
	return s.serve(l, (*conn).serveUsers)
}

func (s *Server) serve(l net.Listener, handle func(*conn) error) error {
	err := s.group.Serve(context.Background(), l, s.Logger, func(nc net.Conn) {
		c := s.newConn(nc)
		defer nc.Close()
		if !s.group.Add(c) {
			return
		}
		defer s.group.Remove(c)
		if !s.group.Count(c, nil, limit(s.Limits.Connections, 1000), 0) {
			return
		}
		if err := handle(c); err != nil && !s.group.Closing() && s.Logger != nil {
			s.Logger.Warn("authentication client disconnected", "error", err)
		}
		c.cancel()
		c.requests.Wait()
	})
	if err == nil {
		err = ErrServerClosed
	}
	return err
}

// Shutdown closes the listeners and the connections, and waits until all logins have been broken off, or ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.group.Shutdown(ctx, (*conn).end) }

// Close is Shutdown without waiting.
func (s *Server) Close() error {
	s.group.Close((*conn).end)
	return nil
}

// config is what a login is checked with.
func (s *Server) config(secured bool) *sasl.Config {
	return &sasl.Config{Authenticator: s.Authenticator, Guard: s.Guard, Hostname: s.Hostname, Secured: secured || s.AllowPlaintext, Allow: s.Mechanisms}
}

func limit[T int | time.Duration](v, standard T) T {
	if v <= 0 {
		return standard
	}
	return v
}

var pid = os.Getpid()
