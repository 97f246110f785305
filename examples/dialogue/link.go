package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/buuta/mail/examples/dialogue/explain"
	"github.com/buuta/mail/examples/dialogue/web"
)

// link is a connection through the proxy. Octets go through as they are, in both directions.
type link struct {
	w     *watcher
	name  string
	shown *web.Talk

	mu        sync.Mutex
	session   *explain.Session
	upgrading bool   // the server has agreed to TLS, which ends here
	early     []byte // what the client has said since: TLS's
}

// errUpgrade ends one direction, to begin again within TLS.
var errUpgrade = errors.New("TLS begins")

// run carries octets until both sides have ended, going over to TLS in between where it ends here.
func (l *link) run(client, server net.Conn) error {
	for {
		up := make(chan error, 1)
		go func() { up <- l.carry(server, client, explain.Client) }()
		down := l.carry(client, server, explain.Server)
		if !errors.Is(down, errUpgrade) {
			if down != nil {
				client.Close()
			}
			return errors.Join(down, <-up)
		}
		client.SetReadDeadline(time.Now()) // whoever reads from the client lets go
		if err := <-up; !errors.Is(err, errUpgrade) {
			return err
		}
		client.SetReadDeadline(time.Time{})
		var err error
		if client, server, err = l.upgrade(client, server); err != nil {
			return err
		}
	}
}

// carry carries octets from one connection to the other, until there are no more. It explains them before they go on, so that
// a command stands before its answer.
func (l *link) carry(to, from net.Conn, side explain.Side) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		stop := l.take(side, buf[:n])
		if stop && side == explain.Client {
			return errUpgrade
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				from.Close() // nobody wants to hear more
				return nil
			}
		}
		if stop {
			return errUpgrade
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			} else {
				to.Close()
			}
			if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || side == explain.Client {
				return nil
			}
			return err
		}
	}
}

// take explains what a side has said, and reports whether TLS begins here.
func (l *link) take(side explain.Side, b []byte) (stop bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.upgrading {
		l.early = append(l.early, b...)
		return true
	}
	notes := l.session.Feed(side, b)
	if l.w.inside != nil && l.session.Opaque() && strings.HasSuffix(l.session.State().Server, ".tls") {
		l.upgrading = true
		for i, n := range notes {
			if n.Kind == explain.Encrypted {
				notes = notes[:i]
				break
			}
		}
	}
	l.show(notes)
	return l.upgrading
}

// upgrade goes over to TLS with both sides.
func (l *link) upgrade(client, server net.Conn) (net.Conn, net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), l.w.timeout)
	defer cancel()
	l.mu.Lock()
	early := l.early
	l.early, l.upgrading = nil, false
	l.mu.Unlock()
	s := tls.Client(server, l.w.target(l.w.to))
	if err := s.HandshakeContext(ctx); err != nil {
		return client, server, err
	}
	c := tls.Server(&begun{client, io.MultiReader(bytes.NewReader(early), client)}, l.w.inside)
	if err := c.HandshakeContext(ctx); err != nil {
		return client, server, err
	}
	l.session.Secured()
	n := explain.Inside(l.session.Protocol(), l.session.State())
	l.show([]explain.Note{n})
	return c, s, nil
}

// begun is a connection of which some has been read already.
type begun struct {
	net.Conn
	r io.Reader
}

func (b *begun) Read(p []byte) (int, error) { return b.r.Read(p) }

// CloseWrite ends what is sent.
func (b *begun) CloseWrite() error {
	if half, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return b.Close()
}

// throwAway makes a certificate that lasts a day, for clients that are told to trust any.
func throwAway(now time.Time) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "dialogue watch"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, nil
}
