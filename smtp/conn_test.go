package smtp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// What a session can ask its connection.
func TestConn(t *testing.T) {
	srv, s := authServer()
	when := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	srv.Now = func() time.Time { return when }
	var conn *smtp.Conn
	type key struct{}
	session := &helloSession{sink: s}
	srv.Backend = smtp.BackendFunc(func(ctx context.Context, c *smtp.Conn) (smtp.Session, error) {
		require.Equal(t, ctx, c.Context())
		conn = c
		c.SetClientName("client.example")
		return session, nil
	})
	p := from(t, srv, "192.0.2.7")
	p.line()
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
	require.Nil(t, conn.Context().Value(key{}))
	require.Same(t, srv, conn.Server())
	require.Same(t, session, conn.Session())
	require.Equal(t, "PLAIN", conn.Mechanism())
	require.True(t, conn.Extensions().Has(smtp.Pipelining|smtp.VRFY|smtp.ETRN))
	require.Nil(t, conn.TLS())
	require.Equal(t, "Received: from c.test (client.example [192.0.2.7])\r\n\tby mx.example.test with ESMTPA;\r\n\tTue, 01 Sep 2026 10:00:00 +0000 (UTC)\r\n", conn.Received().String())
	conn.Drop()
	require.ErrorIs(t, conn.Context().Err(), context.Canceled)
	require.Equal(t, "", p.line())
}

type authorizer struct {
	*sink
	a mail.Authenticator
}

func (a authorizer) Authenticator() mail.Authenticator { return a.a }

// A session's own Authenticator goes before the server's; one that is nil means none.
func TestAuthorizer(t *testing.T) {
	srv, s := authServer()
	srv.Backend = smtp.Handle(authorizer{s, users{"bob": "pw"}})
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "535")
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00bob\x00pw")), "235")
	srv.Backend = smtp.Handle(authorizer{s, nil})
	p = ehlo(t, srv)
	require.Equal(t, "503 5.5.1 Error: authentication not enabled", p.cmd("AUTH PLAIN"))
	require.NotContains(t, p.cmd("EHLO c.test"), "AUTH")
}

// What went wrong on our side is in our log, and there alone.
func TestLogger(t *testing.T) {
	srv, s := newServer()
	var b bytes.Buffer
	srv.Logger = slog.New(slog.NewTextHandler(&b, nil))
	s.rcpt = func(string, *mail.RcptOptions) error { return errors.New("cannot reach 10.1.2.3") }
	p := ehlo(t, srv)
	p.cmd("MAIL FROM:<a@c.test>")
	require.Equal(t, "451 4.3.0 Local error in processing", p.cmd("RCPT TO:<b@example.test>"))
	require.Contains(t, b.String(), "cannot reach 10.1.2.3")
}

// A message that is too big is too big, whatever else is wrong with it.
func TestTooBigAndStray(t *testing.T) {
	srv, s := newServer()
	srv.Limits.MessageSize = 10
	p := ready(t, srv)
	require.Contains(t, p.cmd("DATA"), "354")
	p.send(strings.Repeat("x", 100) + "\n\r\n.\r\n")
	require.Equal(t, "552 5.3.4 Error: message file too big", p.reply())
	require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
	require.Empty(t, s.got)
}

// The reason for being cut off arrives though the client was still sending (RFC 5321 section 3.8 wants the 421 to be seen).
func TestLinger(t *testing.T) {
	srv, _ := newServer()
	conn, err := net.Dial("tcp", listen(t, srv, false))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "EHLO c.test\r\n"+strings.Repeat("NOOP\r\n", 20000))
	require.NoError(t, err)
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(all), "554 5.5.0 Error: SMTP protocol synchronization\r\n")
}

// brokenListener fails now and then, as accept does when files run out.
type brokenListener struct {
	net.Listener
	errs []error
}

type temporary struct{}

func (temporary) Error() string   { return "too many open files" }
func (temporary) Timeout() bool   { return false }
func (temporary) Temporary() bool { return true }

func (l *brokenListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, err
	}
	return l.Listener.Accept()
}

func TestAcceptErrors(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	boom := errors.New("boom")
	srv, _ := newServer()
	require.ErrorIs(t, srv.Serve(&brokenListener{inner, []error{temporary{}, temporary{}, boom}}), boom)
}

// A Deliverer given to Handle shows what it can do as a session does.
func TestHandleFindsAbilities(t *testing.T) {
	srv := &smtp.Server{Hostname: "mx.example.test", Backend: smtp.Handle(&helloSession{sink: new(sink)})}
	client, server := smtptest.Pipe()
	p := converseOver(t, srv, client, server)
	p.line()
	require.Contains(t, p.cmd("EHLO c.test"), "250-VRFY\n")
	require.Equal(t, "252 2.0.0 alice", p.cmd("VRFY alice"))
}
