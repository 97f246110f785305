package pop2

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/serving"
	"github.com/buuta/mail/pop3"
)

// Server is a POP2 server. The zero value works, and lets nobody in for want of an Authenticator. Fields must not be
// changed while it serves.
type Server struct {
	// Store has the mailboxes. HELO selects INBOX, FOLD any other of the account.
	Store mail.Store
	// Hostname stands in the greeting, which must have it. "" means the name that the operating system gives.
	Hostname string

	// Authenticator decides who logs in.
	Authenticator mail.Authenticator
	// Guard, if not nil, slows down those who guess passwords. Servers that have the same one share what it knows.
	Guard mail.AuthGuard
	// AllowPlaintext says that passwords may cross this connection, which has no other way: POP2 knows no TLS. nil allows it
	// to nobody; [Conn.FromThisMachine] is a good answer.
	AllowPlaintext func(c *Conn) bool
	// Service is what the Authenticator is told: "" means "pop2".
	Service string
	// Locker keeps two sessions from one maildrop. Give it the [pop3.Server] that serves the same accounts. nil means
	// that this Server does it for its own connections.
	Locker pop3.Locker

	Limits   Limits
	Timeouts Timeouts
	Hooks    Hooks

	// Trace, if not nil, gets every line that is received and sent, without its end. The password is shown as "***", a
	// message's content as its size.
	Trace func(c *Conn, sent bool, line string)
	// Logger gets what goes wrong on the server's side; nil is silent.
	Logger *slog.Logger
	// BaseContext, if not nil, returns the context that connections of l descend from.
	BaseContext func(l net.Listener) context.Context

	hostname serving.Hostname
	group    serving.Group[*Conn]
	own      pop3.Server // whose locks are used without a Locker
}

// Limits bound what clients can make a server hold or do. 0 means the default, a negative number no limit.
type Limits struct {
	Connections        int // at a time; 0: none
	ConnectionsPerAddr int // from one address, or one /64 of IPv6; 0: 50. Loopback and unix sockets don't count
}

// Timeouts bound how long a server waits. 0 means the default, negative for ever.
type Timeouts struct {
	Command time.Duration // for the next command, RFC 937's T2; 0: 10 min
	Write   time.Duration // for each block of an answer to be taken; 0: 1 min
	Error   time.Duration // the delay of the answer to a failed login; 0: 1 s
}

// Hooks tell a program what happens on a server's connections. Each may be nil. They are called from the connection's
// goroutine and must be quick.
type Hooks struct {
	// Connected is called for each connection, before the greeting.
	Connected func(c *Conn)
	// Authenticated is called when HELO has been decided. username is what the client called itself.
	Authenticated func(c *Conn, username string, err error)
	// Disconnected is called when a connection has ended; err is nil after QUIT.
	Disconnected func(c *Conn, err error)
}

// ErrServerClosed is what Serve returns after Shutdown or Close.
var ErrServerClosed = errors.New("pop2: server closed")

// ListenAndServe listens on a TCP address, ":109" if it is "", and serves until Shutdown or Close.
func (s *Server) ListenAndServe(addr string) error {
	if addr == "" {
		addr = ":109"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// Serve accepts connections from l until Shutdown or Close, and returns ErrServerClosed then. It closes l.
func (s *Server) Serve(l net.Listener) error {
	ctx := context.Background()
	if s.BaseContext != nil {
		ctx = s.BaseContext(l)
	}
	err := s.group.Serve(ctx, l, s.Logger, func(nc net.Conn) { s.ServeConn(ctx, nc) })
	if err == nil {
		err = ErrServerClosed
	}
	return err
}

// Shutdown ends the server in peace: it stops listening, ends connections that wait for a command and have nothing to
// delete, and lets the others come to their QUIT or FOLD. It returns nil when all have gone. When ctx ends first, what is left
// stays until Close.
func (s *Server) Shutdown(ctx context.Context) error {
	return s.group.Shutdown(ctx, (*Conn).closeWhenIdle)
}

// Close ends the server at once: listeners and connections are closed, and nothing is deleted.
func (s *Server) Close() error {
	s.group.Close(func(c *Conn) {
		c.closeWhenIdle()
		c.cancel()
		_ = c.nc.Close()
	})
	return nil
}

func (s *Server) logError(ctx context.Context, what string, err error, args ...any) {
	if s.Logger != nil {
		s.Logger.ErrorContext(ctx, what, append([]any{"error", err}, args...)...)
	}
}

func (s *Server) locker() pop3.Locker {
	if s.Locker != nil {
		return s.Locker
	}
	return &s.own
}

// most returns n, def when it is 0, or 0 when it is negative: no limit.
func most(n, def int) int {
	if n == 0 {
		return def
	}
	return max(n, 0)
}

// wait returns the timeout t, or def; 0 stands for none.
func wait(t, def time.Duration) time.Duration {
	if t == 0 {
		return def
	}
	return max(t, 0)
}
