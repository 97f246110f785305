package smtp_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

type users map[string]string

func (u users) Authenticate(_ context.Context, a *mail.AuthRequest) (*mail.Identity, error) {
	if a.Username == "broken" {
		return nil, errors.New("the database is down")
	}
	if pw, ok := u[a.Username]; !ok || pw != a.Password {
		return nil, mail.ErrAuthFailed
	}
	return &mail.Identity{Username: a.Username}, nil
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func authServer() (*smtp.Server, *sink) {
	srv, s := newServer()
	srv.Authenticator = users{"alice@example.test": "secret"}
	srv.AllowPlaintext = func(*smtp.Conn) bool { return true }
	return srv, s
}

// RFC 4954 section 4, with and without initial response.
func TestAuthPlain(t *testing.T) {
	srv, _ := authServer()
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("EHLO c.test"), "\n250-AUTH PLAIN LOGIN\n")
	require.Equal(t, "235 2.7.0 Authentication successful", p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")))
	// "After a successful AUTH command completes, a server MUST reject any further AUTH commands with a 503 reply."
	require.Equal(t, "503 5.5.1 Error: already authenticated", p.cmd("AUTH PLAIN"))
	require.NotContains(t, p.cmd("EHLO c.test"), "AUTH")

	p = ehlo(t, srv)
	require.Equal(t, "334 ", p.cmd("auth plain"))
	require.Equal(t, "235 2.7.0 Authentication successful", p.cmd(b64("\x00alice@example.test\x00secret")))
}

func TestAuthLogin(t *testing.T) {
	srv, _ := authServer()
	ehlo(t, srv).talk(`
		C: AUTH LOGIN
		S: 334 VXNlcm5hbWU6
		C: YWxpY2VAZXhhbXBsZS50ZXN0
		S: 334 UGFzc3dvcmQ6
		C: c2VjcmV0
		S: 235 2.7.0 Authentication successful`)
}

// RFC 4954 section 4 and 6: what goes wrong, and that unknown user and wrong password look the same.
func TestAuthFailures(t *testing.T) {
	srv, _ := authServer()
	p := converse(t, srv)
	p.line()
	require.Equal(t, "503 5.5.1 Error: send HELO/EHLO first", p.cmd("AUTH PLAIN"))
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	require.Equal(t, "535 5.7.8 Error: authentication failed", p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00wrong")))
	require.Equal(t, "535 5.7.8 Error: authentication failed", p.cmd("AUTH PLAIN "+b64("\x00nobody\x00wrong")))
	require.Equal(t, "454 4.7.0 Temporary authentication failure", p.cmd("AUTH PLAIN "+b64("\x00broken\x00x")))
	require.Equal(t, "504 5.5.4 Error: unrecognized authentication mechanism", p.cmd("AUTH KERBEROS_V9"))
	require.Equal(t, "501 5.5.4 Syntax: AUTH mechanism", p.cmd("AUTH"))
	require.Equal(t, "501 5.5.4 Syntax: AUTH mechanism", p.cmd("AUTH PLAIN a b"))
	// "If the client is transmitting an initial response of zero length, it MUST instead transmit the response as a single equals sign".
	require.Equal(t, "501 5.5.2 Error: malformed authentication response", p.cmd("AUTH PLAIN ="))
	require.Equal(t, "501 5.5.2 Error: malformed authentication response", p.cmd("AUTH PLAIN !!!"))
	require.Equal(t, "334 ", p.cmd("AUTH PLAIN"))
	// "If the client wishes to cancel the authentication exchange, it issues a line with a single "*"": 501.
	require.Equal(t, "501 5.7.0 Authentication aborted", p.cmd("*"))
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	// "The AUTH command is not permitted during a mail transaction."
	require.Equal(t, "503 5.5.1 Error: MAIL transaction in progress", p.cmd("AUTH PLAIN"))
}

// Too many wrong passwords end the connection.
func TestAuthGuessing(t *testing.T) {
	srv, _ := authServer()
	srv.Limits.AuthFailures = 2
	p := ehlo(t, srv)
	wrong := "AUTH PLAIN " + b64("\x00alice@example.test\x00wrong")
	require.Contains(t, p.cmd(wrong), "535")
	require.Contains(t, p.cmd(wrong), "535")
	require.Equal(t, "421 4.7.0 mx.example.test Error: too many errors", p.line())
	require.Equal(t, "", p.line())
}

// RFC 4954 section 4: a plaintext mechanism without protection is neither offered nor taken.
func TestAuthNeedsTLS(t *testing.T) {
	srv, _ := authServer()
	srv.AllowPlaintext = nil
	cfg := withTLS(t, srv)
	p := ehlo(t, srv)
	require.NotContains(t, p.cmd("EHLO c.test"), "AUTH")
	require.Equal(t, "538 5.7.11 Encryption required for requested authentication mechanism", p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")))
	p.startTLS(cfg)
	require.Contains(t, p.cmd("EHLO c.test"), "AUTH PLAIN LOGIN")
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
}

func TestRequireAuth(t *testing.T) {
	srv, _ := authServer()
	srv.RequireAuth = true
	p := ehlo(t, srv)
	require.Equal(t, "530 5.7.0 Authentication required", p.cmd("MAIL FROM:<a@c.test>"))
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
	require.Equal(t, "250 2.1.0 Ok", p.cmd("MAIL FROM:<a@c.test>"))
}

// RFC 4954 section 5: AUTH= is believed from authenticated clients only; "<>" stands for nobody known.
func TestAuthParameter(t *testing.T) {
	srv, s := authServer()
	p := ehlo(t, srv)
	one := func(param string) *string {
		require.Contains(t, p.cmd("MAIL FROM:<a@c.test> "+param), "250")
		require.Contains(t, p.cmd("RCPT TO:<b@example.test>"), "250")
		require.Contains(t, p.cmd("DATA"), "354")
		require.Contains(t, p.cmd("."), "250")
		return s.got[len(s.got)-1].Options.Auth
	}
	require.Equal(t, "", *one("AUTH=e+3Dmc2@example.com"))
	require.Nil(t, one(""))
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
	require.Equal(t, "e=mc2@example.com", *one("AUTH=e+3Dmc2@example.com"))
	require.Equal(t, "", *one("AUTH=<>"))
	require.Equal(t, "501 5.5.4 Bad AUTH parameter syntax", p.cmd("MAIL FROM:<a@c.test> AUTH=+ZZ"))
}

// What AUTH carries is not shown to Trace, in whatever way it goes wrong.
func TestTraceHidesSecrets(t *testing.T) {
	srv, _ := authServer()
	var lines []string
	srv.Trace = func(_ *smtp.Conn, sent bool, line string) {
		lines = append(lines, map[bool]string{true: "S: ", false: "C: "}[sent]+line)
	}
	p := ehlo(t, srv)
	secret := b64("\x00alice@example.test\x00secret")
	p.cmd("AUTH PLAIN " + b64("\x00alice@example.test\x00wrong"))
	p.cmd("AUTH LOGIN")
	p.cmd("YWxpY2VAZXhhbXBsZS50ZXN0")
	p.cmd("c2VjcmV0")
	p.cmd("AUTH PLAIN " + secret)
	p.cmd("QUIT")
	all := strings.Join(lines, "\n")
	for _, s := range []string{secret, "c2VjcmV0", "YWxpY2", "VXNlcm5hbWU6"} {
		require.NotContains(t, all, s)
	}
	require.Contains(t, all, "C: AUTH PLAIN ***\nS: 535 5.7.8 Error: authentication failed\nC: AUTH LOGIN\nS: 334 ***\nC: ***\nS: 334 ***\nC: ***\nS: 235")
}

// A response that comes before its challenge can't be an answer to it.
func TestAuthEarlyResponse(t *testing.T) {
	srv, _ := authServer()
	p := ehlo(t, srv)
	p.send("AUTH LOGIN\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\n")
	require.Equal(t, "554 5.5.0 Error: SMTP protocol synchronization", p.line())
	require.Equal(t, "", p.line())
}

type authSession struct {
	*sink
	err error
	id  *mail.Identity
}

func (s *authSession) Close() error { return nil }
func (s *authSession) Authenticated(_ context.Context, id *mail.Identity) error {
	s.id = id
	return s.err
}

// A session can take an authentication back.
func TestAuthSession(t *testing.T) {
	srv, s := authServer()
	sess := &authSession{sink: s, err: smtp.NewReply(454, smtp.EnhancedCode{4, 7, 0}, "not today")}
	srv.Backend = smtp.BackendFunc(func(context.Context, *smtp.Conn) (smtp.Session, error) { return sess, nil })
	p := ehlo(t, srv)
	require.Equal(t, "454 4.7.0 not today", p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")))
	require.Equal(t, "alice@example.test", sess.id.Username)
	sess.err = nil
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("\x00alice@example.test\x00secret")), "235")
}
