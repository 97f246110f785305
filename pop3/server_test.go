package pop3_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// RFC 1939 section 3: the autologout timer is 10 minutes at least, any command resets it, and "the server should close the
// TCP connection without removing any messages or sending any response to the client".
func TestAutologout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twoMessages(t)
		var end *pop3.End
		s.Config.Hooks.Disconnected = func(_ *pop3.Conn, e *pop3.End) { end = e }
		p := connect(t, s.Config)
		p.talk(login + `
		C: DELE 1
		S: +OK message 1 deleted`)
		for range 3 {
			time.Sleep(9*time.Minute + 59*time.Second)
			p.talk("C: NOOP\nS: +OK")
		}
		start := time.Now()
		// Letters that never become a line don't count.
		go func() {
			for range 20 {
				time.Sleep(time.Minute)
				if _, err := p.conn.Write([]byte("N")); err != nil {
					return
				}
			}
		}()
		_, err := p.r.ReadByte()
		require.Error(t, err, "closed without a word")
		require.Equal(t, 10*time.Minute, time.Since(start))
		synctest.Wait()
		require.Equal(t, pop3.CauseTimeout, end.Cause)
		require.Len(t, s.Store.Messages("alice"), 2)
		time.Sleep(time.Hour)
	})
}

// RFC 2449 section 6.5 and 8.1.1: "an error response code of LOGIN-DELAY indicates that the user has not waited long enough".
func TestLoginDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twoMessages(t)
		s.AddUser("bob", "x")
		s.Config.LoginDelay = 90 * time.Second
		connect(t, s.Config).talk(login + "C: QUIT\nS~ .*\nS: <end>")
		time.Sleep(89 * time.Second)
		p := connect(t, s.Config)
		p.talk(`
		S~ \+OK .*
		C: USER alice
		S~ \+OK .*
		C: PASS secret
		S: -ERR [LOGIN-DELAY] minimum time between logins is 90 seconds
		C: USER bob
		S~ \+OK .*
		C: PASS x
		S~ \+OK .*
		C: QUIT
		S~ .*`)
		time.Sleep(time.Second)
		p = connect(t, s.Config)
		p.talk(login + "C: CAPA")
		found := false
		for line := p.hear(); line != "."; line = p.hear() {
			found = found || line == "LOGIN-DELAY 90"
		}
		require.True(t, found)
		p.conn.Close()
	})
}

// Failed logins take a second, whatever was wrong, and errors in numbers too.
func TestFailuresAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twoMessages(t)
		s.Config.Timeouts.Error = 0
		s.Config.Limits.SoftErrors = 1
		p := connect(t, s.Config)
		p.hear()
		took := func(script string) time.Duration {
			start := time.Now()
			p.talk(script)
			return time.Since(start)
		}
		for _, user := range []string{"alice", "nobody"} {
			p.talk("C: USER " + user + "\nS: +OK send PASS")
			require.Equal(t, time.Second, took("C: PASS x\nS: -ERR [AUTH] authentication failed"), user)
		}
		require.Zero(t, took("C: X\nS: -ERR unknown command"))
		require.Equal(t, time.Second, took("C: X\nS: -ERR unknown command"))
		p.conn.Close()
	})
}

// A client that doesn't read what it asked for loses its connection, not the server its memory.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := pop3test.NewUnstartedServer(t, body(500000))
		var end *pop3.End
		s.Config.Hooks.Disconnected = func(_ *pop3.Conn, e *pop3.End) { end = e }
		p := connect(t, s.Config)
		p.talk("S~ .*\nC: USER alice\nS~ .*\nC: PASS secret\nS~ .*")
		p.say("RETR 1")
		start := time.Now()
		synctest.Wait()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, pop3.CauseTimeout, end.Cause)
		require.Equal(t, time.Minute, time.Since(start))
	})
}

// A TLS handshake that never comes.
func TestHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := twoMessages(t)
		var end *pop3.End
		s.Config.Hooks.Disconnected = func(_ *pop3.Conn, e *pop3.End) { end = e }
		p := connect(t, s.Config)
		p.talk("S~ .*\nC: STLS\nS: +OK begin TLS negotiation")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		require.Equal(t, pop3.CauseTLS, end.Cause)
	})
}

// Shutdown tells those who wait, and lets those finish who have something marked.
func TestShutdown(t *testing.T) {
	s := twoMessages(t)
	s.AddUser("bob", "x")
	stranger, busy, idle := connect(t, s.Config), connect(t, s.Config), connect(t, s.Config)
	stranger.hear()
	busy.talk(login + "C: DELE 2\nS: +OK message 2 deleted")
	idle.talk("S~ .*\nC: USER bob\nS~ .*\nC: PASS x\nS~ .*")
	done := make(chan error, 1)
	go func() { done <- s.Config.Shutdown(context.Background()) }()
	for _, p := range []*peer{stranger, idle} {
		p.talk("S: -ERR [SYS/TEMP] server is shutting down\nS: <end>")
	}
	select {
	case <-done:
		t.Fatal("a session is still there")
	default:
	}
	busy.talk("C: QUIT\nS: +OK goodbye (1 messages left)\nS: <end>")
	require.NoError(t, <-done)
	require.Len(t, s.Store.Messages("alice"), 1)
	l, err := listen(t)
	require.NoError(t, err)
	require.ErrorIs(t, s.Config.Serve(l), pop3.ErrServerClosed)
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	s := twoMessages(t)
	p := connect(t, s.Config)
	p.talk(login + "C: DELE 1\nS: +OK message 1 deleted")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.Config.Shutdown(ctx), context.Canceled)
	require.NoError(t, s.Config.Close())
	p.talk("S: <end>")
	require.NoError(t, s.Config.Shutdown(context.Background()))
	require.Len(t, s.Store.Messages("alice"), 2)
}

// from gives a connection another address.
type from struct {
	net.Conn
	addr string
}

func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.addr), Port: 4711} }
func (f from) LocalAddr() net.Addr  { return &net.TCPAddr{IP: net.ParseIP("192.0.2.110"), Port: 110} }

func connectFrom(t *testing.T, srv *pop3.Server, addr string) *peer {
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.ServeConn(context.Background(), from{server, addr})
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	p := connect(t, &pop3.Server{})
	p.conn.Close()
	p.conn = client
	p.r.Reset(client)
	return p
}

func TestConnectionLimits(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.ConnectionsPerAddr = 1
	one := connectFrom(t, s.Config, "2001:db8::1")
	one.talk(`S~ \+OK .*`)
	connectFrom(t, s.Config, "2001:db8::2").talk("S: -ERR [SYS/TEMP] too many connections\nS: <end>")
	connectFrom(t, s.Config, "2001:db8:0:1::2").talk(`S~ \+OK .*`)
	one.talk("C: QUIT\nS: +OK goodbye\nS: <end>")
	require.Eventually(t, func() bool { // one that has said goodbye counts until it is gone
		line, err := connectFrom(t, s.Config, "2001:db8::2").r.ReadString('\n')
		return err == nil && strings.HasPrefix(line, "+OK ")
	}, 10*time.Second, time.Millisecond)
	s.Config.Limits.Connections = 2
	connect(t, s.Config).talk("S: -ERR [SYS/TEMP] too many connections\nS: <end>")
}

func TestFromThisMachine(t *testing.T) {
	s := twoMessages(t)
	got := map[string]bool{}
	s.Config.Hooks.Connected = func(c *pop3.Conn) { got[c.RemoteIP()] = c.FromThisMachine() }
	for _, a := range []string{"127.0.0.1", "::1", "192.0.2.110", "192.0.2.7"} {
		connectFrom(t, s.Config, a).talk("S~ .*\nC: QUIT\nS: +OK goodbye")
	}
	require.Equal(t, map[string]bool{"127.0.0.1": true, "::1": true, "192.0.2.110": true, "192.0.2.7": false}, got)
}

// A program can write Dovecot's log lines from the hooks.
func TestHooksCarryALog(t *testing.T) {
	s := twoMessages(t)
	var mu sync.Mutex
	var log []string
	note := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		log = append(log, fmt.Sprintf(format, args...))
	}
	s.Config.MarkSeen = true
	s.Config.Hooks = pop3.Hooks{
		Connected: func(c *pop3.Conn) { note("connect rip=%s", c.RemoteIP()) },
		Authenticated: func(c *pop3.Conn, mechanism, username string, err error) {
			if err != nil {
				note("auth failed: user=<%s>, method=%s, rip=%s, lip=%s", username, mechanism, c.RemoteIP(), c.LocalIP())
				return
			}
			note("Login: user=<%s>, method=%s, rip=%s, lip=%s, TLS=%t", c.Identity().Username, c.Method(), c.RemoteIP(), c.LocalIP(), c.TLS() != nil)
		},
		Rejected: func(c *pop3.Conn, command, text string, err error) { note("%s: %s", command, text) },
		Disconnected: func(c *pop3.Conn, e *pop3.End) {
			st := e.Stats
			note("Disconnected: %s top=%d/%d, retr=%d/%d, del=%d/%d, size=%d", e.Cause, st.Tops, st.TopBytes, st.Retrs, st.RetrBytes, st.Deleted, st.Messages, st.Size)
		},
	}
	var states []string
	s.Config.ConnState = func(_ *pop3.Conn, st pop3.ConnState) { states = append(states, st.String()) }
	p := connectFrom(t, s.Config, "192.0.2.7")
	p.talk(`
	S~ .*
	C: AUTH PLAIN ` + b64("\x00alice\x00wrong") + `
	S~ -ERR .*
	C: AUTH PLAIN ` + b64("\x00alice\x00secret") + `
	S~ \+OK .*
	C: RETR 2
	S~ .*`)
	for p.hear() != "." {
	}
	p.talk("C: TOP 1 0\nS: +OK top of message follows\nS: Subject: x\nS:\nS: .\nC: DELE 1\nS~ .*\nC: QUIT\nS~ .*\nS: <end>")
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(log) == 5 }, time.Minute, time.Millisecond)
	require.Equal(t, []string{
		"connect rip=192.0.2.7",
		"auth failed: user=<alice>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.110",
		"AUTH: -ERR [AUTH] authentication failed",
		"Login: user=<alice>, method=PLAIN, rip=192.0.2.7, lip=192.0.2.110, TLS=false",
		"Disconnected: quit top=1/14, retr=1/200, del=1/2, size=320",
	}, log)
	require.Equal(t, []string{"new", "idle", "active"}, states[:3])
	require.Equal(t, "closed", states[len(states)-1])
	a, _ := s.Store.Account(t.Context(), "alice")
	mb, _ := a.Open(t.Context(), "INBOX")
	for m := range mb.Messages(t.Context(), mail.AllUIDs(), mail.FieldFlags) {
		require.True(t, m.Flags.Has(`\Seen`))
	}
}

// Delete can be something else than removal.
func TestDeleteHook(t *testing.T) {
	s := twoMessages(t)
	var got string
	s.Config.Delete = func(_ context.Context, _ mail.Account, _ mail.Mailbox, set mail.UIDSet) error {
		got = set.String()
		return nil
	}
	connect(t, s.Config).talk(login + "C: DELE 2\nS~ .*\nC: QUIT\nS: +OK goodbye (1 messages left)")
	require.Equal(t, "2", got)
	require.Len(t, s.Store.Messages("alice"), 2)
}

// No trace shows a secret, whatever the client got wrong.
func TestTraceHidesSecrets(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.HardErrors, s.Config.Limits.SoftErrors = -1, -1
	var trace bytes.Buffer
	s.Config.Trace = func(_ *pop3.Conn, sent bool, line string) {
		fmt.Fprintf(&trace, "%v %s\n", sent, line)
	}
	p := connect(t, s.Config)
	plain := b64("\x00alice\x00secret1")
	p.talk(`
	S~ .*
	C: USER alice
	S~ .*
	C: pass secret1
	S~ .*
	C: APOP alice secret1
	S~ .*
	C: AUTH PLAIN ` + plain + `
	S~ .*
	C: auth plain
	S~ .*
	C: ` + plain + `
	S~ .*
	C: secret1
	S~ .*
	C: PASSsecret1
	S~ .*
	C: USER alice
	S~ .*
	C: PASS secret
	S~ .*
	C: RETR 1
	S~ .*`)
	for p.hear() != "." {
	}
	p.talk("C: LIST\nS~ .*\nS~ .*\nS~ .*\nS: .\nC: QUIT\nS~ .*\nS: <end>")
	require.NotContains(t, trace.String(), "secret")
	require.NotContains(t, trace.String(), plain)
	require.Contains(t, trace.String(), "false pass ***\n")
	require.Contains(t, trace.String(), "false APOP alice ***\n")
	require.Contains(t, trace.String(), "false AUTH PLAIN ***\n")
	require.Contains(t, trace.String(), "true (120 octets)\n")
	require.Contains(t, trace.String(), "true (2 lines)\n")
}

// counting counts writes.
type counting struct {
	net.Conn
	mu     sync.Mutex
	writes int
}

func (c *counting) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// RFC 2449 section 6.6: the server "MUST process each command in turn". The answers to a pipelined group go out together.
func TestPipelining(t *testing.T) {
	s := twoMessages(t)
	server, client := net.Pipe()
	defer client.Close()
	cc := &counting{Conn: server}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Config.ServeConn(context.Background(), cc)
	}()
	p := connect(t, &pop3.Server{})
	p.conn.Close()
	p.conn = client
	p.r.Reset(client)
	p.hear()
	_, err := client.Write([]byte("USER alice\r\nPASS secret\r\nSTAT\r\nUIDL\r\nRETR 1\r\nXX\r\nDELE 1\r\nQUIT\r\n"))
	require.NoError(t, err)
	p.talk(`
	S: +OK send PASS
	S: +OK maildrop has 2 messages (320 octets)
	S: +OK 2 320
	S: +OK unique-id listing follows
	S: 1 0000000100000001
	S: 2 0000000200000001
	S: .
	S: +OK 120 octets
	S~ Subject.*
	S:
	S~ x+
	S~ z+
	S: .
	S: -ERR unknown command
	S: +OK message 1 deleted
	S: +OK goodbye (1 messages left)
	S: <end>`)
	<-done
	require.Equal(t, 2, cc.writes, "the greeting, and all the rest at once")
}

// panicking is a store with a bug.
type panicking struct{ mail.Store }

func (panicking) Account(context.Context, string) (mail.Account, error) { panic("bug") }

func TestPanicEndsOneSession(t *testing.T) {
	s := twoMessages(t)
	var log bytes.Buffer
	s.Config.Logger = slog.New(slog.NewTextHandler(&log, nil))
	good := s.Config.Store
	s.Config.Store = panicking{}
	connect(t, s.Config).talk("S~ .*\nC: USER alice\nS~ .*\nC: PASS secret\nS: -ERR [SYS/TEMP] internal error\nS: <end>")
	require.Contains(t, log.String(), "panic in session")
	s.Config.Store = good
	require.Eventually(t, func() bool {
		unlock, err := s.Config.LockMaildrop(t.Context(), "alice")
		if err == nil {
			unlock()
		}
		return err == nil
	}, 5*time.Second, time.Millisecond, "the lock is given back")
}

func TestZeroServer(t *testing.T) {
	connect(t, &pop3.Server{}).talk(`
	S: +OK POP3 server ready
	C: USER alice
	S: -ERR [AUTH] plaintext authentication is not allowed here without TLS
	C: AUTH PLAIN
	S: -ERR unknown authentication mechanism
	C: QUIT
	S: +OK goodbye
	S: <end>`)
	l, err := listen(t)
	require.NoError(t, err)
	require.Error(t, (&pop3.Server{}).ServeTLS(l))
}

// Messages that another program has removed are not the client's mistakes.
func TestGoneMessagesAreNoErrors(t *testing.T) {
	s := twoMessages(t)
	s.Config.Limits.HardErrors = 2
	p := connect(t, s.Config)
	p.talk(login)
	a, _ := s.Store.Account(t.Context(), "alice")
	m, _ := a.Open(t.Context(), "INBOX")
	_, err := m.Expunge(t.Context(), mail.AllUIDs(), nil)
	require.NoError(t, err)
	for range 5 {
		p.talk("C: RETR 1\nS: -ERR [SYS/PERM] message 1 is gone: another program has removed it")
	}
}

// RFC 2595 section 4: nothing that was said before TLS counts behind it. And a long greeting leaves room for the timestamp.
func TestSTLSForgets(t *testing.T) {
	s := twoMessages(t)
	s.Config.Greeting = strings.Repeat("x", 1000)
	p := connect(t, s.Config)
	p.talk("S~ \\+OK x+ <[^ ]+@localhost>\nC: LANG vi\nS: +OK vi đã đổi ngôn ngữ\nC: USER alice\nS: +OK hãy gửi PASS")
	p.say("STLS")
	require.Equal(t, "+OK bắt đầu TLS", p.hear())
	c := tls.Client(p.conn, s.ClientTLS())
	require.NoError(t, c.Handshake())
	p.conn = c
	p.r.Reset(c)
	p.talk("C: PASS secret\nS: -ERR USER comes first")
}

// Two sessions that fight for one maildrop, many times: never both, never neither for long.
func TestLockUnderRace(t *testing.T) {
	s := pop3test.NewServer(t, body(120))
	var wg sync.WaitGroup
	var mu sync.Mutex
	inside, won := 0, 0
	for range 4 {
		wg.Go(func() {
			for range 10 {
				c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
				if err != nil {
					if !strings.Contains(err.Error(), "IN-USE") {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				inside++
				if inside != 1 {
					t.Error("two sessions in one maildrop")
				}
				won++
				mu.Unlock()
				_ = c.Noop(t.Context())
				mu.Lock()
				inside--
				mu.Unlock()
				_ = c.Quit(t.Context())
			}
		})
	}
	wg.Wait()
	require.Positive(t, won)
}

// Implicit TLS by ServeTLS, and a listener that does TLS itself.
func TestImplicitTLS(t *testing.T) {
	s := twoMessages(t)
	s.Config.AllowPlaintext = nil
	s.StartTLS()
	c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSImplicit, TLSConfig: s.ClientTLS(), Auth: s.Credentials()})
	require.NoError(t, err)
	require.NotNil(t, c.TLS())
	require.NoError(t, c.Quit(t.Context()))

	own := twoMessages(t)
	own.Config.AllowPlaintext = nil
	l, err := listen(t)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- own.Config.Serve(tls.NewListener(l, own.Config.TLSConfig)) }()
	c, err = pop3.Dial(t.Context(), l.Addr().String(), &pop3.ClientOptions{TLS: pop3.TLSImplicit, TLSConfig: own.ClientTLS(), Auth: own.Credentials()})
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))
	require.NoError(t, own.Config.Close())
	require.ErrorIs(t, <-done, pop3.ErrServerClosed)
}
