package imaptest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/internal/testnet"
)

// The user that a Server knows.
const (
	Username = "alice"
	Password = "secret"
)

// Server is an IMAP server with a [Store] in memory. Its methods may be called from any goroutine.
type Server struct {
	// Config is the server that does the work. What a test wants of it (Without, Limits, Authenticator, …) is set before the
	// first connection.
	Config *imapserver.Server
	// Store is where the mail is, for looking and changing things behind the server's back.
	Store *Store

	tb      testing.TB
	mu      sync.Mutex
	addr    string
	roots   *tls.Config
	faults  []*Fault
	conns   map[*faultyConn]struct{}
	running sync.WaitGroup
}

// NewServer returns a running server, which ends with the test. It has one user, [Username] with [Password], who has an empty
// INBOX.
func NewServer(tb testing.TB) *Server {
	s := &Server{tb: tb, Store: NewStore(), conns: map[*faultyConn]struct{}{}}
	s.Config = &imapserver.Server{Hostname: "imaptest.example", Store: s.Store, Authenticator: Users{Username: Password},
		AllowPlaintext: func(*imapserver.Conn) bool { return true }}
	tb.Cleanup(s.Close)
	return s
}

// Close ends the server and all its connections, and waits until they have gone. A test need not call it.
func (s *Server) Close() {
	_ = s.Config.Close()
	s.running.Wait()
}

// Addr returns the server's address, "127.0.0.1:port". It listens from the first call on.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.addr != "" {
		return s.addr
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.tb.Fatalf("imaptest: %v", err)
	}
	s.addr = l.Addr().String()
	s.running.Go(func() {
		if err := s.Config.Serve(faultyListener{l, s}); !errors.Is(err, imapserver.ErrServerClosed) {
			s.tb.Errorf("imaptest: %v", err)
		}
	})
	return s.addr
}

// Dial connects to the server in memory, whatever address is asked for. It has the shape that dialers have, and works in a
// testing/synctest bubble.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := testnet.Pipe()
	conn := s.faulty(server)
	s.running.Go(func() { s.Config.ServeConn(context.Background(), conn) })
	return client, nil
}

// UseTLS makes the server offer STARTTLS, with a certificate for "localhost", 127.0.0.1 and "imaptest.example" that is made now. It
// returns the configuration for a client that trusts it. Call it before the first connection.
func (s *Server) UseTLS() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roots == nil {
		server, client, err := testnet.Certificate("imaptest.example", time.Now())
		if err != nil {
			s.tb.Fatalf("imaptest: %v", err)
		}
		s.Config.TLSConfig, s.roots = server, client
	}
	return s.roots.Clone()
}

// Mailbox opens one of the user's mailboxes behind the server's back, making it if need be.
func (s *Server) Mailbox(name string) mail.Mailbox {
	s.tb.Helper()
	ctx := context.Background()
	a, err := s.Store.Account(ctx, Username)
	if err != nil {
		s.tb.Fatalf("imaptest: %v", err)
	}
	defer a.Close()
	box, err := a.Open(ctx, name)
	if errors.Is(err, mail.ErrNoMailbox) {
		if _, err = a.Create(ctx, name, nil); err == nil {
			box, err = a.Open(ctx, name)
		}
	}
	if err != nil {
		s.tb.Fatalf("imaptest: %v", err)
	}
	return box
}

// Add puts messages into a mailbox behind the server's back. "\n" in them becomes CRLF.
func (s *Server) Add(mailbox string, messages ...string) []mail.UID {
	s.tb.Helper()
	ctx := context.Background()
	tx, err := s.Mailbox(mailbox).Append(ctx)
	if err != nil {
		s.tb.Fatalf("imaptest: %v", err)
	}
	defer func() { _ = tx.Abort() }()
	for _, m := range messages {
		m = strings.ReplaceAll(strings.ReplaceAll(m, "\r\n", "\n"), "\n", "\r\n")
		if err := tx.Add(ctx, strings.NewReader(m), nil); err != nil {
			s.tb.Fatalf("imaptest: %v", err)
		}
	}
	done, err := tx.Commit(ctx)
	if err != nil {
		s.tb.Fatalf("imaptest: %v", err)
	}
	return done.UIDs
}
