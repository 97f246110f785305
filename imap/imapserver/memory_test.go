package imapserver_test

import (
	"bufio"
	"compress/flate"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/idle"
	"github.com/buuta/mail/internal/testnet"
	"github.com/buuta/mail/maildir"
)

var connections = flag.Int("connections", 0, "idle connections to measure the memory of; 0 means 2000, but 500 with TLS, for the time that handshakes take")

// TestMemory opens many connections to a server over a Maildir in a process of its own. Each logs in, fetches the envelopes of
// a mailbox of 100 messages, and stays in IDLE. What the process has grown by is divided by their number.
func TestMemory(t *testing.T) {
	for _, k := range []struct {
		name, commands string
		n              int
		limit          int // octets
	}{
		{"plain", "", 2000, 16 << 10},
		{"TLS", "STARTTLS", 500, 27 << 10},
		{"compressed", "COMPRESS", 2000, 24 << 10},
	} {
		t.Run(k.name, func(t *testing.T) {
			if *connections > 0 {
				k.n = *connections
			}
			dir := t.TempDir()
			fill(&fixture{T: t, srv: &imapserver.Server{Store: &maildir.Store{Path: dir + "/%u", NoSync: true}}}, "INBOX", 100)
			cost := idle.Start(t, dir).Cost(t, k.n, func(addr string) (net.Conn, error) { return rest(addr, k.commands) })
			t.Logf("%d connections in IDLE, %s: %.1f KiB each", k.n, k.name, float64(cost)/1024)
			require.LessOrEqual(t, cost, k.limit)
		})
	}
}

// serveAlone is TestMemory's server.
func serveAlone(l net.Listener, args []string) error {
	cert, _, err := testnet.Certificate("localhost", time.Now())
	if err != nil {
		return err
	}
	srv := &imapserver.Server{Store: &maildir.Store{Path: args[0] + "/%u", NoSync: true}, Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine, TLSConfig: cert}
	return srv.Serve(l)
}

// rest makes one connection that has fetched and is in IDLE.
func rest(addr, first string) (net.Conn, error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	var rw io.ReadWriter = raw
	r := bufio.NewReaderSize(rw, 4096)
	until := func(prefix string) error {
		_ = raw.SetDeadline(time.Now().Add(30 * time.Second))
		for {
			l, err := r.ReadString('\n')
			if err != nil || strings.HasPrefix(l, prefix) {
				return err
			}
			if strings.HasPrefix(l, "a NO") || strings.HasPrefix(l, "a BAD") {
				return fmt.Errorf("%s", l)
			}
		}
	}
	do := func(command, prefix string) {
		if err == nil {
			_, err = rw.Write([]byte("a " + command + "\r\n"))
			if f, ok := rw.(deflated); ok && err == nil {
				err = f.Flush()
			}
		}
		if err == nil {
			err = until(prefix)
		}
	}
	if err = until("* OK"); err == nil && first == "STARTTLS" {
		if do("STARTTLS", "a OK"); err == nil {
			rw = tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
			r.Reset(rw)
		}
	}
	do("LOGIN alice secret", "a OK")
	if first == "COMPRESS" {
		if do("COMPRESS DEFLATE", "a OK"); err == nil {
			w, _ := flate.NewWriter(raw, flate.BestSpeed)
			rw = deflated{flate.NewReader(raw), w}
			r.Reset(rw)
		}
	}
	do("SELECT INBOX", "a OK")
	do("FETCH 1:* (UID FLAGS ENVELOPE)", "a OK")
	do("IDLE", "+")
	return raw, err
}

// deflated is a compressed connection.
type deflated struct {
	io.Reader
	*flate.Writer
}
