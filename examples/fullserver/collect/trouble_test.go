package collect_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/examples/fullserver/collect"
	"github.com/buuta/mail/examples/fullserver/internal/outward"
	"github.com/buuta/mail/pop3/pop3test"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest"
	"github.com/buuta/mail/smtp/mailauth/mailauthtest/nameserver"
)

// A password that is refused is tried three times, and then no more until its user says so. It stands nowhere.
func TestWrongPassword(t *testing.T) {
	s := pop3test.NewServer(t, letters(1)...)
	h := newHome(t)
	a := at(s)
	require.Equal(t, collect.Password, problem(t, h.c.Save(t.Context(), "alice", a, "wrong")).Code, "it isn't kept")
	require.Empty(t, h.c.Accounts("alice"))
	h.save("alice", a)
	s.AddUser(pop3test.Username, "another")
	v := h.fetch("alice")
	require.Equal(t, collect.Password, v.Problem.Code)
	require.Equal(t, h.now().Add(time.Hour), v.Next)
	for range 2 {
		require.False(t, v.Stopped)
		h.later(time.Hour)
		v = h.settled("alice", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	}
	require.True(t, v.Stopped)
	require.True(t, v.Next.IsZero())
	ended := v.Ended
	h.restart()
	h.later(100 * 24 * time.Hour)
	require.NoError(t, h.c.Save(t.Context(), "bob", account(s.Addr), "another"))
	h.settled("bob", func(v collect.View) bool { return !v.Ended.IsZero() })
	require.Equal(t, ended, h.c.Accounts("alice")[0].Ended)
	require.True(t, h.fetch("alice").Stopped, "tried once, since its user wanted it")
	require.NoError(t, h.c.Save(t.Context(), "alice", v.Account, "another"))
	v = h.settled("alice", func(v collect.View) bool { return v.Ended.Equal(h.now()) })
	require.Nil(t, v.Problem)
	require.False(t, v.Stopped)
	for range 30 {
		if err := h.c.Save(t.Context(), "alice", v.Account, "guess"); problem(t, err).Code == collect.TooOften {
			return
		}
	}
	t.Fatal("passwords may be guessed through this server")
}

// script is a server that says what a test wants, to each client anew: of "C: " lines the first word is read and compared, others are written.
func script(t *testing.T, text func() string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			r := bufio.NewReader(conn)
			for line := range strings.Lines(text()) {
				if line == "BREAK\n" {
					conn.Close()
				}
				want, read := strings.CutPrefix(line, "C: ")
				if read {
					got, err := r.ReadString('\n')
					if err != nil || !strings.HasPrefix(got, strings.TrimSpace(want)) {
						break
					}
				} else if _, err := io.WriteString(conn, strings.TrimSuffix(line, "\n")+"\r\n"); err != nil {
					break
				}
			}
			_, _ = io.Copy(io.Discard, r) // until the client goes
			conn.Close()
		}
	}()
	return l.Addr().String()
}

const hello = "+OK hi\nC: CAPA\n-ERR\nC: USER\n+OK\nC: PASS\n"

// What other servers do wrong has a name, and what they say is shown without the password.
func TestTroubles(t *testing.T) {
	h := newHome(t, func(o *collect.Options) { o.Limits.Tries = 100 })
	for _, tt := range []struct {
		code collect.Code
		said string
		text string
	}{
		{collect.Password, "no, *** is wrong", hello + "-ERR no, " + pop3test.Password + " is wrong\n"},
		{collect.InUse, "locked", hello + "-ERR [IN-USE] locked\n"},
		{collect.Refused, "later", hello + "-ERR [SYS/TEMP] later\n"},
		{collect.NoUIDL, "what?", hello + "+OK\nC: UIDL\n-ERR what?\nC: QUIT\n+OK\n"},
		{collect.NotPOP3, "", "220 mail.example.test ESMTP\n"},
		{collect.NotPOP3, "", hello + "+OK\nC: UIDL\n+OK\nnonsense\n.\n"},
	} {
		p := problem(t, h.c.Save(t.Context(), "alice", account(script(t, func() string { return tt.text })), pop3test.Password))
		require.Equal(t, tt.code, p.Code, tt.text)
		require.Equal(t, tt.said, p.Said)
	}
	a := account(script(t, func() string { return hello }))
	a.TLS = collect.TLSStart
	require.Equal(t, collect.NoSTLS, problem(t, h.c.Save(t.Context(), "alice", a, "x")).Code)
	a.TLS = collect.TLSImplicit
	require.Equal(t, collect.BadTLS, problem(t, h.c.Save(t.Context(), "alice", a, "x")).Code)
	s := pop3test.NewUnstartedServer(t)
	s.StartTLS()
	a = at(s)
	a.TLS = collect.TLSImplicit
	require.Equal(t, collect.Untrusted, problem(t, h.c.Save(t.Context(), "alice", a, "x")).Code)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	require.Equal(t, collect.Unreachable, problem(t, h.c.Save(t.Context(), "alice", account(l.Addr().String()), "x")).Code)
	a = at(s)
	a.Folder = "Nowhere"
	require.Equal(t, collect.NoFolder, problem(t, h.c.Save(t.Context(), "alice", a, "x")).Code)
	require.Empty(t, h.c.Accounts("alice"))
	require.NotContains(t, h.logged(), pop3test.Password)
}

// A server with a certificate that is trusted, over TLS from the start and by STLS.
func TestTLS(t *testing.T) {
	s := pop3test.NewUnstartedServer(t, letters(1)...)
	s.StartTLS()
	trusts := func(o *collect.Options) { o.TLS = s.ClientTLS() }
	h := newHome(t, trusts)
	a := at(s)
	a.TLS = collect.TLSImplicit
	require.Equal(t, 1, h.save("alice", a).Fetched)
	require.Contains(t, h.mailIn("alice", "INBOX")[0], "with POP3S id")
}

// A connection that breaks within a message: none of it is filed, and it comes in the next session. A message that the other server doesn't give is asked for again a day later.
func TestBreaks(t *testing.T) {
	list := hello + "+OK\nC: LIST\n+OK\n1 10\n2 10\n.\nC: UIDL\n+OK\n1 a\n2 b\n.\n"
	one, two := "C: RETR 1\n+OK\nSubject: a\n\nx\n", "C: RETR 2\n+OK\nSubject: b\n\nx\n.\nC: QUIT\n+OK\n"
	sessions := []string{hello + "+OK\nC: UIDL\n+OK\n.\nC: QUIT\n+OK\n", list + one + "BREAK\n", list + "C: RETR 1\n-ERR lost\n" + two, list + "C: QUIT\n+OK\n", list + one + ".\nC: QUIT\n+OK\n"}
	next := 0
	h := newHome(t)
	v := h.save("alice", account(script(t, func() string { next++; return sessions[next-1] })))
	require.Equal(t, collect.Broken, v.Problem.Code)
	require.Empty(t, h.mailIn("alice", "INBOX"))
	require.Equal(t, collect.Refused, h.fetch("alice").Problem.Code)
	require.Nil(t, h.fetch("alice").Problem)
	require.Equal(t, []string{"b"}, h.subjects("alice", "INBOX"))
	h.later(24 * time.Hour)
	h.settled("alice", func(v collect.View) bool { return v.Total == 2 })
	require.Equal(t, []string{"b", "a"}, h.subjects("alice", "INBOX"))
}

// A server that says nothing more is left off after a time, and hinders nobody else.
func TestHangs(t *testing.T) {
	hung := false
	addr := script(t, func() string {
		if hung {
			return "+OK hi\n"
		}
		hung = true
		return hello + "+OK\nC: UIDL\n+OK\n.\nC: QUIT\n+OK\n"
	})
	s := pop3test.NewServer(t, letters(1)...)
	h := newHome(t, func(o *collect.Options) { o.Limits.Time, o.Limits.Concurrency = 300*time.Millisecond, 1 })
	v := h.save("alice", account(addr))
	require.Equal(t, collect.Slow, v.Problem.Code)
	require.Equal(t, h.now().Add(30*time.Minute), v.Next)
	require.NoError(t, h.c.Save(t.Context(), "bob", at(s), pop3test.Password))
	require.Eventually(t, func() bool { return h.fetch("bob").Total == 1 }, time.Minute, time.Millisecond, "on a slow machine not in the first session")
}

// Numbers mean nothing: what has been filed is known by its unique-id, wherever it stands, and after it was out of sight for a while.
func TestOrder(t *testing.T) {
	message := func(uid string) string { return "Subject: " + uid + "\n\nx" }
	session := func(want string, uids ...string) string { // of which those in want are fetched
		list, uidl, retr := "", "", ""
		for i, u := range uids {
			n := strconv.Itoa(i + 1)
			list, uidl = list+n+" 10\n", uidl+n+" "+u+"\n"
			if strings.Contains(want, u) {
				retr += "C: RETR " + n + "\n+OK\n" + message(u) + "\n.\n"
			}
		}
		return hello + "+OK\nC: LIST\n+OK\n" + list + ".\nC: UIDL\n+OK\n" + uidl + ".\n" + retr + "C: QUIT\n+OK\n"
	}
	sessions := []string{hello + "+OK\nC: UIDL\n+OK\n.\nC: QUIT\n+OK\n", session("ab", "a", "b"), session("c", "c", "b", "a"), session(""), session("d", "b", "d", "a", "c")}
	next := 0
	h := newHome(t)
	h.save("alice", account(script(t, func() string { next++; return sessions[next-1] })))
	for _, want := range []int{1, 0, 1} {
		v := h.fetch("alice")
		require.Nil(t, v.Problem)
		require.Equal(t, want, v.Fetched)
	}
	require.Equal(t, []string{"a", "b", "c", "d"}, h.subjects("alice", "INBOX"))
}

// Names and addresses that lead inside are refused, whatever they look like and however often they change.
func TestPoisonedHost(t *testing.T) {
	names, err := nameserver.Start(mailauthtest.MustParse("pop.example.com A 127.0.0.1\nsix.example.com AAAA ::1\nmeta.example.com A 169.254.169.254\nlan.example.com A 10.1.2.3"))
	require.NoError(t, err)
	defer names.Close()
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, names.Addr)
	}}
	s := pop3test.NewServer(t, letters(1)...)
	var inside []netip.Prefix
	h := newHome(t, func(o *collect.Options) {
		o.Limits.Tries = 1000
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return outward.Dialer{Within: time.Minute, Resolver: r, Inside: inside}.DialContext(ctx, network, addr)
		}
	})
	a := at(s)
	for _, host := range strings.Fields("pop.example.com six.example.com meta.example.com lan.example.com 127.0.0.1 [::1] ::ffff:127.0.0.1 localhost 169.254.169.254 0.0.0.0 10.1.2.3") {
		a.Host = host
		require.Equal(t, collect.Inside, problem(t, h.c.Save(t.Context(), "alice", a, pop3test.Password)).Code, host)
	}
	for _, host := range []string{"", " ", "a b", "a/b", "a@b", "a:b", "x\r\nUSER", "-a", "a..b", strings.Repeat("a", 300), "fe80::1%lo"} {
		a.Host = host
		require.Equal(t, collect.BadHost, problem(t, h.c.Save(t.Context(), "alice", a, pop3test.Password)).Code, host)
	}
	a.Host = "unix" // not a socket's name
	require.Equal(t, collect.NoSuchHost, problem(t, h.c.Save(t.Context(), "alice", a, pop3test.Password)).Code)
	inside = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	a.Host = "POP.example.com."
	v := h.save("alice", a)
	require.Equal(t, "pop.example.com", v.Host)
	require.Equal(t, 1, v.Fetched)
	inside = nil // it leads elsewhere now
	require.Equal(t, collect.Inside, h.fetch("alice").Problem.Code)
}

// Failures make it slower, up to six hours.
func TestDue(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		failures, refusals int
		interval, want     time.Duration
	}{{0, 0, 15 * time.Minute, 15 * time.Minute}, {1, 0, 15 * time.Minute, 30 * time.Minute}, {4, 0, 15 * time.Minute, 4 * time.Hour}, {5, 0, 15 * time.Minute, 6 * time.Hour}, {1000, 0, time.Minute, 6 * time.Hour},
		{1, 1, 15 * time.Minute, time.Hour}, {3, 0, 24 * time.Hour, 24 * time.Hour}} {
		require.Equal(t, at.Add(tt.want), collect.Due(at, tt.failures, tt.refusals, tt.interval), tt)
	}
}
