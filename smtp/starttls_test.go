package smtp_test

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// withTLS gives srv a certificate and returns the configuration of a client that trusts it.
func withTLS(t *testing.T, srv *smtp.Server) *tls.Config {
	t.Helper()
	s := smtptest.NewServer(t)
	cfg := s.UseTLS()
	srv.TLSConfig = s.Config.TLSConfig
	return cfg
}

// RFC 3207 section 4.2: "Upon completion of the TLS handshake, the SMTP protocol is reset to the initial state"; "The server MUST
// discard any knowledge obtained from the client"; and STARTTLS is offered no more.
func TestStartTLS(t *testing.T) {
	srv, s := newServer()
	cfg := withTLS(t, srv)
	p := ready(t, srv)
	require.Contains(t, p.cmd("EHLO c.test"), "\n250-STARTTLS\n")
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Equal(t, "501 5.5.4 Syntax error (no parameters allowed)", p.cmd("STARTTLS now"))
	p.startTLS(cfg)
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 503 5.5.1 Error: send HELO/EHLO first
		C: STARTTLS
		S: 554 5.5.1 Error: TLS already active`)
	require.NotContains(t, p.cmd("EHLO c.test"), "STARTTLS")
	require.Equal(t, "250 2.1.0 Ok", p.cmd("MAIL FROM:<a@c.test>"))
	require.Equal(t, 2, s.aborts)
}

// RFC 3207 section 6 and the command injection of 2011: what a man in the middle puts behind STARTTLS is not carried over.
func TestStartTLSDropsWhatWasBuffered(t *testing.T) {
	srv, s := newServer()
	cfg := withTLS(t, srv)
	p := ehlo(t, srv)
	p.send("STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@c.test>\r\n")
	require.Equal(t, "220 2.0.0 Ready to start TLS", p.reply())
	tc := tls.Client(p.conn, cfg)
	require.NoError(t, tc.Handshake())
	p = &peer{t, tc, p.r}
	p.r.Reset(tc)
	require.Equal(t, "503 5.5.1 Error: send HELO/EHLO first", p.cmd("MAIL FROM:<a@c.test>"))
	require.Zero(t, s.began)
}

// go-smtp took "STARTTLSXYZ" for STARTTLS.
func TestStartTLSName(t *testing.T) {
	srv, _ := newServer()
	withTLS(t, srv)
	p := ehlo(t, srv)
	require.Equal(t, "500 5.5.2 Error: command not recognized", p.cmd("STARTTLSXYZ"))
	srv2, _ := newServer()
	require.Equal(t, "502 5.5.1 Error: command not implemented", ehlo(t, srv2).cmd("STARTTLS"))
}

// RFC 3207 section 4: a server may demand TLS; "530 Must issue a STARTTLS command first" to every command "other than NOOP, EHLO,
// STARTTLS, or QUIT".
func TestRequireSecure(t *testing.T) {
	srv, _ := newServer()
	cfg := withTLS(t, srv)
	srv.RequireSecure = true
	p := ehlo(t, srv)
	for _, cmd := range []string{"MAIL FROM:<a@c.test>", "AUTH PLAIN", "VRFY a", "RSET", "DATA", "HELP"} {
		require.Equal(t, "530 5.7.0 Must issue a STARTTLS command first", p.cmd(cmd), cmd)
	}
	require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
	p.startTLS(cfg)
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	require.Equal(t, "250 2.1.0 Ok", p.cmd("MAIL FROM:<a@c.test>"))
}

// RFC 8314 section 3.3: TLS from the first octet on.
func TestImplicitTLS(t *testing.T) {
	srv, s := newServer()
	cfg := withTLS(t, srv)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- srv.ServeTLS(l) }()
	conn, err := tls.Dial("tcp", l.Addr().String(), cfg)
	require.NoError(t, err)
	p := newPeer(t, conn)
	p.talk(`
		S: 220 mx.example.test ESMTP
		C: HELO c.test
		S: 250 mx.example.test
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
	require.NoError(t, conn.Close())
	require.NoError(t, srv.Shutdown(context.Background()))
	require.ErrorIs(t, <-done, smtp.ErrServerClosed)
	require.Equal(t, 1, s.aborts)
}

// A handshake that fails ends the connection, and the hook learns why.
func TestHandshakeFails(t *testing.T) {
	srv, _ := newServer()
	withTLS(t, srv)
	ended := make(chan *smtp.End, 1)
	var hsErr error
	srv.Hooks.Secured = func(_ *smtp.Conn, _ *tls.ConnectionState, err error) { hsErr = err }
	srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { ended <- e }
	p := ehlo(t, srv)
	require.Equal(t, "220 2.0.0 Ready to start TLS", p.cmd("STARTTLS"))
	p.send("this is no TLS record at all\r\n")
	e := <-ended
	require.Equal(t, smtp.CauseTLS, e.Cause)
	require.Error(t, hsErr)
}

// A function of the configuration that panics costs its own connection and nothing else.
func TestHandshakePanics(t *testing.T) {
	srv, _ := newServer()
	cfg := withTLS(t, srv)
	srv.TLSConfig = srv.TLSConfig.Clone()
	srv.TLSConfig.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if h.ServerName == "panic.example" {
			panic("a bug")
		}
		return nil, nil
	}
	failed := make(chan error, 2)
	srv.Hooks.Secured = func(_ *smtp.Conn, _ *tls.ConnectionState, err error) { failed <- err }
	addr := listen(t, srv, true)
	bad := cfg.Clone()
	bad.ServerName = "panic.example"
	_, err := tls.Dial("tcp", addr, bad)
	require.Error(t, err)
	require.ErrorContains(t, <-failed, "a bug")
	c, err := tls.Dial("tcp", addr, cfg)
	require.NoError(t, err)
	require.NoError(t, <-failed)
	require.NoError(t, c.Close())
	require.NoError(t, srv.Close())
}

// RFC 8689 section 2: REQUIRETLS is announced, and taken, over TLS only.
func TestRequireTLSParameter(t *testing.T) {
	srv, s := newServer()
	srv.Extensions = smtp.DefaultExtensions | smtp.RequireTLS
	cfg := withTLS(t, srv)
	p := ehlo(t, srv)
	require.NotContains(t, p.cmd("EHLO c.test"), "REQUIRETLS")
	require.Equal(t, "555 5.5.4 Unsupported option: REQUIRETLS", p.cmd("MAIL FROM:<a@c.test> REQUIRETLS"))
	p.startTLS(cfg)
	require.Contains(t, p.cmd("EHLO c.test"), "250-REQUIRETLS\n")
	require.Equal(t, "501 5.5.4 Bad REQUIRETLS parameter syntax", p.cmd("MAIL FROM:<a@c.test> REQUIRETLS=yes"))
	p.talk(`
		C: MAIL FROM:<a@c.test> REQUIRETLS
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 …`)
	require.True(t, s.got[0].Options.RequireTLS)
}

// A listener of crypto/tls works as well, without ServeTLS.
func TestTLSListener(t *testing.T) {
	srv, _ := newServer()
	cfg := withTLS(t, srv)
	l, err := tls.Listen("tcp", "127.0.0.1:0", srv.TLSConfig)
	require.NoError(t, err)
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	conn, err := tls.Dial("tcp", l.Addr().String(), cfg)
	require.NoError(t, err)
	p := newPeer(t, conn)
	require.Contains(t, p.line(), "220")
	require.NotContains(t, p.cmd("EHLO c.test"), "STARTTLS")
	require.NoError(t, conn.Close())
	require.NoError(t, srv.Close())
	require.ErrorIs(t, <-done, smtp.ErrServerClosed)
}
