// Package pop3test is a POP3 server for the tests of programs that read mail:
//
//	srv := pop3test.NewServer(t, "Subject: hello\r\n\r\nHello.\r\n")
//	c, err := pop3.Dial(ctx, srv.Addr, &pop3.ClientOptions{Auth: srv.Credentials()})
package pop3test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
)

// The account that every server has.
const (
	Username = "alice"
	Password = "secret"
)

// TB is what a *testing.T, B or F gives.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Server is a POP3 server that listens on a loopback port until the test ends. It knows every way to log in that needs
// a password, and takes passwords without TLS.
type Server struct {
	// Config may be changed between NewUnstartedServer and Start.
	Config *pop3.Server
	// Store has the maildrops. Add to it at any time.
	Store *Store
	// Addr is "127.0.0.1:port" after Start.
	Addr string

	t     TB
	mu    sync.Mutex
	users map[string]string
	cert  tls.Certificate
	done  chan struct{}
}

// NewServer starts a server with one account, [Username], whose maildrop has the given messages. They must have CRLF
// line ends.
func NewServer(t TB, messages ...string) *Server {
	t.Helper()
	s := NewUnstartedServer(t, messages...)
	s.Start()
	return s
}

// NewUnstartedServer is NewServer without Start.
func NewUnstartedServer(t TB, messages ...string) *Server {
	t.Helper()
	s := &Server{Store: new(Store), t: t, users: map[string]string{}}
	s.AddUser(Username, Password)
	for _, m := range messages {
		s.Store.Add(Username, m)
	}
	s.makeCertificate()
	s.Config = &pop3.Server{
		Store: s.Store, Authenticator: authenticator{s}, Hostname: "localhost",
		AllowPlaintext: func(*pop3.Conn) bool { return true },
		TLSConfig:      &tls.Config{Certificates: []tls.Certificate{s.cert}},
		Timeouts:       pop3.Timeouts{Error: -1},
	}
	return s
}

// Start listens and serves. STLS is offered.
func (s *Server) Start() { s.start(false) }

// StartTLS listens and serves with TLS from the start, as on port 995.
func (s *Server) StartTLS() { s.start(true) }

func (s *Server) start(implicit bool) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatalf("pop3test: %v", err)
	}
	s.Addr = l.Addr().String()
	s.done = make(chan struct{})
	go func() {
		defer close(s.done)
		if implicit {
			_ = s.Config.ServeTLS(l)
		} else {
			_ = s.Config.Serve(l)
		}
	}()
	s.t.Cleanup(s.Close)
}

// Close ends the server and its connections. The test's end does it too.
func (s *Server) Close() {
	_ = s.Config.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.Config.Shutdown(ctx); err != nil {
		s.t.Fatalf("pop3test: connections that don't end: %v", err)
	}
	<-s.done
}

// Pipe returns the client's end of a connection that needs no port.
func (s *Server) Pipe() net.Conn {
	server, client := net.Pipe()
	go s.Config.ServeConn(context.Background(), server)
	return client
}

// AddUser adds an account or changes its password.
func (s *Server) AddUser(name, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[name] = password
	s.Store.AddAccount(name)
}

// Credentials returns the login of [Username].
func (s *Server) Credentials() *mail.Credentials {
	return &mail.Credentials{Username: Username, Password: Password}
}

// ClientTLS returns a configuration that trusts the server's certificate.
func (s *Server) ClientTLS() *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(s.cert.Leaf)
	return &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

func (s *Server) makeCertificate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatalf("pop3test: %v", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		s.t.Fatalf("pop3test: %v", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatalf("pop3test: %v", err)
	}
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// authenticator knows the server's users, and their passwords in the clear.
type authenticator struct{ s *Server }

var _ mail.PasswordStore = authenticator{}

func (a authenticator) Authenticate(_ context.Context, r *mail.AuthRequest) (*mail.Identity, error) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if p, ok := a.s.users[r.Username]; !ok || p != r.Password {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: r.Username}, nil
}

func (a authenticator) Password(_ context.Context, r *mail.AuthRequest) (string, *mail.Identity, error) {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	p, ok := a.s.users[r.Username]
	if !ok {
		return "", nil, mail.ErrAuthFailed
	}
	return p, &mail.Identity{Username: r.Username}, nil
}
