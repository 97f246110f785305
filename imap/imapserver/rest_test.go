package imapserver_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
	"github.com/buuta/mail/imap/imaptest"
	"github.com/buuta/mail/internal/testnet"
)

// heldConn sends nothing before release: then all at once.
type heldConn struct {
	net.Conn
	held *bytes.Buffer
}

func (c *heldConn) Write(p []byte) (int, error) {
	if c.held != nil {
		return c.held.Write(p)
	}
	return c.Conn.Write(p)
}

func (c *heldConn) release() {
	_, _ = c.Conn.Write(c.held.Bytes())
	c.held = nil
}

// A session that goes to rest waits for its connection to become readable. What TLS or compression have read already and not handed on
// must not wait with it: here the DONE that came together with the IDLE, and the command behind it.
func TestRestWithOctetsHeld(t *testing.T) {
	cert, _, err := testnet.Certificate("localhost", time.Now())
	require.NoError(t, err)
	srv := &imapserver.Server{Store: imaptest.NewStore(), Authenticator: imaptest.Users{"alice": "secret"},
		AllowPlaintext: (*imapserver.Conn).FromThisMachine, TLSConfig: cert, Timeouts: imapserver.Timeouts{Poll: time.Hour}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() {
		require.NoError(t, srv.Shutdown(context.Background()))
		require.ErrorIs(t, <-served, imapserver.ErrServerClosed)
	}()
	for _, layers := range []string{"", "STARTTLS", "COMPRESS", "STARTTLS COMPRESS"} {
		t.Run(layers, func(t *testing.T) {
			tcp, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer tcp.Close()
			require.NoError(t, tcp.SetDeadline(time.Now().Add(time.Minute)))
			held := &heldConn{Conn: tcp}
			var rw io.ReadWriter = held
			r := bufio.NewReader(rw)
			send := func(s string) {
				_, err := io.WriteString(rw, s)
				require.NoError(t, err)
				if d, ok := rw.(deflated); ok {
					require.NoError(t, d.Flush())
				}
			}
			until := func(prefix string) {
				for {
					line, err := r.ReadString('\n')
					require.NoError(t, err)
					if strings.HasPrefix(line, prefix) {
						return
					}
				}
			}
			until("* OK")
			if strings.Contains(layers, "STARTTLS") {
				send("a STARTTLS\r\n")
				until("a OK")
				rw = tls.Client(held, &tls.Config{InsecureSkipVerify: true})
				r.Reset(rw)
			}
			send("b LOGIN alice secret\r\n")
			until("b OK")
			if strings.Contains(layers, "COMPRESS") {
				send("c COMPRESS DEFLATE\r\n")
				until("c OK")
				w, err := flate.NewWriter(rw, flate.BestSpeed)
				require.NoError(t, err)
				rw = deflated{flate.NewReader(r), w}
				r = bufio.NewReader(rw)
			}
			send("d SELECT INBOX\r\n")
			until("d OK")
			for range 3 {
				held.held = new(bytes.Buffer)
				send("e IDLE\r\n")
				send("DONE\r\n")
				send("f NOOP\r\n")
				held.release()
				until("+")
				until("e OK")
				until("f OK")
			}
			// And what comes while it rests ends the rest.
			send("g IDLE\r\n")
			until("+")
			send("DO")
			send("NE\r\n")
			until("g OK")
			send("h LOGOUT\r\n")
			until("h OK")
		})
	}
}
