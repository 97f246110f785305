package pop3_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/pop3"
	"github.com/buuta/mail/pop3/pop3test"
)

// dial connects to s with its password, without TLS.
func dial(t testing.TB, s *pop3test.Server) *pop3.Client {
	t.Helper()
	c, err := pop3.Dial(context.Background(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestClientSession(t *testing.T) {
	s := pop3test.NewServer(t, body(120), body(200), ".dots\r\n\r\n.\r\n")
	ctx := t.Context()
	c := dial(t, s)
	require.True(t, strings.HasPrefix(c.Greeting(), "POP3 server ready <"))
	require.True(t, c.Capabilities().Has("PIPELINING"))
	require.Equal(t, []string{"NEVER"}, c.Capabilities()["EXPIRE"])
	n, size, err := c.Stat(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.EqualValues(t, 332, size)
	var listed []pop3.Listing
	for l, err := range c.List(ctx) {
		require.NoError(t, err)
		listed = append(listed, l)
	}
	require.Equal(t, []pop3.Listing{{Number: 1, Size: 120}, {Number: 2, Size: 200}, {Number: 3, Size: 12}}, listed)
	for l, err := range c.UIDL(ctx) { // left early: the rest is read
		require.NoError(t, err)
		require.Equal(t, pop3.Listing{Number: 1, UID: "0000000100000001"}, l)
		break
	}
	one, err := c.UIDLOne(ctx, 2)
	require.NoError(t, err)
	require.Equal(t, "0000000200000001", one.UID)
	_, err = c.ListOne(ctx, 9)
	e, ok := errors.AsType[*pop3.Error](err)
	require.True(t, ok)
	require.Equal(t, "LIST", e.Command)
	require.EqualError(t, err, "pop3: LIST: server says no such message, only 3 messages in maildrop")
	require.False(t, e.Temporary())

	m, err := c.Retr(ctx, 3)
	require.NoError(t, err)
	b, err := io.ReadAll(m)
	require.NoError(t, err)
	require.Equal(t, ".dots\r\n\r\n.\r\n", string(b), "un-stuffed")
	// A message that isn't read to its end doesn't disturb what comes next.
	m, err = c.Retr(ctx, 2)
	require.NoError(t, err)
	_, err = m.Read(make([]byte, 5))
	require.NoError(t, err)
	require.NoError(t, c.Noop(ctx))
	_, err = m.Read(make([]byte, 5))
	require.ErrorIs(t, err, io.EOF)
	m, err = c.Top(ctx, 2, 0)
	require.NoError(t, err)
	b, _ = io.ReadAll(m)
	require.Equal(t, "Subject: x\r\n\r\n", string(b))

	require.NoError(t, c.Dele(ctx, 1, 2, 3))
	require.NoError(t, c.Rset(ctx))
	err = c.Dele(ctx, 2, 9, 3)
	require.ErrorContains(t, err, "no such message")
	require.NoError(t, c.Quit(ctx))
	require.Equal(t, []string{body(120)}, s.Store.Messages("alice"))
	require.ErrorContains(t, c.Noop(ctx), "closed")
	require.NoError(t, c.Close())
}

// Close instead of Quit removes nothing.
func TestClientCloseRemovesNothing(t *testing.T) {
	s := pop3test.NewServer(t, body(120))
	c := dial(t, s)
	require.NoError(t, c.Dele(t.Context(), 1))
	require.NoError(t, c.Close())
	s.Close()
	require.Len(t, s.Store.Messages("alice"), 1)
}

func TestClientRetrAll(t *testing.T) {
	var messages []string
	for i := range 100 {
		messages = append(messages, fmt.Sprintf("Subject: %d\r\n\r\n%s", i+1, strings.Repeat(".x\r\n", i*50)))
	}
	s := pop3test.NewServer(t, messages...)
	for _, serial := range []bool{false, true} {
		c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials(), NoPipelining: serial})
		require.NoError(t, err)
		require.NoError(t, c.Dele(t.Context(), 7))
		numbers := make([]int, len(messages))
		for i := range numbers {
			numbers[i] = i + 1
		}
		seen := 0
		for m, err := range c.RetrAll(t.Context(), numbers...) {
			seen++
			require.Equal(t, seen, m.Number)
			if seen == 7 {
				require.ErrorContains(t, err, "message 7 is deleted")
				continue
			}
			require.NoError(t, err)
			if seen%10 == 0 {
				continue // not read
			}
			b, err := io.ReadAll(m)
			require.NoError(t, err)
			require.Equal(t, messages[seen-1], string(b))
		}
		require.Equal(t, 100, seen)
		for m, err := range c.RetrAll(t.Context(), numbers...) {
			require.NoError(t, err)
			require.Equal(t, 1, m.Number)
			break
		}
		require.NoError(t, c.Noop(t.Context()), "in step after a loop that was left")
		require.NoError(t, c.Close())
		require.Eventually(t, func() bool {
			unlock, err := s.Config.LockMaildrop(t.Context(), "alice")
			if err == nil {
				unlock()
			}
			return err == nil
		}, 5*time.Second, time.Millisecond)
	}
}

func TestClientLogins(t *testing.T) {
	s := pop3test.NewServer(t, body(120))
	for _, m := range []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "APOP", "USER"} {
		for _, mode := range []pop3.TLSMode{pop3.TLSNone, pop3.TLSStartTLS} {
			if mode == pop3.TLSNone && strings.HasSuffix(m, "-PLUS") {
				continue
			}
			cred := s.Credentials()
			cred.Mechanisms = []string{m}
			var method string
			var trace strings.Builder
			opts := &pop3.ClientOptions{TLS: mode, TLSConfig: s.ClientTLS(), Auth: cred,
				Trace: func(sent bool, line string) { fmt.Fprintln(&trace, sent, line) }}
			c, err := pop3.Dial(t.Context(), s.Addr, opts)
			require.NoError(t, err, m)
			_, _, err = c.Stat(t.Context())
			require.NoError(t, err, m)
			require.NotContains(t, trace.String(), "secret")
			require.NotContains(t, trace.String(), b64("\x00alice\x00secret"))
			method = m
			if m == "USER" {
				method = "PASS"
			}
			require.Contains(t, trace.String(), method)
			require.NoError(t, c.Quit(t.Context()))

			cred.Password = "wrong"
			_, err = pop3.Dial(t.Context(), s.Addr, opts)
			require.ErrorIs(t, err, mail.ErrAuthFailed, m)
		}
	}
	// The best of all, by itself.
	var last string
	c, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLSConfig: s.ClientTLS(), Auth: s.Credentials(), Trace: func(sent bool, line string) {
		if strings.HasPrefix(line, "AUTH ") {
			last = line
		}
	}})
	require.NoError(t, err)
	require.Equal(t, "AUTH SCRAM-SHA-256-PLUS ***", last)
	// And again on the same connection: the server says no, the session goes on.
	require.Error(t, c.Login(t.Context(), s.Credentials()))
	_, _, err = c.Stat(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Quit(t.Context()))
}

func TestClientInUse(t *testing.T) {
	s := pop3test.NewServer(t)
	dial(t, s)
	_, err := pop3.Dial(t.Context(), s.Addr, &pop3.ClientOptions{TLS: pop3.TLSNone, Auth: s.Credentials()})
	require.ErrorIs(t, err, pop3.ErrInUse)
	e, _ := errors.AsType[*pop3.Error](err)
	require.True(t, e.Temporary())
}

// fake is a server that says what a test wants: lines of "C: " are read and compared, others written.
func fake(t *testing.T, script string) net.Conn {
	server, client := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer server.Close()
		r := bufio.NewReader(server)
		for line := range strings.Lines(script) {
			line = strings.TrimSuffix(strings.TrimLeft(line, "\t"), "\n")
			if want, ok := strings.CutPrefix(line, "C: "); ok {
				got, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if strings.TrimSuffix(got, "\r\n") != want {
					t.Errorf("client says %q, want %q", got, want)
					return
				}
				continue
			}
			if line == "" {
				continue
			}
			if _, err := io.WriteString(server, line+"\r\n"); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	return elsewhere{client}
}

// elsewhere is a connection to a machine that is not this one.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 110} }

var secret = &mail.Credentials{Username: "alice", Password: "secret"}

// A password is not sent to a server that has no way to keep it secret, and somebody on the way can't make us.
func TestClientKeepsThePassword(t *testing.T) {
	for name, script := range map[string]string{
		"plain": "+OK ready\nC: CAPA\n+OK\nUSER\nSASL PLAIN LOGIN\n.\n",
		"old":   "+OK ready\nC: CAPA\n-ERR what?\n",
	} {
		_, err := pop3.NewClient(t.Context(), fake(t, script), &pop3.ClientOptions{Auth: secret})
		require.ErrorIs(t, err, pop3.ErrNotSecured, name)
	}
	_, err := pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n+OK\n.\n"), &pop3.ClientOptions{TLS: pop3.TLSStartTLS, Auth: secret})
	require.ErrorContains(t, err, "doesn't offer STLS")
	// APOP is better than nothing.
	c, err := pop3.NewClient(t.Context(), fake(t, "+OK ready <1896.697170952@dbc.mtview.ca.us>\nC: CAPA\n-ERR\nC: APOP mrose c4c9334bac560ecc979e58001b3e22fb\n+OK\n"),
		&pop3.ClientOptions{Auth: &mail.Credentials{Username: "mrose", Password: "tanstaaf"}})
	require.NoError(t, err)
	c.Close()
	_, err = pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n+OK\nSASL GSSAPI\n.\n"), &pop3.ClientOptions{Auth: &mail.Credentials{Username: "x", Token: "t"}})
	require.ErrorIs(t, err, pop3.ErrNoMechanism)
	// With leave it goes.
	allowed := *secret
	allowed.AllowPlaintext = true
	c, err = pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n-ERR what?\nC: USER alice\n+OK\nC: PASS secret\n+OK\n"), &pop3.ClientOptions{Auth: &allowed})
	require.NoError(t, err)
	c.Close()
	// Names can't carry commands.
	bad := mail.Credentials{Username: "alice\r\nDELE 1", Password: "x", AllowPlaintext: true}
	_, err = pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n-ERR what?\n"), &pop3.ClientOptions{Auth: &bad})
	require.Error(t, err)
}

// RFC 5034 section 4: without room for it in 255 octets the initial response goes on a line of its own.
func TestClientLongInitialResponse(t *testing.T) {
	long := &mail.Credentials{Username: "alice", Password: strings.Repeat("p", 300), AllowPlaintext: true}
	c, err := pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n+OK\nSASL PLAIN\n.\nC: AUTH PLAIN\n+ \nC: "+b64("\x00alice\x00"+long.Password)+"\n+OK\n"), &pop3.ClientOptions{Auth: long})
	require.NoError(t, err)
	c.Close()
	// Some servers leave out the space.
	c, err = pop3.NewClient(t.Context(), fake(t, "+OK ready\nC: CAPA\n+OK\nSASL PLAIN\n.\nC: AUTH PLAIN\n+\nC: "+b64("\x00alice\x00"+long.Password)+"\n+OK\n"), &pop3.ClientOptions{Auth: long})
	require.NoError(t, err)
	c.Close()
}

// A server that lets us in without the proof that SCRAM demands is not the one we wanted.
func TestClientDemandsTheServersProof(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		r := bufio.NewReader(server)
		io.WriteString(server, "+OK ready\r\n")
		r.ReadString('\n')
		io.WriteString(server, "+OK\r\nSASL SCRAM-SHA-256\r\n.\r\n")
		r.ReadString('\n')
		io.WriteString(server, "+OK welcome\r\n")
	}()
	_, err := pop3.NewClient(t.Context(), client, &pop3.ClientOptions{Auth: secret})
	require.ErrorContains(t, err, "did not prove")
}

// Answers put before TLS are not read behind it.
func TestClientSTLSInjection(t *testing.T) {
	server, client := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		r := bufio.NewReader(server)
		io.WriteString(server, "+OK ready\r\n")
		r.ReadString('\n')
		io.WriteString(server, "+OK\r\nSTLS\r\n.\r\n")
		r.ReadString('\n')
		io.WriteString(server, "+OK begin\r\n+OK\r\nSASL PLAIN\r\n.\r\n")
	}()
	_, err := pop3.NewClient(t.Context(), client, &pop3.ClientOptions{ServerName: "x"})
	require.ErrorContains(t, err, "between STLS and TLS")
}

// What a server may say that is no answer.
func TestClientBadServers(t *testing.T) {
	for name, script := range map[string]string{
		"SMTP":     "220 smtp ready\n",
		"nothing":  "",
		"long":     "+OK " + strings.Repeat("x", 5000) + "\n",
		"refuses":  "-ERR [SYS/TEMP] come back later\n",
		"capa cut": "+OK\nC: CAPA\n+OK\nTOP\n",
	} {
		_, err := pop3.NewClient(t.Context(), fake(t, script), nil)
		require.Error(t, err, name)
	}
	c, err := pop3.NewClient(t.Context(), fake(t, "+OK\nC: CAPA\n-ERR\nC: STAT\n+OK two\nC: STAT\n+OK 1 10 extra\nC: LIST\n+OK\n1 10 extra words\nx\n.\nC: UIDL 1\n+OK 1  abc\nC: UIDL\n+OK\n1 "+strings.Repeat("u", 71)+"\n.\nC: RETR 1\n+OK\nSubject: x\n"), nil)
	require.NoError(t, err)
	_, _, err = c.Stat(t.Context())
	require.ErrorContains(t, err, "two")
	n, size, err := c.Stat(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.EqualValues(t, 10, size)
	var errs []error
	for l, err := range c.List(t.Context()) {
		errs = append(errs, err)
		if err == nil {
			require.Equal(t, pop3.Listing{Number: 1, Size: 10}, l)
		}
	}
	require.Len(t, errs, 2)
	require.NoError(t, errs[0])
	require.Error(t, errs[1])
	l, err := c.UIDLOne(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "abc", l.UID)
	for _, err := range c.UIDL(t.Context()) {
		require.Error(t, err, "RFC 1939 section 7: 1 to 70 characters")
	}
	m, err := c.Retr(t.Context(), 1)
	require.NoError(t, err)
	_, err = io.ReadAll(m)
	require.Error(t, err, "a message that is cut off is not taken for a whole one")
	require.Error(t, c.Noop(t.Context()))
}

func TestClientContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := pop3.NewClient(t.Context(), fake(t, "+OK\nC: CAPA\n-ERR\nC: STAT\nC: never\n"), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		start := time.Now()
		_, _, err = c.Stat(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 5*time.Second, time.Since(start))
		require.Error(t, c.Noop(t.Context()), "the connection is of no more use")
	})
	synctest.Test(t, func(t *testing.T) {
		conn := fake(t, "+OK\nC: CAPA\n-ERR\nC: RETR 1\n+OK\nSubject: x\nC: never\n")
		c, err := pop3.NewClient(t.Context(), conn, nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		m, err := c.Retr(ctx, 1)
		require.NoError(t, err)
		time.AfterFunc(time.Second, cancel)
		_, err = io.ReadAll(m)
		require.ErrorIs(t, err, context.Canceled)
		conn.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		_, err := pop3.NewClient(t.Context(), fake(t, "C: never\n"), &pop3.ClientOptions{Timeouts: pop3.ClientTimeouts{Command: time.Minute}})
		require.Error(t, err, "a server without a greeting")
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := pop3test.NewServer(t)
	_, err := pop3.Dial(ctx, s.Addr, nil)
	require.ErrorIs(t, err, context.Canceled)
	c := dial(t, s)
	require.ErrorIs(t, c.Noop(ctx), context.Canceled)
	require.NoError(t, c.Noop(t.Context()), "nothing had been sent")
}
