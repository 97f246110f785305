package smtp_test

import (
	"context"
	"errors"
	"io"
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

// RFC 5321 section 4.5.2, transparency, over the wire.
func TestDataTransparency(t *testing.T) {
	srv, s := newServer()
	p := ready(t, srv)
	p.talk(`
		C: DATA
		S: 354 End data with <CR><LF>.<CR><LF>
		C: ..dot
		C: ...
		C:
		C: .x
		C: .
		S: 250 2.0.0 Ok: queued as 913E010089F`)
	require.Equal(t, ".dot\r\n..\r\n\r\nx\r\n", s.got[0].data)
	// The transaction is over, the session isn't.
	p.talk(`
		C: DATA
		S: 503 5.5.1 Error: need MAIL command
		C: MAIL FROM:<>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 2.0.0 Ok…`)
	require.Equal(t, "", s.got[1].From)
	require.Equal(t, "", s.got[1].data)
}

// RFC 5321 section 2.3.8 and the smuggling attacks of December 2023 (CVE-2023-51764, CVE-2023-52354 and others): two servers
// that see the end of a message at different places let a message within a message through.
func TestSmuggling(t *testing.T) {
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\n.\r"} {
		in := "Subject: one\r\n\r\nx" + end + "MAIL FROM:<evil@c.test>\r\nRCPT TO:<u2@example.test>\r\nDATA\r\nSubject: two\r\n\r\ny\r\n.\r\n"
		srv, s := newServer()
		p := ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		p.send(in)
		require.Contains(t, p.reply(), "550 5.5.2 Error: bare <")
		require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
		require.Empty(t, s.got, "%q", end)
		require.Equal(t, 1, s.aborts)

		srv, s = newServer()
		srv.BareLines = smtp.NormalizeBare
		p = ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		p.send(in)
		require.Contains(t, p.reply(), "250 2.0.0")
		require.Len(t, s.got, 1, "%q", end)
		require.Contains(t, s.got[0].data, "MAIL FROM:<evil@c.test>")
		lines := strings.ReplaceAll(s.got[0].data, "\r\n", "")
		require.NotContains(t, lines, "\r")
		require.NotContains(t, lines, "\n")
	}
}

// RFC 1870 section 6.1: a declared size beyond the limit is refused at once, and section 6.3: an undeclared one after the end.
func TestSize(t *testing.T) {
	srv, s := newServer()
	srv.Limits.MessageSize = 100
	p := ehlo(t, srv)
	p.talk(`
		C: MAIL FROM:<a@c.test> SIZE=101
		S: 552 5.3.4 Message size exceeds fixed limit
		C: MAIL FROM:<a@c.test> SIZE=99999999999999999999
		S: 552 5.3.4 Message size exceeds fixed limit
		C: MAIL FROM:<a@c.test> SIZE=-1
		S: 501 5.5.4 Bad SIZE parameter syntax
		C: MAIL FROM:<a@c.test> SIZE=100
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …`)
	// go-smtp refused a message of exactly the announced size.
	exact := strings.Repeat("x", 98) + "\r\n"
	p.send(exact + ".\r\n")
	require.Equal(t, "250 2.0.0 Ok: queued as 913E010089F", p.reply())
	require.Equal(t, exact, s.got[0].data)
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …`)
	p.send(strings.Repeat("xxxxxxxx\r\n", 10000) + ".\r\n")
	require.Equal(t, "552 5.3.4 Error: message file too big", p.reply())
	require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
	require.Len(t, s.got, 1)
	require.Equal(t, 1, s.aborts)
}

// A deliverer that says no before it has read everything doesn't end the conversation, and what it doesn't read is no
// command.
func TestBodyRefusedEarly(t *testing.T) {
	srv, s := newServer()
	s.body = func(r io.Reader) error {
		_, _ = io.ReadFull(r, make([]byte, 3))
		return smtp.NewReply(554, smtp.EnhancedCode{5, 6, 0}, "no such content here")
	}
	p := ready(t, srv)
	require.Contains(t, p.cmd("DATA"), "354")
	p.send("QUIT\r\nQUIT\r\n" + strings.Repeat("y", 100000) + "\r\n.\r\n")
	require.Equal(t, "554 5.6.0 no such content here", p.reply())
	require.Equal(t, "503 5.5.1 Error: need MAIL command", p.cmd("DATA"))

	s.body = func(io.Reader) error { return errors.New("the disk is full of secrets") }
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 451 4.3.0 Local error in processing`)
	require.Equal(t, 2, s.aborts)
}

// A deliverer that reads nothing and says yes gets no half of a conversation either.
func TestBodyUnread(t *testing.T) {
	srv, s := newServer()
	s.body = func(io.Reader) error { return nil }
	p := ready(t, srv)
	require.Contains(t, p.cmd("DATA"), "354")
	p.send("a\r\n" + strings.Repeat("b", 50000) + "\r\n.\r\n")
	require.Contains(t, p.reply(), "250 2.0.0 Ok")
	require.Equal(t, 1, s.committed)
	// What goes wrong in the part that it didn't read still counts.
	s.body = func(io.Reader) error { return nil }
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C= "a\nb\r\n.\r\n"
		S: 550 5.5.2 Error: bare <LF> received`)
	require.Equal(t, 1, s.committed)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// An error of where the message goes is not one of where it comes from: the conversation goes on.
func TestCopyFails(t *testing.T) {
	srv, s := newServer()
	s.body = func(r io.Reader) error {
		_, err := io.Copy(brokenWriter{}, r)
		return err
	}
	p := ready(t, srv)
	require.Contains(t, p.cmd("DATA"), "354")
	p.send("QUIT\r\n" + strings.Repeat("y", 100000) + "\r\n.\r\n")
	require.Equal(t, "451 4.3.0 Local error in processing", p.reply())
	require.Equal(t, "250 2.0.0 Ok", p.cmd("NOOP"))
}

// The transaction's last word is its own; a wrapped Reply counts like a bare one.
func TestCommitRefuses(t *testing.T) {
	srv, s := newServer()
	s.commit = func(context.Context, []string) ([]mail.Result, error) {
		return nil, errors.Join(errors.New("quota of alice"), smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "Mailbox full"))
	}
	p := ready(t, srv)
	require.Contains(t, p.cmd("DATA"), "354")
	require.Equal(t, "452 4.2.2 Mailbox full", p.cmd("."))
	require.Equal(t, 1, s.aborts)
	s.commit = func(_ context.Context, r []string) ([]mail.Result, error) {
		return []mail.Result{
			{Recipient: r[0], Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok"), ID: "ONE"},
			{Recipient: r[1], Reply: smtp.NewReply(451, smtp.EnhancedCode{4, 2, 0}, "later")},
		}, nil
	}
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<b@example.test>
		S: 250 2.1.5 Ok
		C: RCPT TO:<c@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 451 4.2.0 later`)
}

// RFC 2033 section 4.2: "the server returns one reply for each previously successful RCPT command in the mail transaction, in the
// order that the RCPT commands were issued."
func TestLMTP(t *testing.T) {
	srv, s := newServer()
	srv.LMTP = true
	s.rcpt = func(to string, _ *mail.RcptOptions) error {
		if strings.HasPrefix(to, "no") {
			return smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "no such user")
		}
		return nil
	}
	s.commit = func(_ context.Context, r []string) ([]mail.Result, error) {
		return []mail.Result{
			{Recipient: r[0], Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok"), ID: "ONE"},
			{Recipient: r[1], Reply: smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "over quota")},
		}, nil
	}
	p := converse(t, srv)
	p.talk(`
		S: 220 mx.example.test LMTP
		C: EHLO c.test
		S: 500 5.5.2 Error: command not recognized
		C: HELO c.test
		S: 500 5.5.2 Error: command not recognized
		C: MAIL FROM:<a@c.test>
		S: 503 5.5.1 Error: send HELO/EHLO first`)
	require.Contains(t, p.cmd("LHLO c.test"), "250-mx.example.test\n250-PIPELINING")
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<one@example.test>
		S: 250 2.1.5 Ok
		C: RCPT TO:<no@example.test>
		S: 550 5.1.1 no such user
		C: RCPT TO:<two@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: .
		S: 250 2.0.0 Ok: queued as ONE
		S: 452 4.2.2 over quota
		C: NOOP
		S: 250 2.0.0 Ok`)
	// "when there have been no successful RCPT commands in the mail transaction, the DATA command MUST fail with a 503 reply code"
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<no@example.test>
		S: 550 5.1.1 no such user
		C: DATA
		S: 503 5.5.1 Error: need RCPT command
		C: RSET
		S: 250 2.0.0 Ok`)
	// One answer for all is said as often as there are recipients.
	srv.Limits.MessageSize = 10
	p.talk(`
		C: MAIL FROM:<a@c.test>
		S: 250 2.1.0 Ok
		C: RCPT TO:<one@example.test>
		S: 250 2.1.5 Ok
		C: RCPT TO:<two@example.test>
		S: 250 2.1.5 Ok
		C: DATA
		S: 354 …
		C: 123456789012345678901234567890
		C: .
		S: 552 5.3.4 Error: message file too big
		S: 552 5.3.4 Error: message file too big
		C: QUIT
		S: 221 2.0.0 Bye
		S.`)
}

// A client that goes away within a message leaves nothing behind.
func TestClientVanishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, sent := range []string{"DATA\r\n", "DATA\r\nSubject: x\r\n", "DATA\r\nx\r\n.", "BDAT 100\r\nabc", "BDAT 3\r\nabc", "BDAT 3\r\nabcBDAT 9 LAST\r\n", "", "MAIL"} {
			srv, s := newServer()
			srv.AllowEarlyTalk = true
			p := ready(t, srv)
			p.send(sent)
			synctest.Wait()
			_ = p.conn.Close()
			synctest.Wait()
			require.Empty(t, s.got, "%q", sent)
			require.Equal(t, 1, s.aborts, "%q", sent)
		}
	})
}

// While a deliverer works long, the context ends when the peer goes away.
func TestContextEndsWithPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		ended := false
		s.commit = func(ctx context.Context, _ []string) ([]mail.Result, error) {
			<-ctx.Done()
			ended = true
			return nil, ctx.Err()
		}
		p := ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		p.send(".\r\n")
		time.Sleep(time.Second) // the bubble's time: the watch has begun
		synctest.Wait()
		require.False(t, ended)
		_ = p.conn.Close()
		synctest.Wait()
		require.True(t, ended)
		require.Equal(t, 1, s.aborts)
	})
}

// A client that talks on while the deliverer works is still understood: the byte read ahead isn't lost.
func TestWatchKeepsInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, s := newServer()
		release := make(chan struct{})
		s.commit = func(ctx context.Context, r []string) ([]mail.Result, error) {
			<-release
			return []mail.Result{{Reply: smtp.NewReply(250, smtp.EnhancedCode{2, 0, 0}, "Ok")}}, ctx.Err()
		}
		p := ready(t, srv)
		require.Contains(t, p.cmd("DATA"), "354")
		p.send(".\r\n")
		time.Sleep(time.Second)
		p.send("NOOP\r\nQUIT\r\n")
		synctest.Wait()
		close(release)
		p.talk(`
			S: 250 2.0.0 Ok
			S: 250 2.0.0 Ok
			S: 221 2.0.0 Bye
			S.`)
	})
}

// countingConn counts writes.
type countingConn struct {
	net.Conn
	writes int
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes++
	return c.Conn.Write(p)
}

// RFC 2920 section 3.2: "servers ... SHOULD elect to store responses to grouped RSET, MAIL FROM, SEND FROM, SOML FROM, SAML FROM, and
// RCPT TO commands in an internal buffer so they can sent as a unit."
func TestRepliesAreGrouped(t *testing.T) {
	srv, _ := newServer()
	client, server := smtptest.Pipe()
	counted := &countingConn{Conn: server}
	p := converseOver(t, srv, client, counted)
	require.Contains(t, p.line(), "220")
	require.Contains(t, p.cmd("EHLO c.test"), "250")
	before := counted.writes
	p.talk(`
		C= "MAIL FROM:<a@c.test>\r\nRCPT TO:<b@example.test>\r\nRCPT TO:<c@example.test>\r\nDATA\r\n"
		S: 250 2.1.0 Ok
		S: 250 2.1.5 Ok
		S: 250 2.1.5 Ok
		S: 354 …`)
	require.Equal(t, 1, counted.writes-before)
}
