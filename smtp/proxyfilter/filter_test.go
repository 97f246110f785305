package proxyfilter_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/smtp"
	"github.com/buuta/mail/smtp/proxyfilter"
	"github.com/buuta/mail/smtp/smtptest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spool keeps messages in memory, and counts those that are kept.
type spool struct{ kept atomic.Int32 }

type spooled struct {
	s *spool
	b []byte
}

func (s *spool) read(r io.Reader) (proxyfilter.Spooled, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	s.kept.Add(1)
	return &spooled{s, b}, nil
}

func (b *spooled) NewReader() io.Reader { return bytes.NewReader(b.b) }
func (b *spooled) Close() error         { b.s.kept.Add(-1); return nil }

// front is a server with nothing but a filter, which is a server of smtptest.
func front(t *testing.T, s *spool) (*smtptest.Server, *smtp.Client) {
	t.Helper()
	filter := smtptest.NewServer(t)
	f := &proxyfilter.Filter{Addr: "filter.test:25", Options: smtp.ClientOptions{LocalName: "front.test", Dial: filter.Dial}}
	if s != nil {
		f.Spool = s.read
	}
	return filter, dial(t, f)
}

// dial is a client of a server in front of a filter.
func dial(t *testing.T, f *proxyfilter.Filter) *smtp.Client {
	t.Helper()
	srv := &smtp.Server{Hostname: "front.test", Backend: f}
	client, server := smtptest.Pipe()
	var served sync.WaitGroup
	served.Go(func() { srv.ServeConn(context.Background(), server) })
	c, err := smtp.NewClient(t.Context(), client, &smtp.ClientOptions{LocalName: "client.test", NoChunking: true})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close(); served.Wait() })
	return c
}

const message = "Subject: x\r\n\r\nhello\r\n.dot\r\n"

func envelope(to ...string) *mail.Envelope {
	e := &mail.Envelope{From: "a@client.test"}
	for _, a := range to {
		e.Recipients = append(e.Recipients, mail.Recipient{Address: a})
	}
	return e
}

// What a filter says at each step is the client's answer: to the recipients, or, if it is asked when the message is here, to the message.
func TestAnswers(t *testing.T) {
	no := smtp.NewReply(550, smtp.EnhancedCode{5, 7, 1}, "no\nreally")
	const trouble = "451 4.3.0 Error: queue file write error"
	for _, tt := range []struct {
		fault        smtptest.Fault
		atOnce, late string // how each of two recipients is answered
	}{
		{smtptest.Fault{}, "250 2.0.0 Ok", "250 2.0.0 Ok"},
		{smtptest.Fault{Stage: smtptest.Connect, Reply: no}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Connect, Drop: true}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Connect, Drop: true, Times: 1}, trouble + "|250 2.0.0 Ok", trouble},
		{smtptest.Fault{Stage: smtptest.Hello, Reply: no}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Mail, Reply: no}, no.String(), no.String()},
		{smtptest.Fault{Stage: smtptest.Mail, Drop: true}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Recipient, Reply: no}, no.String(), no.String()},
		{smtptest.Fault{Stage: smtptest.Recipient, Reply: no, Address: "x@here.test"}, no.String() + "|250 2.0.0 Ok", no.String()},
		{smtptest.Fault{Stage: smtptest.Recipient, Drop: true, Address: "y@here.test"}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Data, Reply: no}, no.String(), no.String()},
		{smtptest.Fault{Stage: smtptest.Data, Drop: true}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Body, Drop: true}, trouble, trouble},
		{smtptest.Fault{Stage: smtptest.Done, Reply: no}, no.String(), no.String()},
		{smtptest.Fault{Stage: smtptest.Done, Drop: true}, trouble, trouble},
	} {
		for _, want := range []string{tt.atOnce, tt.late} {
			t.Run(fmt.Sprintf("%+v", tt.fault), func(t *testing.T) {
				var s *spool
				if want == tt.late {
					s = &spool{}
				}
				filter, c := front(t, s)
				if tt.fault.Stage != "" {
					filter.Fail(tt.fault)
				}
				results, err := c.Send(t.Context(), envelope("x@here.test", "y@here.test"), strings.NewReader(message))
				var got []string
				for _, r := range results {
					got = append(got, r.Reply.String())
				}
				if err != nil {
					got = []string{mail.ReplyOf(err).String()}
				}
				if len(got) == 2 && got[0] == got[1] {
					got = got[:1]
				}
				require.Equal(t, want, strings.Join(got, "|"))
				taken := len(filter.Messages())
				require.Equal(t, strings.Contains(want, "250"), taken == 1)
				require.NoError(t, c.Quit(t.Context()))
				if s != nil {
					require.Zero(t, s.kept.Load(), "nothing stays")
				}
			})
		}
	}
}

// A recipient that is refused when he should not be, because the connection was lost at another, doesn't get the message: RFC 5321 section 4.1.1.4 has one
// answer for all of them.
func TestLostAtTheSecondRecipient(t *testing.T) {
	filter, c := front(t, nil)
	filter.Fail(smtptest.Fault{Stage: smtptest.Recipient, Drop: true, Address: "y@here.test"})
	tx, err := c.Begin(t.Context(), "a@client.test", &mail.MailOptions{})
	require.NoError(t, err)
	require.NoError(t, tx.Recipient(t.Context(), "x@here.test", &mail.RcptOptions{}))
	require.Error(t, tx.Recipient(t.Context(), "y@here.test", &mail.RcptOptions{}))
	require.Error(t, tx.Recipient(t.Context(), "z@here.test", &mail.RcptOptions{}))
	_, err = c.Send(t.Context(), envelope("x@here.test"), strings.NewReader(message))
	require.NoError(t, err, "the next message has a connection of its own")
	require.Len(t, filter.Messages(), 1)
}

// The filter never sees the end of a message that the client hasn't sent to its end, or that it has taken back.
func TestClientGoesAway(t *testing.T) {
	for _, s := range []*spool{nil, {}} {
		filter, c := front(t, s)
		tx, err := c.Begin(t.Context(), "a@client.test", &mail.MailOptions{})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(t.Context(), "x@here.test", &mail.RcptOptions{}))
		require.NoError(t, tx.Body(t.Context(), strings.NewReader(strings.Repeat(message, 1<<12))))
		require.NoError(t, tx.Abort())
		require.Empty(t, filter.Messages())

		filter, c = front(t, s)
		tx, err = c.Begin(t.Context(), "a@client.test", &mail.MailOptions{})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(t.Context(), "x@here.test", &mail.RcptOptions{}))
		require.NoError(t, tx.Abort())
		require.NoError(t, c.Quit(t.Context()))
		require.Empty(t, filter.Messages())
		if s != nil {
			require.Zero(t, s.kept.Load())
		}
	}
}

// A filter that says nothing is waited for as long as Timeout says at each step, and no longer.
func TestSilence(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.Connect, smtptest.Hello, smtptest.Mail, smtptest.Recipient, smtptest.Data, smtptest.Done} {
		synctest.Test(t, func(t *testing.T) {
			filter, c := front(t, nil)
			filter.Fail(smtptest.Fault{Stage: stage, Delay: time.Hour})
			start := time.Now()
			results, err := c.Send(t.Context(), envelope("x@here.test"), strings.NewReader(message))
			if err == nil {
				err = results[0].Reply
			}
			require.Equal(t, "451 4.3.0 Error: queue file write error", mail.ReplyOf(err).String(), stage)
			require.LessOrEqual(t, time.Since(start), 110*time.Second, stage)
			require.GreaterOrEqual(t, time.Since(start), 100*time.Second, stage)
			c.Close()
			filter.Close()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := &proxyfilter.Filter{Addr: "filter.test:25", Timeout: 7 * time.Second, Options: smtp.ClientOptions{Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}}
		start := time.Now()
		err := f.Begin(nil, "a@client.test", &mail.MailOptions{}).Recipient(t.Context(), "x@here.test", &mail.RcptOptions{})
		require.Error(t, err)
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

// The filter is told whose message it is, and nothing before there is a recipient.
func TestToldOfTheClient(t *testing.T) {
	filter := smtptest.NewServer(t)
	filter.Config.XForward = func(net.Addr) bool { return true }
	var told []smtp.Forwarded
	inner := filter.Config.Backend
	filter.Config.Backend = smtp.BackendFunc(func(ctx context.Context, c *smtp.Conn) (smtp.Session, error) {
		s, err := inner.NewSession(ctx, c)
		return telling{s, func() { told = append(told, *c.Forwarded()) }}, err
	})
	c := dial(t, &proxyfilter.Filter{Addr: "filter.test:25", Options: smtp.ClientOptions{Dial: filter.Dial}})
	tx, err := c.Begin(t.Context(), "a@client.test", &mail.MailOptions{})
	require.NoError(t, err)
	require.Empty(t, told)
	require.NoError(t, tx.Recipient(t.Context(), "x@here.test", &mail.RcptOptions{}))
	require.Len(t, told, 1)
	require.Equal(t, "client.test", told[0].Hello)
	require.Equal(t, "ESMTP", told[0].Proto)
	require.Equal(t, "REMOTE", told[0].Source)
}

type telling struct {
	smtp.Session
	tell func()
}

func (t telling) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	t.tell()
	return t.Session.Begin(ctx, from, opts)
}

// Calls that come in no order that a server has are refused, and change nothing.
func TestOrder(t *testing.T) {
	filter := smtptest.NewServer(t)
	f := &proxyfilter.Filter{Addr: "filter.test:25", Options: smtp.ClientOptions{Dial: filter.Dial}}
	ctx, opts := t.Context(), &mail.RcptOptions{}
	tx := f.Begin(nil, "a@client.test", &mail.MailOptions{})
	require.Error(t, tx.StartData(ctx))
	_, err := tx.Commit(ctx)
	require.Error(t, err)
	require.Error(t, tx.Recipient(ctx, "x@here.test", opts))

	tx = f.Begin(nil, "a@client.test", &mail.MailOptions{})
	require.NoError(t, tx.Recipient(ctx, "x@here.test", opts))
	require.NoError(t, tx.StartData(ctx))
	require.Error(t, tx.StartData(ctx))
	require.Error(t, tx.Recipient(ctx, "y@here.test", opts))
	require.NoError(t, tx.Body(ctx, strings.NewReader(message)))
	results, err := tx.Commit(ctx)
	require.NoError(t, err)
	require.Len(t, results, 1)
	_, err = tx.Commit(ctx)
	require.Error(t, err)
	require.NoError(t, tx.Abort())
	require.Len(t, filter.Messages(), 1)
	require.Equal(t, message, string(filter.Messages()[0].Data))

	f.Spool = func(io.Reader) (proxyfilter.Spooled, error) {
		return nil, smtp.NewReply(452, smtp.EnhancedCode{4, 3, 1}, "full")
	}
	tx = f.Begin(nil, "a@client.test", &mail.MailOptions{})
	require.NoError(t, tx.Recipient(ctx, "x@here.test", opts))
	require.Equal(t, "452 4.3.1 full", mail.ReplyOf(tx.Body(ctx, strings.NewReader(message))).String())
}

// Many at once don't get in each other's way.
func TestAtOnce(t *testing.T) {
	filter := smtptest.NewServer(t)
	s := &spool{}
	for _, spool := range []func(io.Reader) (proxyfilter.Spooled, error){nil, s.read} {
		f := &proxyfilter.Filter{Addr: "filter.test:25", Options: smtp.ClientOptions{Dial: filter.Dial}, Spool: spool}
		var all sync.WaitGroup
		for i := range 20 {
			c := dial(t, f)
			all.Go(func() {
				for range 5 {
					results, err := c.Send(context.Background(), envelope(fmt.Sprintf("x%d@here.test", i)), strings.NewReader(message))
					if err != nil || !results[0].Reply.OK() {
						t.Error(err, results)
					}
				}
			})
		}
		all.Wait()
	}
	require.Len(t, filter.Messages(), 200)
	require.Zero(t, s.kept.Load())
}

// A message of 4 KiB through a filter, with a connection for each, in memory.
func BenchmarkFilter(b *testing.B) {
	filter := &smtp.Server{Hostname: "filter.test", Backend: smtp.Handle(mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	}))}
	f := &proxyfilter.Filter{Addr: "filter.test:25", Options: smtp.ClientOptions{LocalName: "front.test", Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := smtptest.Pipe()
		go filter.ServeConn(context.Background(), server)
		return client, nil
	}}}
	text := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("x", 62)+"\r\n", 64)
	b.ReportAllocs()
	for b.Loop() {
		tx := f.Begin(nil, "a@client.test", &mail.MailOptions{})
		if err := tx.Recipient(context.Background(), "x@here.test", &mail.RcptOptions{}); err != nil {
			b.Fatal(err)
		}
		if err := tx.Body(context.Background(), strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.Commit(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	_ = filter.Close()
}
