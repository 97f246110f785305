package peerbench

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// hard is a message with everything in it that dot-stuffing and line ends can go wrong with.
var hard = "From: <a@example.org>\r\nSubject: thư\r\n\r\n.\r\n..\r\n.dot\r\n\r\nQUIT\r\n" + strings.Repeat("x", 998) + "\r\n" +
	strings.Repeat("0123456789\r\n.0123456789\r\n", 50_000) + "\r\n.\r\n"

// certificate returns what a server shows and what a client trusts, for 127.0.0.1.
func certificate(t *testing.T) (server, client *tls.Config) {
	srv := httptest.NewTLSServer(nil)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	return &tls.Config{Certificates: srv.TLS.Certificates}, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// took is a message as either server has taken it.
type took struct {
	from, data, user string
	to               []string
	utf8             bool
	envelopeID       string
	notify           int
}

// box keeps messages.
type box struct {
	mu  sync.Mutex
	all []took
}

func (b *box) add(m took) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, m)
}

// last returns the newest message.
func (b *box) last(t *testing.T) took {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.all) == 0 {
		t.Fatal("nothing has come")
	}
	return b.all[len(b.all)-1]
}

func (m took) must(t *testing.T, data string, to ...string) {
	t.Helper()
	if m.from != "a@example.org" || !slices.Equal(m.to, to) {
		t.Fatalf("from %q to %q, not to %q", m.from, m.to, to)
	}
	if m.data != data {
		t.Fatalf("%d octets have come, not the %d that were sent", len(m.data), len(data))
	}
}

func auth(user, password string) error {
	if user != "alice" || password != "secret" {
		return errors.New("no")
	}
	return nil
}
