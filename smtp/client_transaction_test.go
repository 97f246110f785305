package smtp_test

import (
	"context"
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

// Step by step, as a [mail.Deliverer]: every answer comes before the next command.
func TestClientStepByStep(t *testing.T) {
	playServer(t, greeted("PIPELINING")+`
		C: MAIL FROM:<a@example.org>
		S: 250 Ok
		C: RCPT TO:<b@example.net>
		S: 550 5.1.1 unknown
		C: RCPT TO:<c@example.net>
		S: 250 Ok
		C: DATA
		S: 354 go
		C: Subject: x
		C: 
		C: Hello.
		C: .
		S: 250 2.0.0 Ok: queued as 1
		C: MAIL FROM:<x@example.org>
		S: 250 Ok
		C: RSET
		S: 250 Ok
		C: MAIL FROM:<y@example.org>
		S: 550 5.7.1 no
		C: RSET
		S: 250 Ok
		C: MAIL FROM:<z@example.org>
		S: 250 Ok
	`, func(conn net.Conn) {
		ctx := context.Background()
		var d mail.Deliverer = clientOn(t, conn, nil)
		tx, err := d.Begin(ctx, "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		require.ErrorContains(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}), "550 5.1.1 unknown")
		require.NoError(t, tx.Recipient(ctx, "c@example.net", &mail.RcptOptions{}))
		require.NoError(t, tx.Body(ctx, strings.NewReader(note)))
		require.Error(t, tx.Body(ctx, strings.NewReader(note)))
		results, err := tx.Commit(ctx)
		require.NoError(t, err)
		require.Len(t, results, 1)
		require.Equal(t, "c@example.net", results[0].Recipient)
		require.NoError(t, tx.Abort()) // does nothing: it has ended
		_, err = tx.Commit(ctx)
		require.Error(t, err)

		// Another one that was left open is ended by RSET, as is one whose MAIL was refused.
		old, err := d.Begin(ctx, "x@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		_, err = d.Begin(ctx, "y@example.org", &mail.MailOptions{})
		require.ErrorContains(t, err, "550 5.7.1 no")
		_, err = d.Begin(ctx, "z@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		require.Error(t, old.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	})
}

// Abort within DATA can only drop the connection: whatever ended the message would deliver it.
func TestClientAbort(t *testing.T) {
	for name, capabilities := range map[string][]string{"DATA": {"PIPELINING"}, "BDAT": {"PIPELINING", "CHUNKING"}} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			server, conn := tcpPair(t)
			rest := make(chan string, 1)
			go func() {
				defer server.Close()
				d := newScripted(server)
				d.run(greeted(capabilities...) + "C: MAIL FROM:<a@example.org>\nS: 250 Ok\nC: RCPT TO:<b@example.net>\nS: 250 Ok")
				if name == "DATA" {
					d.run("C: DATA\nS: 354 go")
				} else {
					d.run("C: RSET\nS: 250 Ok")
				}
				b, _ := io.ReadAll(d.r)
				rest <- string(b)
			}()
			c := clientOn(t, conn, nil)
			tx, err := c.Begin(ctx, "a@example.org", &mail.MailOptions{})
			require.NoError(t, err)
			require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
			require.NoError(t, tx.Body(ctx, strings.NewReader(note)))
			require.NoError(t, tx.Abort())
			if name == "BDAT" { // the last chunk hasn't been sent, so the session can go on
				require.NoError(t, c.Reset(ctx))
			}
			c.Close()
			require.NotContains(t, <-rest, ".\r\n")
		})
	}
}

// Open sends the envelope in one go and keeps the message for later.
func TestClientOpen(t *testing.T) {
	playServer(t, greeted("PIPELINING", "CHUNKING")+`
		C: MAIL FROM:<a@example.org>
		C: RCPT TO:<b@example.net>
		C: RCPT TO:<c@example.net>
		S: 250 Ok
		S: 450 4.2.0 later
		S: 250 Ok
		C: BDAT 22 LAST
		C* 22
		S: 250 Ok
	`, func(conn net.Conn) {
		ctx := context.Background()
		tx, refused, err := clientOn(t, conn, nil).Open(ctx, envelopeOf("a@example.org", "b@example.net", "c@example.net"))
		require.NoError(t, err)
		require.Error(t, refused[0])
		require.NoError(t, refused[1])
		require.NoError(t, tx.Body(ctx, strings.NewReader(note)))
		results, err := tx.Commit(ctx)
		require.NoError(t, err)
		require.Len(t, results, 1)
		require.Equal(t, "c@example.net", results[0].Recipient)
	})
}

// A context that ends interrupts whatever the client waits for, at once, and the connection is not used again.
func TestClientCancel(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.Connect, smtptest.Hello, smtptest.Mail, smtptest.Recipient, smtptest.Data, smtptest.Done} {
		t.Run(string(stage), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := smtptest.NewServer(t)
				srv.Fail(smtptest.Fault{Stage: stage, Delay: 2 * time.Minute})
				ctx, cancel := context.WithTimeout(context.Background(), 7*time.Second)
				defer cancel()
				start := time.Now()
				c, err := smtp.Dial(ctx, "mx.example.net:25", &smtp.ClientOptions{Dial: srv.Dial, LocalName: "c.example.org"})
				if err == nil {
					_, err = c.Send(ctx, envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
					_, again := c.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
					require.ErrorIs(t, again, net.ErrClosed)
					c.Close()
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.True(t, mail.ReplyOf(err).Temporary())
				require.Equal(t, 7*time.Second, time.Since(start))
				srv.Close()
			})
		})
	}
}

// RFC 5321 section 4.5.3.2: the time each step is given.
func TestClientTimeouts(t *testing.T) {
	for _, c := range []struct {
		stage smtptest.Stage
		want  time.Duration
		doing string
	}{
		{smtptest.Connect, 5 * time.Minute, "receiving the initial server greeting"},
		{smtptest.Hello, 5 * time.Minute, "performing the EHLO handshake"},
		{smtptest.Mail, 5 * time.Minute, "sending MAIL FROM"},
		{smtptest.Recipient, 5 * time.Minute, "sending RCPT TO"},
		{smtptest.Data, 2 * time.Minute, "sending DATA command"},
		{smtptest.Done, 10 * time.Minute, "sending end of data -- message may be sent more than once"},
	} {
		t.Run(string(c.stage), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := smtptest.NewServer(t)
				srv.Config.Extensions = smtp.Size // one command at a time
				srv.Fail(smtptest.Fault{Stage: c.stage, Delay: time.Hour})
				start := time.Now()
				cl, err := smtp.Dial(context.Background(), "mx.example.net:25", &smtp.ClientOptions{Dial: srv.Dial, LocalName: "c.example.org"})
				if err == nil {
					_, err = cl.Send(context.Background(), envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
					cl.Close()
				}
				require.ErrorContains(t, err, "conversation with mx.example.net[server] timed out while "+c.doing)
				require.Equal(t, c.want, time.Since(start))
				srv.Close()
			})
		})
	}
}

// Within a message there is no room for a command, and Quit doesn't put one there.
func TestClientBusy(t *testing.T) {
	ctx := context.Background()
	server, conn := tcpPair(t)
	rest := make(chan string, 1)
	go func() {
		defer server.Close()
		d := newScripted(server)
		d.run(greeted() + "C: MAIL FROM:<a@example.org>\nS: 250 Ok\nC: RCPT TO:<b@example.net>\nS: 250 Ok\nC: DATA\nS: 354 go")
		b, _ := io.ReadAll(d.r)
		rest <- string(b)
	}()
	c := clientOn(t, conn, nil)
	tx, err := c.Begin(ctx, "a@example.org", &mail.MailOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Recipient(ctx, "b@example.net", &mail.RcptOptions{}))
	require.NoError(t, tx.Body(ctx, strings.NewReader("Subject: x\r\n\r\n")))
	require.ErrorContains(t, c.Noop(ctx), "a message is being sent")
	require.NoError(t, c.Quit(ctx))
	require.NotContains(t, <-rest, "QUIT")
	_, err = tx.Commit(ctx)
	require.Error(t, err)
}

// Commands beside the transaction.
func TestClientAsks(t *testing.T) {
	playServer(t, greeted()+`
		C: NOOP
		S: 250 Ok
		C: VRFY bob
		S: 252 2.0.0 bob
		C: EXPN list
		S: 250-a@example.net
		S: 250 b@example.net
		C: VRFY nobody
		S: 550 5.1.1 unknown
	`, func(conn net.Conn) {
		ctx := context.Background()
		c := clientOn(t, conn, nil)
		require.NoError(t, c.Noop(ctx))
		r, err := c.Verify(ctx, "bob")
		require.NoError(t, err)
		require.Equal(t, 252, r.Code)
		r, err = c.Expand(ctx, "list")
		require.NoError(t, err)
		require.Equal(t, "a@example.net\nb@example.net", r.Text)
		_, err = c.Verify(ctx, "nobody")
		require.ErrorContains(t, err, "550 5.1.1 unknown (in reply to VRFY command)")
		_, err = c.Verify(ctx, "a\r\nDATA")
		require.ErrorContains(t, err, "bad argument of VRFY")
	})
}

// Who took the notifications over is in the result (RFC 3461 section 5.2.2).
func TestClientNotifies(t *testing.T) {
	for _, announced := range []bool{true, false} {
		script := greeted()
		want := "RCPT TO:<b@example.net>"
		if announced {
			script = greeted("DSN")
			want += " NOTIFY=SUCCESS"
		}
		playServer(t, script+"C: MAIL FROM:<a@example.org>\nS: 250 x\nC: "+want+"\nS: 250 x\nC: DATA\nS: 354 x\nC: x\nC: .\nS: 250 x", func(conn net.Conn) {
			env := envelopeOf("a@example.org", "b@example.net")
			env.Recipients[0].Options.Notify = mail.NotifySuccess
			results, err := sendOn(clientOn(t, conn, nil), env, "x\r\n")
			require.NoError(t, err)
			require.Equal(t, announced, results[0].Notifies)
		})
	}
}
