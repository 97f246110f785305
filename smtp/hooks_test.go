package smtp_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
)

// What a program needs for Postfix's log lines, without reading any text.
func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := authServer()
		s.rcpt = func(to string, _ *mail.RcptOptions) error {
			return smtp.NewReply(554, smtp.EnhancedCode{5, 7, 1}, "<"+to+">: Relay access denied")
		}
		var log []string
		srv.Hooks = smtp.Hooks{
			Connected: func(c *smtp.Conn) { log = append(log, "connect from "+c.RemoteIP()) },
			Rejected: func(c *smtp.Conn, r *smtp.Rejection) {
				log = append(log, "reject: "+r.Command+": "+r.Reply.String()+"; from=<"+r.From+"> to=<"+r.To+"> proto="+c.ProtocolFamily()+" helo=<"+c.Hello()+">")
			},
			Authenticated: func(_ *smtp.Conn, mechanism, username string, err error) {
				log = append(log, "auth "+mechanism+" "+username+" "+map[bool]string{true: "ok", false: "failed"}[err == nil])
			},
			Disconnected: func(c *smtp.Conn, e *smtp.End) {
				log = append(log, e.Cause.String()+" after "+e.After, "disconnect from "+c.RemoteIP()+" "+c.CountsText())
			},
		}
		p := from(t, srv, "192.0.2.7")
		p.talk(`
			S: 220 …`)
		require.Contains(t, p.cmd("EHLO c.test"), "250")
		p.cmd("AUTH PLAIN " + b64("\x00alice@example.test\x00no"))
		p.cmd("MAIL FROM:<a@c.test>")
		p.cmd("RCPT TO:<b@far.test>")
		p.cmd("FOO")
		_ = p.conn.Close()
		synctest.Wait()
		require.Equal(t, []string{
			"connect from 192.0.2.7",
			"auth PLAIN alice@example.test failed",
			"reject: AUTH: 535 5.7.8 Error: authentication failed; from=<> to=<> proto=ESMTP helo=<c.test>",
			"reject: RCPT: 554 5.7.1 <b@far.test>: Relay access denied; from=<a@c.test> to=<b@far.test> proto=ESMTP helo=<c.test>",
			"reject: UNKNOWN: 500 5.5.2 Error: command not recognized; from=<a@c.test> to=<> proto=ESMTP helo=<c.test>",
			"lost connection after UNKNOWN",
			"disconnect from 192.0.2.7 ehlo=1 auth=0/1 mail=1 rcpt=0/1 unknown=0/1 commands=2/5",
		}, log)
	})
}

func TestEndOfMessageRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		s.commit = func(context.Context, []string) ([]mail.Result, error) {
			return nil, &smtp.Reply{Code: 451, Text: "later", Err: errors.New("disk")}
		}
		var rej *smtp.Rejection
		var end *smtp.End
		srv.Hooks.Rejected = func(_ *smtp.Conn, r *smtp.Rejection) { rej = r }
		srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { end = e }
		p := ready(t, srv)
		p.cmd("DATA")
		require.Equal(t, "451 4.0.0 later", p.cmd("."))
		require.Equal(t, "END-OF-MESSAGE", rej.Command)
		require.Equal(t, "a@c.test", rej.From)
		require.True(t, rej.HasFrom)
		require.Equal(t, "b@example.test", rej.To)
		require.ErrorContains(t, rej.Reply.Err, "disk")
		_ = p.conn.Close()
		synctest.Wait()
		require.Equal(t, "END-OF-MESSAGE", end.After)
		require.Equal(t, smtp.CauseLost, end.Cause)
		require.ErrorIs(t, end.Err, io.EOF)
	})
}

func TestConnState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer()
		var states []smtp.ConnState
		srv.ConnState = func(_ *smtp.Conn, s smtp.ConnState) { states = append(states, s) }
		p := ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		require.Contains(t, p.cmd("."), "250")
		require.Contains(t, p.cmd("QUIT"), "221")
		synctest.Wait()
		require.Equal(t, "[new active idle active idle closed]", sprint(states))
	})
}

func sprint(s []smtp.ConnState) string {
	out := "["
	for i, x := range s {
		if i > 0 {
			out += " "
		}
		out += x.String()
	}
	return out + "]"
}

type helloSession struct{ *sink }

func (s *helloSession) Close() error { return nil }
func (s *helloSession) Hello(_ context.Context, name string) error {
	if name == "localhost" {
		return smtp.NewReply(504, smtp.EnhancedCode{5, 5, 2}, "<localhost>: Helo command rejected: need fully-qualified hostname")
	}
	return nil
}
func (s *helloSession) Verify(_ context.Context, name string) *smtp.Reply {
	switch name {
	case "alice":
		return nil
	case "bob":
		return smtp.NewReply(250, smtp.EnhancedCode{2, 1, 5}, "Bob <bob@example.test>")
	}
	return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "no such user")
}
func (s *helloSession) Expand(_ context.Context, list string) *smtp.Reply {
	if list != "staff" {
		return nil
	}
	return smtp.NewReply(250, smtp.EnhancedCode{2, 1, 5}, "<alice@example.test>\n<bob@example.test>")
}
func (s *helloSession) Flush(_ context.Context, d string) *smtp.Reply {
	if d == "far.test" {
		return smtp.NewReply(458, smtp.EnhancedCode{4, 0, 0}, "Unable to queue messages")
	}
	return nil
}
func (s *helloSession) Help(_ context.Context, topic string) string { return "help about " + topic }
func (s *helloSession) Command(_ context.Context, verb, args string) *smtp.Reply {
	if verb == "XPING" {
		return smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "pong "+args)
	}
	return nil
}

func sessionServer(s smtp.Session) *smtp.Server {
	return &smtp.Server{Hostname: "mx.example.test", Backend: smtp.BackendFunc(func(context.Context, *smtp.Conn) (smtp.Session, error) { return s, nil })}
}

// RFC 5321 section 3.5 and 4.1.1.6 to 4.1.1.8, RFC 1985 section 5; each is announced because the session can do it.
func TestSessionAbilities(t *testing.T) {
	srv := sessionServer(&helloSession{sink: new(sink)})
	p := converse(t, srv)
	p.talk(`
		S: 220 …
		C: EHLO localhost
		S: 504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname
		C: MAIL FROM:<a@c.test>
		S: 503 5.5.1 Error: send HELO/EHLO first`)
	require.Contains(t, p.cmd("EHLO c.test"), "\n250-VRFY\n250-EXPN\n250-ETRN\n")
	p.talk(`
		C: VRFY alice
		S: 252 2.0.0 alice
		C: VRFY <bob>
		S: 250 2.1.5 Bob <bob@example.test>
		C: VRFY carol
		S: 550 5.1.1 no such user
		C: VRFY
		S: 501 5.5.4 Syntax: VRFY address [SMTPUTF8]
		C: EXPN staff
		S: 250-2.1.5 <alice@example.test>
		S: 250 2.1.5 <bob@example.test>
		C: EXPN none
		S: 550 5.1.1 Error: no such list
		C: ETRN example.test
		S: 250 2.0.0 Queuing started
		C: ETRN @example.test
		S: 250 2.0.0 Queuing started
		C: ETRN #slow
		S: 250 2.0.0 Queuing started
		C: ETRN far.test
		S: 458 4.0.0 Unable to queue messages
		C: ETRN
		S: 500 5.5.4 Syntax: ETRN domain
		C: ETRN ex@mple
		S: 501 5.5.4 Error: invalid parameter syntax
		C: HELP mail
		S: 214 2.0.0 help about mail
		C: xping 1 2
		S: 250 2.0.0 pong 1 2
		C: xpong
		S: 500 5.5.2 Error: command not recognized
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: ETRN example.test
		S: 503 5.5.1 Error: MAIL transaction in progress
		C: VRFY alice
		S: 252 2.0.0 alice
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok`)
}

// RFC 5321 section 3.1: a server that greets with 554 "MUST still wait for the client to send a QUIT ... and SHOULD respond to any intervening
// commands with 503 bad sequence of commands". RFC 7504 section 2: after 521 it need not.
func TestRefusedAtTheDoor(t *testing.T) {
	reply := smtp.NewReply(554, smtp.EnhancedCode{5, 7, 1}, "mx.example.test No SMTP service here")
	srv := &smtp.Server{Backend: smtp.BackendFunc(func(context.Context, *smtp.Conn) (smtp.Session, error) { return nil, reply })}
	converse(t, srv).talk(`
		S: 554 mx.example.test No SMTP service here
		C: EHLO c.test
		S: 503 5.5.1 Error: bad sequence of commands
		C: MAIL FROM:<a@c.test>
		S: 503 5.5.1 Error: bad sequence of commands
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
	reply = smtp.NewReply(521, smtp.EnhancedCode{}, "mx.example.test does not accept mail")
	converse(t, srv).talk(`
		S: 521 mx.example.test does not accept mail
		S.`)
	reply = smtp.NewReply(450, smtp.EnhancedCode{4, 3, 2}, "Service currently unavailable")
	srv.Hostname = "mx.example.test"
	converse(t, srv).talk(`
		S: 421 4.3.2 mx.example.test Service currently unavailable
		S.`)
	reply = smtp.NewReply(421, smtp.EnhancedCode{4, 7, 0}, "mx.example.test come back later")
	converse(t, srv).talk(`
		S: 421 4.7.0 mx.example.test come back later
		S.`)
}

// A reply's text can't bring a reply of its own, however it was come by, and a session's 421 ends the connection.
func TestReplyText(t *testing.T) {
	srv, s := newServer()
	s.rcpt = func(string, *mail.RcptOptions) error {
		return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "no\r\n250 yes\x00\rx")
	}
	p := ehlo(t, srv)
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 550-5.1.1 no
		S: 550 5.1.1 250 yes??x`)
	s.rcpt = func(string, *mail.RcptOptions) error {
		return smtp.NewReply(421, smtp.EnhancedCode{4, 3, 2}, "closing")
	}
	p.talk(`
		C: RCPT TO:<b@example.test>
		S: 421 4.3.2 closing
		S.`)
}

// RFC 3848 and RFC 6531 section 4.3: the names behind "with".
func TestProtocolNames(t *testing.T) {
	srv, s := authServer()
	cfg := withTLS(t, srv)
	var conn *smtp.Conn
	srv.Backend = smtp.BackendFunc(func(_ context.Context, c *smtp.Conn) (smtp.Session, error) {
		conn = c
		return &helloSession{sink: s}, nil
	})
	p := converse(t, srv)
	p.line()
	require.Equal(t, "SMTP", conn.Protocol())
	p.cmd("HELO c.test")
	require.Equal(t, "SMTP", conn.Protocol())
	p.cmd("EHLO c.test")
	require.Equal(t, "ESMTP", conn.Protocol())
	p.startTLS(cfg)
	p.cmd("EHLO c.test")
	require.Equal(t, "ESMTPS", conn.Protocol())
	p.cmd("AUTH PLAIN " + b64("\x00alice@example.test\x00secret"))
	require.Equal(t, "ESMTPSA", conn.Protocol())
	require.Equal(t, "alice@example.test", conn.Identity().Username)
	p.cmd("MAIL FROM:<a@c.test> SMTPUTF8")
	require.Equal(t, "UTF8SMTPSA", conn.Protocol())
	srv.LMTP = true
	require.Equal(t, "UTF8LMTPSA", conn.Protocol())
	require.Equal(t, "LMTP", conn.ProtocolFamily())
}

func TestReceived(t *testing.T) {
	when := time.Date(2026, 9, 1, 10, 0, 0, 0, time.FixedZone("+07", 7*3600))
	r := &smtp.Received{Hello: "mail.example.org", Addr: "192.0.2.1", By: "mx.example.net", Software: "Postfix", Protocol: "ESMTP", ID: "913E010089F", For: "alice@example.net", Time: when}
	require.Equal(t, "Received: from mail.example.org (unknown [192.0.2.1])\r\n\tby mx.example.net (Postfix) with ESMTP id 913E010089F\r\n\tfor <alice@example.net>; Tue, 01 Sep 2026 10:00:00 +0700 (+07)\r\n", r.String())
	r = &smtp.Received{Name: "localhost", Addr: "2001:db8::1", By: "mx", User: "a(b", Time: when}
	require.Equal(t, "Received: from localhost (localhost [IPv6:2001:db8::1])\r\n\t(Authenticated sender: a\\(b)\r\n\tby mx;\r\n\tTue, 01 Sep 2026 10:00:00 +0700 (+07)\r\n", r.String())
	r = &smtp.Received{Hello: "evil\r\nX: y", By: "mx", Time: when}
	require.NotContains(t, r.String(), "\nX")
}

// Rewrite is asked about commands, not about messages; Refusal about what says no, which hooks have as it was.
func TestRewriteAndRefusal(t *testing.T) {
	srv, _ := newServer()
	var asked, rejected []string
	srv.Rewrite = func(_ *smtp.Conn, line string) string {
		asked = append(asked, line)
		switch line {
		case "":
			return "NOOP"
		case "HELP":
			return "NOOP\r\nQUIT"
		}
		return line
	}
	srv.Refusal = func(_ *smtp.Conn, r *smtp.Reply) *smtp.Reply {
		out := *r
		out.Text += "\nask us"
		return &out
	}
	srv.Hooks.Rejected = func(_ *smtp.Conn, r *smtp.Rejection) { rejected = append(rejected, r.Reply.String()) }
	p := from(t, srv, "192.0.2.99").after(1)
	p.cmd("EHLO c.test")
	require.Equal(t, "250 2.0.0 Ok", p.cmd(""))
	require.NotContains(t, p.cmd("HELP"), "221", "what would be two commands is none")
	require.Equal(t, "500-5.5.2 Error: command not recognized\n500 5.5.2 ask us", p.cmd("FOO"))
	require.Equal(t, "250 2.1.0 Ok", p.cmd("MAIL FROM:<a@c.test>"))
	require.Equal(t, "250 2.1.5 Ok", p.cmd("RCPT TO:<b@example.net>"))
	require.Contains(t, p.cmd("DATA"), "354 ")
	p.cmd("line\r\n.")
	require.Equal(t, []string{"EHLO c.test", "", "HELP", "FOO", "MAIL FROM:<a@c.test>", "RCPT TO:<b@example.net>", "DATA"}, asked)
	require.Equal(t, []string{"500 5.5.2 Error: command not recognized"}, rejected)
}
