package smtp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/smtptest"
)

// counting counts the connections made to a server.
func counting(srv *smtptest.Server, n *atomic.Int32) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		n.Add(1)
		return srv.Dial(ctx, network, addr)
	}
}

func TestTransportReuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := smtptest.NewServer(t)
		var dialled atomic.Int32
		tr := &smtp.Transport{Options: smtp.ClientOptions{Dial: counting(srv, &dialled), LocalName: "c.example.org"}}
		for range 5 {
			results, err := tr.Send(context.Background(), "mx.example.net:25", envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
			require.NoError(t, err)
			require.True(t, results[0].Reply.OK())
		}
		require.EqualValues(t, 1, dialled.Load())
		require.Len(t, srv.Messages(), 5)

		time.Sleep(31 * time.Second) // the idle timeout
		_, err := tr.Send(context.Background(), "mx.example.net:25", envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
		require.NoError(t, err)
		require.EqualValues(t, 2, dialled.Load())
		require.NoError(t, tr.Close())
		srv.Close()
	})
}

// A connection that the server closed while it was idle is replaced, and the message goes out once.
func TestTransportStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := smtptest.NewServer(t)
		srv.Config.Timeouts.Command = 10 * time.Second
		var dialled atomic.Int32
		tr := &smtp.Transport{Options: smtp.ClientOptions{Dial: counting(srv, &dialled), LocalName: "c.example.org"}}
		for range 2 {
			_, err := tr.Send(context.Background(), "mx.example.net:25", envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
			require.NoError(t, err)
			time.Sleep(20 * time.Second)
		}
		require.EqualValues(t, 2, dialled.Load())
		require.Len(t, srv.Messages(), 2)
		require.NoError(t, tr.Close())
		srv.Close()
	})
}

func TestTransportLimits(t *testing.T) {
	srv := smtptest.NewServer(t)
	var open, most atomic.Int32
	tr := &smtp.Transport{MaxConns: 3, Options: smtp.ClientOptions{LocalName: "c.example.org", TLS: smtp.TLSNone,
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if n := open.Add(1); n > most.Load() {
				most.Store(n)
			}
			c, err := srv.Dial(ctx, network, addr)
			return &closeCounter{Conn: c, open: &open}, err
		}}}
	defer tr.Close()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			tx, err := tr.To("mx.example.net:25").Begin(context.Background(), "a@example.org", &mail.MailOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			defer tx.Abort()
			tx.Recipient(context.Background(), "b@example.net", &mail.RcptOptions{})
			tx.Body(context.Background(), strings.NewReader(note))
			if _, err = tx.Commit(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, srv.Messages(), 20)
	require.LessOrEqual(t, most.Load(), int32(3))

	// Who waits for a connection can stop waiting.
	var held []mail.Transaction
	for range 3 {
		tx, err := tr.To("mx.example.net:25").Begin(context.Background(), "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		held = append(held, tx)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("enough")
	cancel(why)
	_, err := tr.Send(ctx, "mx.example.net:25", envelopeOf("a@example.org", "b@example.net"), strings.NewReader(note))
	require.ErrorIs(t, err, why)
	for _, tx := range held {
		require.NoError(t, tx.Abort())
	}
}

type closeCounter struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *closeCounter) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func TestTransportResults(t *testing.T) {
	srv := smtptest.NewServer(t)
	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "no@example.net", Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "unknown")})
	tr := &smtp.Transport{Options: smtp.ClientOptions{Dial: srv.Dial, LocalName: "c.example.org"}}
	defer tr.Close()
	results, err := tr.Send(context.Background(), "mx.example.net:25", envelopeOf("a@example.org", "no@example.net", "b@example.net"), strings.NewReader(note))
	require.NoError(t, err)
	require.Equal(t, 550, results[0].Reply.Code)
	require.Equal(t, "no@example.net", results[0].Recipient)
	require.True(t, results[1].Reply.OK())
	results, err = tr.Send(context.Background(), "mx.example.net:25", envelopeOf("a@example.org", "no@example.net"), strings.NewReader(note))
	require.NoError(t, err)
	require.Len(t, results, 1)
}

// The one-call Send: nil means that everybody was accepted.
func TestSend(t *testing.T) {
	srv := smtptest.NewServer(t)
	ctx := context.Background()
	require.NoError(t, smtp.Send(ctx, srv.Addr(), nil, "a@example.org", []string{"b@example.net", "c@example.net"}, strings.NewReader("Subject: tiếng\n\nViệt\n")))
	m := srv.Messages()[0]
	require.Equal(t, "Subject: tiếng\r\n\r\nViệt\r\n", string(m.Data))
	require.Equal(t, mail.Body8BitMIME, m.Options.Body)
	require.Len(t, m.Recipients, 2)

	srv.Fail(smtptest.Fault{Stage: smtptest.Recipient, Address: "no@example.net", Reply: smtp.NewReply(550, smtp.EnhancedCode{5, 1, 1}, "unknown")})
	err := smtp.Send(ctx, srv.Addr(), nil, "a@example.org", []string{"b@example.net", "no@example.net"}, strings.NewReader(note))
	var some *smtp.SendError
	require.ErrorAs(t, err, &some)
	require.Len(t, some.Results, 2)
	require.ErrorContains(t, err, "<no@example.net>: host 127.0.0.1[127.0.0.1] said: 550 5.1.1 unknown (in reply to RCPT TO command)")
	require.Equal(t, 550, mail.ReplyOf(err).Code)
	require.Len(t, srv.Messages(), 2)

	_, port, _ := net.SplitHostPort(srv.Addr())
	srv.Close()
	err = smtp.Send(ctx, "127.0.0.1:"+port, nil, "a@example.org", []string{"b@example.net"}, strings.NewReader(note))
	require.ErrorContains(t, err, "450 4.4.1 connect to 127.0.0.1[127.0.0.1]:"+port+": Connection refused")
	err = smtp.Send(ctx, "nowhere", nil, "a@example.org", []string{"b@example.net"}, strings.NewReader(note))
	require.ErrorContains(t, err, "550 5.4.4 bad server address nowhere")
}
