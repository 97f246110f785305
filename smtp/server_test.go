package smtp_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// The exchange that textbooks show, typed by hand.
func TestTextbookDialogue(t *testing.T) {
	srv, s := newServer()
	srv.Hostname = "ubuntu.localdomain"
	srv.Greeting = "ubuntu.localdomain ESMTP Postfix (Ubuntu)"
	converse(t, srv).talk(`
		S: 220 ubuntu.localdomain ESMTP Postfix (Ubuntu)
		C: helo trunghq.com
		S: 250 ubuntu.localdomain
		C: MAIL FROM:trunghq@ubuntu.localdomain
		S: 250 2.1.0 Ok
		C: RCPT TO:haquoctrung@gmail.com
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 End data with <CR><LF>.<CR><LF>
		C: Subject:Thu gui thu tu telnet
		C:
		C: Day la mot buc thu gui tu telnet
		C: .
		S: 250 2.0.0 Ok: queued as 913E010089F
		C: quit
		S: 221 2.0.0 Bye
		S.`)
	require.Len(t, s.got, 1)
	require.Equal(t, "trunghq@ubuntu.localdomain", s.got[0].From)
	require.Equal(t, "haquoctrung@gmail.com", s.got[0].Recipients[0].Address)
	require.Equal(t, "Subject:Thu gui thu tu telnet\r\n\r\nDay la mot buc thu gui tu telnet\r\n", s.got[0].data)
}

// RFC 5321 section 4.1.1.1 and the keywords of the extensions that need nothing plugged in.
func TestEhlo(t *testing.T) {
	srv, _ := newServer()
	converse(t, srv).talk(`
		S: 220 mx.example.test ESMTP
		C: EHLO c.test
		S: 250-mx.example.test
		S: 250-PIPELINING
		S: 250-SIZE 10240000
		S: 250-ENHANCEDSTATUSCODES
		S: 250-8BITMIME
		S: 250-DSN
		S: 250-SMTPUTF8
		S: 250-CHUNKING
		S: 250-BINARYMIME
		S: 250 LIMITS RCPTMAX=1000
		C: EHLO
		S: 501 5.5.4 Syntax: EHLO hostname
		C: LHLO c.test
		S: 500 5.5.2 Error: command not recognized
		C: HELO c.test
		S: 250 mx.example.test
		C: FOO bar
		S: 500 5.5.2 Error: command not recognized
		C: NOOP anything at all
		S: 250 2.0.0 Ok
		C: RSET now
		S: 501 5.5.4 Syntax: RSET
		C: VRFY alice
		S: 252 2.5.2 Cannot VRFY user…
		C: EXPN list
		S: 502 5.5.1 EXPN command is disabled
		C: ETRN example.test
		S: 502 5.5.1 ETRN command is disabled
		C: HELP
		S: 214 2.0.0 Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
}

// RFC 5321 section 4.1.4: "A session that will contain mail transactions MUST first be initialized by the use of the EHLO
// command", and the order of the others.
func TestOrder(t *testing.T) {
	srv, s := newServer()
	s.rcpt = func(to string, _ *mail.RcptOptions) error {
		if to == "no@example.test" {
			return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "<no@example.test>: Recipient address rejected: User unknown")
		}
		return nil
	}
	converse(t, srv).talk(`
		S: 220 …
		C: MAIL FROM:<a@c.test>
		S: 503 5.5.1 Error: send HELO/EHLO first
		C: RCPT TO:<a@c.test>
		S: 503 5.5.1 Error: need MAIL command
		C: DATA
		S: 503 5.5.1 Error: send HELO/EHLO first
		C: HELO c.test
		S: 250 mx.example.test
		C: DATA
		S: 503 5.5.1 Error: need MAIL command
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: MAIL FROM:<b@c.test>
		S: 503 5.5.1 Error: nested MAIL command
		C: DATA
		S: 503 5.5.1 Error: need RCPT command
		C: RCPT TO:<no@example.test>
		S: 550 5.1.1 <no@example.test>: Recipient address rejected: User unknown
		C: DATA
		S: 554 5.5.1 Error: no valid recipients
		C: RCPT TO:<yes@example.test>
		S: 250 2.1.5 Ok
		C: RSET
		S: 250 2.0.0 Ok
		C: RCPT TO:<yes@example.test>
		S: 503 5.5.1 Error: need MAIL command
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
	require.Equal(t, 1, s.began)
	require.Equal(t, 1, s.aborts)
	require.Empty(t, s.got)
}

// RFC 5321 section 4.1.4: EHLO in a transaction "MUST clear all buffers and reset the state exactly as if a RSET command had
// been issued".
func TestEhloResets(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	require.Contains(t, p.cmd("EHLO again.test"), "250 ")
	require.Equal(t, "503 5.5.1 Error: need MAIL command", p.cmd("RCPT TO:<b@example.test>"))
	require.Equal(t, 1, s.aborts)
}

// A server without a Backend is usable and takes nothing.
func TestZeroServer(t *testing.T) {
	srv, _ := newServer()
	srv.Backend = nil
	p := ehlo(t, srv)
	require.Equal(t, "554 5.3.2 Error: this host takes no mail", p.cmd("MAIL FROM:<a@c.test>"))
}

type baseKey struct{}

// BaseContext's values reach the sessions, and ListenAndServe is what it is with net/http.
func TestListenAndServe(t *testing.T) {
	srv, s := newServer()
	var value any
	srv.BaseContext = func(l net.Listener) context.Context {
		go func() {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return
			}
			_, _ = io.ReadAll(conn)
			_ = conn.Close()
		}()
		return context.WithValue(context.Background(), baseKey{}, 7)
	}
	srv.Backend = smtp.BackendFunc(func(ctx context.Context, _ *smtp.Conn) (smtp.Session, error) {
		value = ctx.Value(baseKey{})
		go func() { _ = srv.Close() }()
		return &helloSession{sink: s}, nil
	})
	require.ErrorIs(t, srv.ListenAndServe("127.0.0.1:0"), smtp.ErrServerClosed)
	require.NoError(t, srv.Shutdown(context.Background()))
	require.Equal(t, 7, value)
}
