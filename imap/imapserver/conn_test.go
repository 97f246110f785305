package imapserver_test

import (
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapserver"
)

// What hooks can ask of a connection, and the states it goes through.
func TestConn(t *testing.T) {
	serverTLS, clientTLS := certificate(t)
	var mu sync.Mutex
	var states, seen []string
	f := newFixture(t, func(s *imapserver.Server) {
		s.TLSConfig = serverTLS
		s.ConnState = func(c *imapserver.Conn, st imapserver.ConnState) {
			mu.Lock()
			defer mu.Unlock()
			states = append(states, st.String())
		}
		s.Hooks.Secured = func(c *imapserver.Conn, state *tls.ConnectionState, err error) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, "secured")
			if err != nil || state.Version < tls.VersionTLS12 || c.Identity() != nil || c.Server() == nil {
				seen = append(seen, "wrong")
			}
		}
		s.Hooks.Disconnected = func(c *imapserver.Conn, end *imapserver.End) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, c.Identity().Username, c.Mailbox(), end.Cause.String())
			if c.TLS() == nil || c.LocalAddr().String() == c.RemoteAddr().String() {
				seen = append(seen, "wrong")
			}
		}
	})
	p := f.dial()
	p.line()
	p.do("a STARTTLS")
	conn := tls.Client(p.Conn, clientTLS)
	q := newPeer(t, conn)
	q.do("b LOGIN alice secret")
	q.do("c SELECT INBOX")
	require.NoError(t, conn.Close())
	p.closedOrEnded(&mu, &states)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{"secured", "alice", "", "Connection closed"}, seen, "the mailbox is closed by then")
	require.Equal(t, "new active idle active idle active idle closed", strings.Join(states, " "))
}

// closedOrEnded waits until the server has noticed that the connection is gone.
func (p *peer) closedOrEnded(mu *sync.Mutex, states *[]string) {
	p.Helper()
	require.Eventually(p, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(*states) > 0 && (*states)[len(*states)-1] == "closed"
	}, waitLong, waitShort)
}

// RFC 2971.
func TestID(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.ID = []string{"name", "Bưu tá", "vendor", "us"} })
	p := f.dial()
	p.dialogue(`
		S: * OK …
		C: a ID NIL
		S: * ID ("name" {8}
		S: Bưu tá "vendor" "us")
		S: a OK ID completed.
		C: b ID ("name" "mutt" "version" NIL)
		S: * ID ("name" {8}
		S: Bưu tá "vendor" "us")
		S: b OK ID completed.`)
	_, status := p.try("c ID (\"a\")")
	require.Equal(t, "c BAD ID takes pairs", status)
	_, status = p.try("d ID (" + strings.TrimSpace(strings.Repeat(`"a" "b" `, 31)) + ")")
	require.Equal(t, "d BAD ID takes 30 pairs of at most 1024 octets", status)
	g := newFixture(t, nil)
	require.Equal(t, []string{"* ID NIL"}, g.login("").do("a ID NIL"))
}

// A server that can't serve says so at once.
func TestServeErrors(t *testing.T) {
	srv := &imapserver.Server{}
	require.Error(t, srv.ListenAndServe("256.0.0.1:1"))
	require.Error(t, srv.ListenAndServeTLS("127.0.0.1:0"), "no TLSConfig")
	require.NoError(t, srv.Close())
	require.True(t, errors.Is(srv.ListenAndServe("127.0.0.1:0"), imapserver.ErrServerClosed))
}

// The zero value works, and lets nobody in.
func TestZeroServer(t *testing.T) {
	f := newFixture(t, func(s *imapserver.Server) { s.Authenticator, s.Store = nil, nil })
	p := f.dial()
	p.line()
	_, status := p.try("a LOGIN alice secret")
	require.Contains(t, status, "a NO ")
	_, status = p.try("b AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==")
	require.Contains(t, status, "b NO ")
}
