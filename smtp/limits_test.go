package smtp_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// RFC 5321 section 4.5.3.1.10: "452 Too many recipients"; the message goes on for those before.
func TestTooManyRecipients(t *testing.T) {
	srv, s := newServer()
	srv.Limits.Recipients = 2
	p := ready(t, srv)
	p.talk(`
		C: RCPT TO:<c@example.test>
		S: 250 2.1.5 Ok
		C: RCPT TO:<d@example.test>
		S: 452 4.5.3 Error: too many recipients
		C: DATA
		S: 354 …
		C: .
		S: 250 …`)
	require.Len(t, s.got[0].Recipients, 2)
}

// RFC 9422: LIMITS says what MAILMAX and RCPTMAX are.
func TestLimits(t *testing.T) {
	srv, _ := newServer()
	srv.Limits.Messages, srv.Limits.Recipients = 1, 5
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("EHLO c.test"), "\n250 LIMITS MAILMAX=1 RCPTMAX=5")
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 …
		C: MAIL FROM:<a@c.test>
		S: 452 4.5.3 Error: too many messages on this connection`)
}

// Postfix's smtpd_soft_error_limit, smtpd_error_sleep_time and smtpd_hard_error_limit: 10, 1 s, 20.
func TestErrorLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer()
		var end *smtp.End
		srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { end = e }
		p := ehlo(t, srv)
		start := time.Now()
		for range 10 {
			require.Equal(t, "500 5.5.2 Error: command not recognized", p.cmd("FOO"))
		}
		require.Zero(t, time.Since(start))
		for i := range 9 {
			require.Equal(t, "500 5.5.2 Error: command not recognized", p.cmd("FOO"))
			require.Equal(t, time.Duration(i+1)*time.Second, time.Since(start))
		}
		require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
		require.Equal(t, 10*time.Second, time.Since(start), "all responses are delayed")
		require.Equal(t, "500 5.5.2 Error: command not recognized", p.cmd("FOO"))
		require.Equal(t, "421 4.7.0 mx.example.test Error: too many errors", p.line())
		require.Equal(t, "", p.line())
		synctest.Wait()
		require.Equal(t, smtp.CauseErrors, end.Cause)
		require.Equal(t, "UNKNOWN", end.After)
	})
}

// A message that is taken makes up for the errors before it; NOOP for ever does not go unnoticed.
func TestErrorsAreForgotten(t *testing.T) {
	srv, _ := newServer()
	srv.Limits.HardErrors, srv.Limits.JunkCommands = 3, 2
	srv.Timeouts.Error = -1
	p := ehlo(t, srv)
	p.talk(`
		C: FOO
		S: 500 …
		C: FOO
		S: 500 …
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 …
		C: FOO
		S: 500 …
		C: FOO
		S: 500 …
		C: NOOP
		S: 250 …
		C: HELO c.test
		S: 250 …
		C: RSET
		S: 250 …
		C: NOOP
		S: 250 …
		S: 421 4.7.0 mx.example.test Error: too many errors
		S.`)
}

// RFC 5321 section 4.5.3.2.7: "An SMTP server SHOULD have a timeout of at least 5 minutes while it is awaiting the next command", and
// the 421 that section 3.8 has it say. A client that sends a letter now and then gets no more time.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, dripping := range []bool{false, true} {
			srv, _ := newServer()
			var end *smtp.End
			srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { end = e }
			p := ehlo(t, srv)
			start := time.Now()
			if dripping {
				for range 4 {
					time.Sleep(time.Minute)
					p.send("N")
				}
			}
			_ = p.conn.SetReadDeadline(time.Time{})
			line, err := p.r.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "421 4.4.2 mx.example.test Error: timeout exceeded\r\n", line)
			require.Equal(t, 5*time.Minute, time.Since(start))
			synctest.Wait()
			require.Equal(t, smtp.CauseTimeout, end.Cause)
			require.Equal(t, "EHLO", end.After)
		}
	})
}

// Within a message the time is for each block, and nothing is kept when it runs out.
func TestTimeoutInData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		srv.Timeouts.Data = time.Minute
		var end *smtp.End
		srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { end = e }
		p := ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		for range 5 {
			time.Sleep(50 * time.Second)
			p.send("x\r\n")
		}
		_ = p.conn.SetReadDeadline(time.Time{})
		line, _ := p.r.ReadString('\n')
		require.Equal(t, "421 4.4.2 mx.example.test Error: timeout exceeded\r\n", line)
		synctest.Wait()
		require.Equal(t, &smtp.End{Cause: smtp.CauseTimeout, After: "DATA", Bytes: 15, Err: end.Err}, end)
		require.Equal(t, 1, s.aborts)
		require.Empty(t, s.got)
	})
}

// A message that drips in for ever is not waited for, whether it is wanted or not.
func TestTimeoutOfMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, begin := range []string{"DATA\r\n", "BDAT 1000000\r\n", "RSET\r\nBDAT 1000000\r\n"} {
			srv, s := newServer()
			p := ready(t, srv)
			start := time.Now()
			p.send(begin)
			_ = p.conn.SetDeadline(time.Time{})
			go func() {
				for {
					time.Sleep(time.Minute)
					if _, err := p.conn.Write([]byte("x")); err != nil {
						return
					}
				}
			}()
			var last string
			for {
				line, err := p.r.ReadString('\n')
				if err != nil {
					break
				}
				last = line
			}
			require.Equal(t, "421 4.4.2 mx.example.test Error: timeout exceeded\r\n", last)
			require.Equal(t, time.Hour, time.Since(start), begin)
			synctest.Wait()
			require.Equal(t, 1, s.aborts)
			time.Sleep(2 * time.Minute)
		}
	})
}

// A client that doesn't read its replies is cut off.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer()
		srv.Timeouts.Write = time.Second
		srv.Limits.JunkCommands = -1
		client, server := smtptest.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			srv.ServeConn(context.Background(), server)
		}()
		_, err := client.Write([]byte("EHLO c.test\r\n"))
		require.NoError(t, err)
		for err == nil {
			_, err = client.Write([]byte(strings.Repeat("HELP\r\n", 1000)))
		}
		<-done
	})
}

func addr(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4000} }

// addrConn is a connection from somewhere else.
type addrConn struct {
	net.Conn
	remote net.Addr
}

func (c addrConn) RemoteAddr() net.Addr { return c.remote }

func from(t *testing.T, srv *smtp.Server, ip string) *peer {
	client, server := smtptest.Pipe()
	return converseOver(t, srv, client, addrConn{server, addr(ip)})
}

// Limits for one address, where an IPv6 /64 is one, and in all.
func TestConnectionLimits(t *testing.T) {
	srv, _ := newServer()
	srv.Limits.ConnectionsPerAddr, srv.Limits.Connections = 1, 6
	p := from(t, srv, "192.0.2.1")
	require.Contains(t, p.line(), "220")
	q := from(t, srv, "192.0.2.1")
	require.Equal(t, "421 4.7.0 mx.example.test Error: too many connections from 192.0.2.1", q.line())
	require.Equal(t, "", q.line())
	admitted := func(ip string) {
		for range 1000 { // one that was refused counts until it is gone
			if strings.HasPrefix(from(t, srv, ip).line(), "220") {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatal(ip, "is not let in")
	}
	admitted("192.0.2.2")
	admitted("2001:db8::1")
	require.Contains(t, from(t, srv, "2001:db8::2").line(), "421")
	admitted("2001:db8:0:1::1")
	admitted("127.0.0.1")
	admitted("127.0.0.1")
	require.Contains(t, from(t, srv, "127.0.0.1").line(), "421 4.7.0 mx.example.test Error: too many connections")
	require.Equal(t, "221 2.0.0 Bye", p.cmd("QUIT"))
	require.Equal(t, "", p.line())
}

func TestCommandLimit(t *testing.T) {
	srv, _ := newServer()
	srv.Limits.Commands = 2
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("NOOP"), "250")
	require.Contains(t, p.cmd("NOOP"), "250")
	require.Equal(t, "421 4.7.0 mx.example.test Error: too many commands", p.line())
	require.Equal(t, "", p.line())
}

// RFC 2920 section 3.1: EHLO and DATA "can only appear as the last command in a group", and RFC 5321 section 4.3.1: the client waits
// for the greeting.
func TestEarlyTalkers(t *testing.T) {
	srv, s := newServer()
	p := converse(t, srv)
	p.talk(`
		C= "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\n"
		S: 220 …`)
	require.Contains(t, p.reply(), "250-mx.example.test")
	require.Equal(t, "554 5.5.0 Error: SMTP protocol synchronization", p.line())
	require.Equal(t, "", p.line())

	p = ready(t, srv)
	p.send("DATA\r\nSubject: x\r\n.\r\nMAIL FROM:<b@c.test>\r\n")
	require.Equal(t, "554 5.5.0 Error: SMTP protocol synchronization", p.line())
	require.Equal(t, "", p.line())
	require.Empty(t, s.got)

	srv.AllowEarlyTalk = true
	p = converse(t, srv)
	p.send("HELO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
	p.talk(`
		S: 220 …
		S: 250 mx.example.test
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		S: 354 …
		S: 250 2.0.0 Ok: queued as 913E010089F
		S: 221 2.0.0 Bye
		S.`)
}

func TestGreetDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, _ := newServer()
		srv.GreetDelay = 6 * time.Second
		var end *smtp.End
		srv.Hooks.Disconnected = func(_ *smtp.Conn, e *smtp.End) { end = e }
		p := converse(t, srv)
		start := time.Now()
		require.Contains(t, p.line(), "220")
		require.Equal(t, 6*time.Second, time.Since(start))
		require.Contains(t, p.cmd("NOOP"), "250")
		p = converse(t, srv)
		p.send("EHLO c.test\r\n")
		require.Equal(t, "554 5.5.0 Error: SMTP protocol synchronization", p.line())
		require.Equal(t, "", p.line())
		synctest.Wait()
		require.Equal(t, smtp.CauseSync, end.Cause)
	})
}

// Shutdown says 421 to the idle (RFC 5321 section 3.8) and lets a transaction finish.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		idle, busy, data := ehlo(t, srv), ready(t, srv), ready(t, srv)
		require.Contains(t, data.cmd("DATA"), "354")
		synctest.Wait()
		done := make(chan error, 1)
		go func() { done <- srv.Shutdown(context.Background()) }()
		require.Equal(t, "421 4.3.2 mx.example.test Service shutting down", idle.line())
		require.Equal(t, "", idle.line())
		require.Equal(t, "250 2.1.5 Ok", busy.cmd("RCPT TO:<c@example.test>"))
		require.Contains(t, busy.cmd("DATA"), "354")
		for _, p := range []*peer{busy, data} {
			require.Contains(t, p.cmd("."), "250 2.0.0 Ok")
			require.Equal(t, "421 4.3.2 mx.example.test Service shutting down", p.line())
			require.Equal(t, "", p.line())
		}
		require.NoError(t, <-done)
		require.Len(t, s.got, 2)
		late := converse(t, srv)
		require.Equal(t, "", late.line())
	})
}

func TestShutdownGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		p := ready(t, srv)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, srv.Shutdown(ctx), context.DeadlineExceeded)
		require.NoError(t, srv.Close())
		require.Equal(t, "", p.line())
		synctest.Wait()
		require.Equal(t, 1, s.aborts)
	})
}

func TestServeErrors(t *testing.T) {
	srv, _ := newServer()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorContains(t, srv.ServeTLS(l), "TLSConfig")
	require.NoError(t, srv.Close())
	l, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.ErrorIs(t, srv.Serve(l), smtp.ErrServerClosed)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	require.Error(t, new(smtp.Server).ListenAndServe("256.0.0.1:0"))
	require.Error(t, new(smtp.Server).ListenAndServeTLS("256.0.0.1:0"))
}

// A session that panics ends its own connection, not the server.
func TestPanic(t *testing.T) {
	srv, s := newServer()
	s.rcpt = func(string, *mail.RcptOptions) error { panic("bug") }
	p := ehlo(t, srv)
	require.Contains(t, p.cmd("MAIL FROM:<a@c.test>"), "250")
	require.Equal(t, "421 4.3.0 mx.example.test Server local error", p.cmd("RCPT TO:<b@example.test>"))
	require.Equal(t, "", p.line())
	require.Equal(t, 1, s.aborts)
	require.Contains(t, ehlo(t, srv).cmd("NOOP"), "250")
}
