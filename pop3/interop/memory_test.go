package interop_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/idle"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/maildir"
	"github.com/buuta/mail/pop3"
)

func TestMain(m *testing.M) {
	if !idle.Serve(serveAlone) {
		os.Exit(m.Run())
	}
}

// serveAlone serves the Maildir, or the Maildirs if %u is in it, that its first argument names.
func serveAlone(l net.Listener, args []string) (err error) {
	s := &pop3.Server{Store: &maildir.Store{Path: args[0]}, Authenticator: passwords{}, AllowPlaintext: func(*pop3.Conn) bool { return true }}
	if len(args) == 1 {
		return s.Serve(l)
	}
	if s.TLSConfig, _, err = testnet.Certificate("pop.example.test", time.Now()); err != nil {
		return err
	}
	return s.ServeTLS(l)
}

// TestMemory: connections that have asked what there is, wait for the password, or have it and are logged in, each to its own maildrop.
func TestMemory(t *testing.T) {
	for _, k := range []struct {
		name  string
		n     int
		args  []string
		limit int // octets
	}{
		{"waiting", 5000, nil, 8 << 10},
		{"with its maildrop open", 1000, nil, 16 << 10},
		{"waiting, TLS", 1000, []string{"tls"}, 28 << 10}, // crypto/tls keeps some 18 KiB
	} {
		t.Run(k.name, func(t *testing.T) {
			users := make(chan int, k.n+50)
			for i := range cap(users) {
				users <- i
			}
			cost := idle.Start(t, append([]string{t.TempDir() + "/%u"}, k.args...)...).Cost(t, k.n, func(addr string) (net.Conn, error) {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					return nil, err
				}
				if k.args != nil {
					c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
				}
				commands := []string{""}
				if k.name == "with its maildrop open" {
					commands = append(commands, fmt.Sprintf("USER user%d", <-users), "PASS secret", "STAT")
				}
				return c, converse(c, commands...)
			})
			require.LessOrEqual(t, cost, k.limit)
		})
	}
}

// converse sends commands one by one and wants +OK to each; the first, "", is the greeting.
func converse(c net.Conn, commands ...string) error {
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReaderSize(c, 128)
	for _, s := range commands {
		if s != "" {
			if _, err := c.Write([]byte(s + "\r\n")); err != nil {
				return err
			}
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(line, "+OK") {
			return fmt.Errorf("%s: %s", s, line)
		}
	}
	return c.SetDeadline(time.Time{})
}
