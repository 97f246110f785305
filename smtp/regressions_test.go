package smtp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// What other servers got wrong, each by its name. More of them stand beside their subject: TestSmuggling,
// TestOnlyCRLFDotCRLFEnds, TestNoStateAfterBdatError, TestBdatRefusedIsDrained, TestStartTLSDropsWhatWasBuffered,
// TestForbiddenBytes, TestUnknownParameters, TestReplyText.

// Postfix, 2026: what stayed after the end-of-data check had refused a message let the next one pass unchecked.
func TestPostfix2026EndOfDataReject(t *testing.T) {
	srv, s := newServer()
	refuse := true
	s.commit = func(_ context.Context, r []string) ([]mail.Result, error) {
		if refuse {
			return nil, smtp.NewReply(550, smtp.EnhancedCode{5, 7, 1}, "no")
		}
		require.Equal(t, []string{"d@example.test"}, r)
		return []mail.Result{{Recipient: r[0], Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok")}}, nil
	}
	p := ready(t, srv)
	p.talk(`
		C: DATA
		S: 354 …
		C: .
		S: 550 5.7.1 no
		C: DATA
		S: 503 5.5.1 Error: need MAIL command
		C: RCPT TO:<d@example.test>
		S: 503 5.5.1 Error: need MAIL command`)
	refuse = false
	p.talk(`
		C: MAIL FROM:<c@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<d@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 2.0.0 Ok`)
	require.Equal(t, 2, s.began)
	require.Equal(t, 1, s.aborts)
}

// Postfix, 2026: VRFY in a transaction took away its sender and not its recipients.
func TestPostfix2026VrfyInTransaction(t *testing.T) {
	s := new(sink)
	p := ready(t, sessionServer(&helloSession{sink: s}))
	p.talk(`
		C: VRFY alice
		S: 252 2.0.0 alice
		C: DATA
		S: 354 …
		C: .
		S: 250 …`)
	require.Equal(t, "a@c.test", s.got[0].From)
	require.Len(t, s.got[0].Recipients, 1)
}

// go-smtp 0.25: recipients of a refused or reset transaction were still there in the next, and LMTP answered for them.
func TestRecipientsDoNotLeak(t *testing.T) {
	srv, s := newServer()
	srv.LMTP = true
	p := converse(t, srv)
	p.line()
	require.Contains(t, p.cmd("LHLO c.test"), "250")
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<one@example.test>
		S: 250 2.1.5 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: MAIL FROM:<b@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<two@example.test>
		S: 250 2.1.5 Ok
		C: MAIL FROM:<c@c.test>
		S: 503 5.5.1 Error: nested MAIL command
		C: DATA
		S: 354 …
		C: .
		S: 250 2.0.0 Ok: queued as 913E010089F
		C: NOOP
		S: 250 2.0.0 Ok`)
	require.Equal(t, "b@c.test", s.got[0].From)
	require.Len(t, s.got[0].Recipients, 1)
}

// A fork of go-smtp had no limit for the lines between chunks.
func TestLineLimitBetweenChunks(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	p.send("BDAT 3\r\nabc" + strings.Repeat("x", 100000) + "\r\nBDAT 0 LAST\r\n")
	p.talk(`
		S: 250 2.0.0 Ok: 3 bytes
		S: 500 5.5.2 Error: command too long
		S: 250 2.0.0 Ok: 3 bytes queued as 913E010089F`)
	require.Equal(t, "abc", s.got[0].data)
}

// go-mail, CVE-2025-59937, seen from the server's side: what stands behind the path is parameters and nothing else.
func TestNoParametersInAddresses(t *testing.T) {
	srv, s := newServer()
	var to string
	s.rcpt = func(a string, _ *mail.RcptOptions) error { to = a; return nil }
	p := ready(t, srv)
	require.Contains(t, p.cmd(`RCPT TO:<"x> ORCPT=rfc822;y"@example.test>`), "250")
	require.Equal(t, `"x> ORCPT=rfc822;y"@example.test`, to)
	require.Contains(t, p.cmd("RCPT TO:<x> ORCPT=rfc822;y@example.test>"), "250")
	require.Equal(t, "x", to)
}

// go-smtp 0.25 used a challenge as a format string; here it is what the client makes of texts that is looked at.
func TestNoFormatStrings(t *testing.T) {
	srv, s := newServer()
	s.rcpt = func(string, *mail.RcptOptions) error {
		return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "100%s %d%!")
	}
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("MAIL FROM:<%s%n@c.test>"), "250")
	require.Equal(t, "550 5.1.1 100%s %d%!", p.cmd("RCPT TO:<b@example.test>"))
	require.Equal(t, "501 5.5.4 Error: bad parameter syntax: %s%d", ehlo(t, srv).cmd("MAIL FROM:<a@c.test> %s%d"))
}

// A browser that posts SMTP to port 25 (Postfix's smtpd_forbidden_commands).
func TestCrossProtocol(t *testing.T) {
	for _, request := range []string{"POST / HTTP/1.1", "GET / HTTP/1.1", "CONNECT mx:25 HTTP/1.1"} {
		srv, s := newServer()
		p := converse(t, srv)
		p.line()
		p.send(request + "\r\nHost: mx\r\n\r\nHELO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nx\r\n.\r\n")
		require.Equal(t, "221 2.7.0 Error: I can break rules, too. Goodbye.", p.line())
		require.Equal(t, "", p.line())
		require.Zero(t, s.began)
	}
}

// A fork of go-smtp had a race between STARTTLS and Close; run with -race.
func TestStartTLSAndClose(t *testing.T) {
	for range 20 {
		srv, _ := newServer()
		withTLS(t, srv)
		conn, err := net.Dial("tcp", listen(t, srv, false))
		require.NoError(t, err)
		p := newPeer(t, conn)
		p.line()
		require.Equal(t, "220 2.0.0 Ready to start TLS", p.cmd("STARTTLS"))
		go func() { _, _ = conn.Write([]byte{22, 3, 1}) }()
		require.NoError(t, srv.Close())
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		require.NoError(t, srv.Shutdown(ctx))
		cancel()
		_ = conn.Close()
	}
}

// maddy, CVE-2023-27582: an authorization identity that nobody checked. Ours is checked wherever mechanisms are.
func TestAuthorizationIdentityIsChecked(t *testing.T) {
	srv, _ := authServer()
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("root@example.test\x00alice@example.test\x00secret")), "535")
	require.Contains(t, p.cmd("AUTH PLAIN "+b64("alice@example.test\x00alice@example.test\x00secret")), "235")
}

// Internal errors are nobody's business but ours, wrapped or not (go-smtp sent their text).
func TestInternalErrorsStayInside(t *testing.T) {
	secret := errors.New("pq: password authentication failed for user mail at 10.1.2.3")
	for _, step := range []func(*sink){
		func(s *sink) { s.mail = func(string, *mail.MailOptions) error { return secret } },
		func(s *sink) { s.rcpt = func(string, *mail.RcptOptions) error { return secret } },
		func(s *sink) { s.data = func() error { return secret } },
		func(s *sink) {
			s.commit = func(context.Context, []string) ([]mail.Result, error) { return nil, secret }
		},
	} {
		srv, s := newServer()
		step(s)
		p := ehlo(t, srv)
		all := ""
		for _, cmd := range []string{"MAIL FROM:<a@c.test>", "RCPT TO:<b@example.test>", "DATA", "."} {
			r := p.cmd(cmd)
			all += r
			if r[0] == '4' {
				break
			}
		}
		require.Contains(t, all, "451 4.3.0 Local error in processing")
		require.NotContains(t, all, "pq:")
	}
}
