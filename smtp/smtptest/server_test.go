package smtptest_test

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const letter = "Subject: hello\r\n\r\nbody\r\n"

// send sends a letter through the server's pipe.
func send(srv *smtptest.Server, to ...string) ([]mail.Result, error) {
	c, err := smtp.Dial(context.Background(), "mx.example.test:25", &smtp.ClientOptions{Dial: srv.Dial, TLS: smtp.TLSNone, LocalName: "c.test"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	env := &mail.Envelope{From: "a@c.test"}
	for _, a := range to {
		env.Recipients = append(env.Recipients, mail.Recipient{Address: a})
	}
	return c.Send(context.Background(), env, strings.NewReader(letter))
}

func TestCatches(t *testing.T) {
	srv := smtptest.NewServer(t)
	results, err := send(srv, "alice@example.test", "bob@example.test")
	require.NoError(t, err)
	require.Len(t, results, 2)
	m := srv.Messages()[0]
	require.Equal(t, "a@c.test", m.From)
	require.Equal(t, "bob@example.test", m.Recipients[1].Address)
	require.Equal(t, letter, string(m.Data))
	require.Equal(t, "c.test", m.Hello)
	require.Equal(t, "ESMTP", m.Protocol)
	srv.Reset()
	require.Empty(t, srv.Messages())
}

func TestListens(t *testing.T) {
	srv := smtptest.NewServer(t)
	require.Equal(t, srv.Addr(), srv.Addr())
	conn, err := net.Dial("tcp", srv.Addr())
	require.NoError(t, err)
	_, err = io.WriteString(conn, "")
	require.NoError(t, err)
	b := make([]byte, 100)
	n, err := conn.Read(b)
	require.NoError(t, err)
	require.Equal(t, "220 smtptest.example ESMTP\r\n", string(b[:n]))
	require.NoError(t, conn.Close())
}

func TestTLS(t *testing.T) {
	srv := smtptest.NewServer(t)
	cfg := srv.UseTLS()
	c, err := smtp.Dial(context.Background(), "localhost:25", &smtp.ClientOptions{Dial: srv.Dial, TLS: smtp.TLSStartTLS, TLSConfig: cfg})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.Send(context.Background(), &mail.Envelope{From: "a@c.test", Recipients: []mail.Recipient{{Address: "b@d.test"}}}, strings.NewReader(letter))
	require.NoError(t, err)
	require.True(t, srv.Messages()[0].TLS)
	require.Equal(t, "ESMTPS", srv.Messages()[0].Protocol)
}

func TestFaults(t *testing.T) {
	greylist := smtp.NewReply(451, smtp.EnhancedCode{4, 7, 1}, "Greylisted, come back later")
	t.Run("one recipient, once", func(t *testing.T) {
		srv := smtptest.NewServer(t)
		srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "bob@example.test", Times: 1, Reply: greylist})
		results, err := send(srv, "alice@example.test", "bob@example.test")
		require.NoError(t, err)
		require.True(t, results[0].Reply.OK())
		require.Equal(t, 451, results[1].Reply.Code)
		require.Equal(t, "Greylisted, come back later", results[1].Reply.Text)
		require.Len(t, srv.Messages()[0].Recipients, 1)
		results, err = send(srv, "bob@example.test")
		require.NoError(t, err)
		require.True(t, results[0].Reply.OK())
	})
	for _, stage := range []smtptest.Stage{smtptest.Connect, smtptest.Hello, smtptest.Mail, smtptest.Recipient, smtptest.Data, smtptest.Body, smtptest.Done, smtptest.Any} {
		t.Run("refused at "+string(stage), func(t *testing.T) {
			srv := smtptest.NewServer(t)
			srv.Fail(smtptest.Fault{Stage: stage, Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 7, 1}, "no")})
			results, err := send(srv, "alice@example.test")
			if err == nil {
				require.Equal(t, 550, results[0].Reply.Code)
			}
			require.Empty(t, srv.Messages())
		})
		t.Run("dropped at "+string(stage), func(t *testing.T) {
			srv := smtptest.NewServer(t)
			srv.Fail(smtptest.Fault{Stage: stage, After: 5, Drop: true})
			results, err := send(srv, "alice@example.test")
			if err == nil {
				require.False(t, results[0].Reply.OK())
			}
			require.Empty(t, srv.Messages())
		})
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := smtptest.NewServer(t)
		srv.Fail(smtptest.Fault{Stage: smtptest.Data, Delay: 90 * time.Second})
		start := time.Now()
		_, err := send(srv, "alice@example.test")
		require.NoError(t, err)
		require.Equal(t, 90*time.Second, time.Since(start))
		srv.Close()
	})
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := smtptest.NewServer(t)
		go func() {
			time.Sleep(time.Minute)
			_, _ = send(srv, "alice@example.test")
		}()
		got, err := srv.Wait(context.Background(), 1)
		require.NoError(t, err)
		require.Len(t, got, 1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		got, err = srv.Wait(ctx, 2)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, got, 1)
		srv.Close()
	})
}

func TestLMTP(t *testing.T) {
	srv := smtptest.NewServer(t)
	srv.Config.LMTP = true
	srv.Fail(smtptest.Fault{Stage: smtptest.Done, Address: "bob@example.test", Reply: smtp.NewReply(452, smtp.EnhancedCode{4, 2, 2}, "full")})
	c, err := smtp.Dial(context.Background(), "localhost:24", &smtp.ClientOptions{Dial: srv.Dial, TLS: smtp.TLSNone, LMTP: true})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	env := &mail.Envelope{From: "a@c.test", Recipients: []mail.Recipient{{Address: "alice@example.test"}, {Address: "bob@example.test"}}}
	results, err := c.Send(context.Background(), env, strings.NewReader(letter))
	require.NoError(t, err)
	require.True(t, results[0].Reply.OK())
	require.Equal(t, 452, results[1].Reply.Code)
	require.Len(t, srv.Messages()[0].Recipients, 1)
}

func TestPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := smtptest.Pipe()
		require.Equal(t, "server", a.RemoteAddr().String())
		require.Equal(t, "client", b.RemoteAddr().String())
		require.Equal(t, "pipe", a.LocalAddr().Network())

		// A write waits only when 64 KiB lie unread.
		require.NoError(t, a.SetWriteDeadline(time.Now().Add(time.Second)))
		n, err := a.Write(make([]byte, 100<<10))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, 64<<10, n)
		require.NoError(t, a.SetDeadline(time.Time{}))
		_, err = io.ReadFull(b, make([]byte, n))
		require.NoError(t, err)

		require.NoError(t, b.SetReadDeadline(time.Now().Add(time.Second)))
		_, err = b.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		// A deadline in the past wakes who waits.
		require.NoError(t, b.SetReadDeadline(time.Time{}))
		done := make(chan error)
		go func() {
			_, err := b.Read(make([]byte, 1))
			done <- err
		}()
		synctest.Wait()
		require.NoError(t, b.SetReadDeadline(time.Unix(1, 0)))
		require.ErrorIs(t, <-done, os.ErrDeadlineExceeded)
		require.NoError(t, b.SetReadDeadline(time.Time{}))

		_, err = a.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, a.(interface{ CloseWrite() error }).CloseWrite())
		got, err := io.ReadAll(b)
		require.NoError(t, err)
		require.Equal(t, "x", string(got))
		_, err = a.Write([]byte("x"))
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, a.Close())
		_, err = b.Write([]byte("x"))
		require.NoError(t, err, "as with TCP, the first write doesn't know yet")
		_, err = b.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
		_, err = a.Read(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		require.NoError(t, b.Close())
	})
}
