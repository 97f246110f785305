package smtptest

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/smtp"
)

// Server is a mail server that keeps what it is sent. Its methods may be called from any goroutine.
type Server struct {
	// Config is the server that does the work. What a test wants of it (LMTP, Authenticator, Limits, …) is set before the first
	// connection. Its Backend is the Server's own.
	Config *smtp.Server

	tb       testing.TB
	mu       sync.Mutex
	changed  *sync.Cond
	messages []*Message
	faults   []*Fault
	addr     string
	roots    *tls.Config
	running  sync.WaitGroup
}

// Message is one that the server has taken.
type Message struct {
	mail.Envelope
	Data     []byte // header, empty line, body, with CRLF line ends
	Hello    string // the client's name
	Protocol string // "ESMTPS"
	User     string // who authenticated, or ""
	TLS      bool
}

// NewServer returns a running server, which ends with the test. It takes every message for everybody.
func NewServer(tb testing.TB) *Server {
	s := &Server{tb: tb}
	s.changed = sync.NewCond(&s.mu)
	s.Config = &smtp.Server{Hostname: "smtptest.example", Backend: smtp.BackendFunc(s.newSession)}
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
		s.tb.Fatalf("smtptest: %v", err)
	}
	s.addr = l.Addr().String()
	s.running.Go(func() {
		if err := s.Config.Serve(l); !errors.Is(err, smtp.ErrServerClosed) {
			s.tb.Errorf("smtptest: %v", err)
		}
	})
	return s.addr
}

// Dial connects to the server in memory, whatever address is asked for. It has the shape that dialers have.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, server := testnet.Pipe()
	s.running.Go(func() { s.Config.ServeConn(context.Background(), server) })
	return client, nil
}

// UseTLS makes the server offer STARTTLS, with a certificate for "localhost", 127.0.0.1 and "smtptest.example" that is made now. It
// returns the configuration for a client that trusts it. Call it before the first connection.
func (s *Server) UseTLS() *tls.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roots == nil {
		server, client, err := testnet.Certificate("smtptest.example", time.Now())
		if err != nil {
			s.tb.Fatalf("smtptest: %v", err)
		}
		s.Config.TLSConfig, s.roots = server, client
	}
	return s.roots.Clone()
}

// Messages returns what has been taken so far, in order.
func (s *Server) Messages() []*Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Reset forgets the messages and the faults.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages, s.faults = nil, nil
}

// Wait returns the messages when there are n of them at least. When ctx ends first, it returns those there are and the
// context's error.
func (s *Server) Wait(ctx context.Context, n int) ([]*Message, error) {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.changed.Broadcast()
		s.mu.Unlock()
	})
	defer stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.messages) < n {
		if err := ctx.Err(); err != nil {
			return slices.Clone(s.messages), err
		}
		s.changed.Wait()
	}
	return slices.Clone(s.messages), nil
}

func (s *Server) add(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
	s.changed.Broadcast()
}
