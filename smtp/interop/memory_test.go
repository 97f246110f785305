package interop_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/idle"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/smtp"
)

var connections = flag.Int("connections", 0, "idle connections to measure the memory of; 0 means 10000, but 2000 with TLS, for the time that handshakes take")

// TestMemory opens many connections to a server in a process of its own, lets each say EHLO, and divides what the process has
// grown by by their number.
func TestMemory(t *testing.T) {
	for _, k := range []struct {
		name  string
		n     int
		limit int // octets
	}{{"plain", 10_000, 8 << 10}, {"TLS", 2000, 24 << 10}} {
		t.Run(k.name, func(t *testing.T) {
			if *connections > 0 {
				k.n = *connections
			}
			cost := idle.Start(t, k.name).Cost(t, k.n, func(addr string) (net.Conn, error) { return visit(addr, k.name == "TLS") })
			require.LessOrEqual(t, cost, k.limit)
		})
	}
}

func TestMain(m *testing.M) {
	if !idle.Serve(serve) {
		os.Exit(m.Run())
	}
}

// serve is TestMemory's server.
func serve(l net.Listener, args []string) (err error) {
	srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(mail.DelivererFunc(discard))}
	if args[0] == "plain" {
		return srv.Serve(l)
	}
	if srv.TLSConfig, _, err = testnet.Certificate("mx.example.test", time.Now()); err != nil {
		return err
	}
	return srv.ServeTLS(l)
}

func discard(_ context.Context, _ *mail.Envelope, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// visit makes one connection that has said EHLO.
func visit(addr string, withTLS bool) (net.Conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	if withTLS {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	}
	buf := make([]byte, 1024)
	for _, s := range []string{"", "EHLO client.example\r\n"} {
		if _, err := c.Write([]byte(s)); err != nil {
			return c, err
		}
		if err := answer(c, buf); err != nil {
			return c, err
		}
	}
	return c, nil
}

// answer reads a reply to its last line.
func answer(c net.Conn, buf []byte) error {
	c.SetReadDeadline(time.Now().Add(patience))
	n := 0
	for {
		m, err := c.Read(buf[n:])
		if err != nil {
			return err
		}
		n += m
		last := buf[bytes.LastIndexByte(buf[:n-1], '\n')+1 : n]
		if buf[n-1] == '\n' && len(last) > 3 && last[3] == ' ' {
			if last[0] != '2' && last[0] != '3' {
				return fmt.Errorf("%s", last)
			}
			return nil
		}
	}
}
