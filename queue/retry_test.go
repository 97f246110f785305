package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

func always(code int) func(_, _, _ string) *mail.Reply {
	return func(_, _, _ string) *mail.Reply {
		return mail.NewReply(code, mail.EnhancedCode{code / 100, 2, 0}, "No")
	}
}

// Postfix's schedule: "the queue manager doubles the time between attempts", between minimal_backoff_time (300 s) and
// maximal_backoff_time (4000 s), until maximal_queue_lifetime (5 d) is over.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sink{answer: func(_, from, _ string) *mail.Reply {
			if from != "" {
				return mail.NewReply(451, mail.EnhancedCode{4, 2, 0}, "Come back later")
			}
			return nil
		}}
		var ev events
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Trace: ev.trace,
			Transports: map[string]*queue.Transport{"smtp": s.transport()},
		})
		send(t, q, "a@example.org", letter, "b@example.net")
		time.Sleep(6 * 24 * time.Hour)
		synctest.Wait()
		var at []time.Duration
		for _, x := range s.tries {
			at = append(at, x.Sub(s.tries[0]))
		}
		s5 := func(n ...int) (out []time.Duration) {
			for _, x := range n {
				out = append(out, time.Duration(x)*time.Second)
			}
			return out
		}
		require.Equal(t, s5(0, 300, 600, 1200, 2400, 4800, 8800, 12800, 16800), at[:9])
		last := at[len(at)-2] // the very last is the bounce
		require.GreaterOrEqual(t, last, 5*24*time.Hour)
		require.Less(t, last, 5*24*time.Hour+4000*time.Second)
		require.Len(t, s.all(), 1, "the bounce")
		require.Equal(t, len(at)-1, strings.Count(strings.Join(ev.lines(), "\n"), "status=deferred"))
		require.Equal(t, 1, ev.count(queue.EventExpired))
		require.Equal(t, 1, ev.count(queue.EventNotified))
		require.Equal(t, 2, ev.count(queue.EventRemoved))
	})
}

func TestBackoffSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sink{answer: always(451)}
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()},
			Backoff: queue.Backoff{Minimal: time.Minute, Maximal: 3 * time.Minute, Lifetime: 10 * time.Minute, BounceLifetime: -1},
		})
		send(t, q, "a@example.org", letter, "b@example.net")
		time.Sleep(time.Hour)
		synctest.Wait()
		var at []time.Duration
		for _, x := range s.tries {
			at = append(at, x.Sub(s.tries[0]))
		}
		m := time.Minute
		// The bounce is tried once, since BounceLifetime is negative, and then there is nobody to tell.
		require.Equal(t, []time.Duration{0, m, 2 * m, 4 * m, 7 * m, 10 * m, 10 * m}, at)
	})
}

// A message that is due while the queue isn't running is tried when it runs again.
func TestRetryAcrossRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, s := newDisk(t), sink{answer: always(451)}
		mk := func() *queue.Queue {
			return &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": s.transport()}}
		}
		q := mk()
		require.NoError(t, q.Start())
		id := send(t, q, "a@example.org", letter, "b@example.net")
		synctest.Wait()
		require.NoError(t, q.Shutdown(t.Context()))
		require.Len(t, s.tries, 1)
		_, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
		require.Equal(t, 451, mail.ReplyOf(err).Code)
		require.ErrorIs(t, err, queue.ErrClosed)
		require.ErrorIs(t, q.Start(), queue.ErrClosed)

		q = start(t, mk())
		time.Sleep(299 * time.Second)
		synctest.Wait()
		require.Len(t, s.tries, 1, "not before its time")
		for e, err := range q.List(t.Context(), queue.Filter{}) {
			require.NoError(t, err)
			require.Equal(t, id, e.ID)
			require.Equal(t, "451 4.2.0 No", e.Recipients[0].Last.Reply.String(), "why it waits is remembered")
		}
		s.mu.Lock()
		s.answer = nil
		s.mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, s.all(), 1)
	})
}

// Two processes must not deliver from one spool.
func TestOneProcess(t *testing.T) {
	disk := newDisk(t)
	q := start(t, &queue.Queue{Dir: "/spool", FS: disk})
	require.ErrorIs(t, (&queue.Queue{Dir: "/spool", FS: disk}).Start(), vfs.ErrLocked)
	require.Error(t, q.Start(), "started twice")
	require.Error(t, (&queue.Queue{}).Start(), "no Dir")
}

// "delivery temporarily suspended": a destination that can't be reached isn't tried again for each message.
func TestDeadDestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		var up atomic.Bool
		s := sink{begin: func(hop, _ string) error {
			if hop == "dead.example" && !up.Load() {
				return fmt.Errorf("connect to mx.dead.example[192.0.2.9]:25: %w", refused)
			}
			return nil
		}}
		var ev events
		tr := s.transport()
		tr.InitialConcurrency = 1
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Trace: ev.trace, Transports: map[string]*queue.Transport{"smtp": tr},
		})
		for i := range 10 {
			send(t, q, "a@example.org", letter, fmt.Sprintf("b%d@dead.example", i), fmt.Sprintf("c%d@live.example", i))
		}
		synctest.Wait()
		require.Len(t, s.all(), 10, "the others go on")
		log := strings.Join(ev.lines(), "\n")
		require.Equal(t, 1, strings.Count(log, "(connect to mx.dead.example"))
		require.Equal(t, 9, strings.Count(log, "relay=none, delay=0, delays=0/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to mx.dead.example[192.0.2.9]:25: dial tcp: connection refused)"), log)
		require.Equal(t, []queue.Destination{{
			Transport: "smtp", Nexthop: "dead.example", Window: 1, DeadUntil: time.Now().Add(300 * time.Second),
			Why: "connect to mx.dead.example[192.0.2.9]:25: dial tcp: connection refused",
		}}, q.Destinations())
		up.Store(true)
		n, err := q.Flush(t.Context(), queue.Filter{Destination: "dead.example"})
		require.NoError(t, err)
		require.Equal(t, 10, n, "ETRN")
		synctest.Wait()
		require.Len(t, s.all(), 20)
	})
}

// Deliverers that do their work in Commit tell of a dead site in their results.
func TestDeadDestinationByResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		late := mail.DelivererFunc(func(context.Context, *mail.Envelope, io.Reader) error {
			calls++
			return mail.NewReply(450, mail.EnhancedCode{4, 4, 1}, "connect to mx.dead.example[192.0.2.9]:25: Connection refused")
		})
		var ev events
		tr := &queue.Transport{Deliverer: func(string) mail.Deliverer { return lateDeliverer{late} }, InitialConcurrency: 1}
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Trace: ev.trace, Transports: map[string]*queue.Transport{"smtp": tr}})
		for range 5 {
			send(t, q, "a@example.org", letter, "b@dead.example")
		}
		synctest.Wait()
		require.Equal(t, 1, calls)
		log := strings.Join(ev.lines(), "\n")
		require.Equal(t, 4, strings.Count(log, "(delivery temporarily suspended: 450 4.4.1 connect to mx.dead.example"), log)
	})
}

// lateDeliverer puts an error of the whole transaction into each result.
type lateDeliverer struct{ mail.Deliverer }

func (l lateDeliverer) Begin(ctx context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	tx, err := l.Deliverer.Begin(ctx, from, o)
	return lateTx{tx}, err
}

type lateTx struct{ mail.Transaction }

func (l lateTx) Commit(ctx context.Context) ([]mail.Result, error) {
	_, err := l.Transaction.Commit(ctx)
	return []mail.Result{{Reply: mail.ReplyOf(err)}}, nil
}

// A refusal of one recipient says nothing about the destination.
func TestRecipientFailureIsNotTheSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sink{answer: always(450)}
		tr := s.transport()
		tr.InitialConcurrency = 1
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": tr}})
		for range 10 {
			send(t, q, "a@example.org", letter, "b@example.net")
		}
		synctest.Wait()
		require.Len(t, s.tries, 10)
	})
}

func TestConcurrencyLimits(t *testing.T) {
	for _, tt := range []struct {
		name          string
		tr            queue.Transport
		spread        bool
		want          int
		within, least time.Duration
	}{
		{"one destination starts with five", queue.Transport{ConcurrencyLimit: 5}, false, 5, time.Minute, 10 * time.Second},
		{"and grows while it goes well", queue.Transport{}, false, 10, time.Minute, 0},
		{"a transport's processes", queue.Transport{ProcessLimit: 3}, true, 3, time.Minute, 16 * time.Second},
		{"many destinations", queue.Transport{}, true, 50, time.Minute, 0},
		{"a transport's rate", queue.Transport{TransportRateDelay: 10 * time.Second}, true, 1, 500 * time.Second, 490 * time.Second},
		{"a transport's rate, one destination", queue.Transport{TransportRateDelay: 10 * time.Second}, false, 1, 500 * time.Second, 490 * time.Second},
		{"rate", queue.Transport{RateDelay: 10 * time.Second}, false, 1, 500 * time.Second, 490 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := sink{takes: time.Second}
				tr := s.transport()
				tt.tr.Deliverer = tr.Deliverer
				q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": &tt.tr}})
				began := time.Now()
				for i := range 50 {
					to := "b@example.net"
					if tt.spread {
						to = fmt.Sprintf("b@d%d.example", i)
					}
					send(t, q, "a@example.org", letter, to)
				}
				time.Sleep(tt.within)
				synctest.Wait()
				got := s.all()
				require.Len(t, got, 50)
				if tt.name == "and grows while it goes well" {
					require.Greater(t, s.most, 5)
					require.LessOrEqual(t, s.most, 20)
				} else {
					require.Equal(t, tt.want, s.most)
				}
				require.GreaterOrEqual(t, got[49].at.Sub(began), tt.least)
			})
		})
	}
}

// default_destination_recipient_limit = 50.
func TestRecipientLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		q := start(t, &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}})
		var to []string
		for i := range 120 {
			to = append(to, fmt.Sprintf("b%d@example.net", i))
		}
		send(t, q, "a@example.org", letter, to...)
		synctest.Wait()
		require.Len(t, s.all(), 120)
		require.Len(t, s.tries, 3)
	})
}

// Where a recipient goes is asked for each; errors decide only that one.
func TestRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var smtp, local sink
		var ev events
		lt := local.transport()
		lt.Name = "virtual"
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Trace: ev.trace,
			Transports: map[string]*queue.Transport{"smtp": smtp.transport(), "local": lt},
			Route: func(_ context.Context, from, to string) (queue.Route, error) {
				switch _, domain, _ := strings.Cut(to, "@"); domain {
				case "here.example":
					return queue.Route{Transport: "local", Nexthop: to}, nil
				case "later.example":
					return queue.Route{}, errors.New("database is down")
				case "never.example":
					return queue.Route{}, mail.NewReply(550, mail.EnhancedCode{5, 1, 2}, "No such domain")
				case "odd.example":
					return queue.Route{Transport: "uucp"}, nil
				}
				return queue.Route{Transport: "smtp", Nexthop: "[relay.example]:587"}, nil
			},
		})
		send(t, q, "a@here.example", letter, "b@here.example", "c@here.example", "d@away.example", "e@later.example", "f@never.example", "g@odd.example")
		synctest.Wait()
		require.Len(t, smtp.all(), 1)
		require.Equal(t, "[relay.example]:587", smtp.all()[0].nexthop)
		require.Len(t, local.all(), 3, "two and the bounce")
		log := strings.Join(ev.lines(), "\n")
		require.Contains(t, log, "to=<e@later.example>, relay=none, delay=0, delays=0/0/0/0, dsn=4.3.0, status=deferred (database is down)")
		require.Contains(t, log, "to=<f@never.example>, relay=none, delay=0, delays=0/0/0/0, dsn=5.1.2, status=bounced (550 5.1.2 No such domain)")
		require.Contains(t, log, "to=<g@odd.example>, relay=none, delay=0, delays=0/0/0/0, dsn=4.3.0, status=deferred (mail transport unavailable)")
		for i := range ev.all {
			if e := &ev.all[i]; e.Kind == queue.EventAttempt && strings.HasSuffix(e.Recipient, "here.example") {
				require.Equal(t, "virtual", e.Transport)
			}
		}
	})
}

// Deliverers that don't keep the rules do no harm.
func TestOddDeliverers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		odd := mail.DelivererFunc(func(_ context.Context, env *mail.Envelope, r io.Reader) error {
			calls.Add(1)
			switch env.Recipients[0].Address {
			case "ok@example.net":
				return mail.NewReply(250, mail.EnhancedCode{}, "an error that says yes")
			case "unread@example.net":
				return nil
			}
			return io.ErrUnexpectedEOF
		})
		var ev events
		q := start(t, &queue.Queue{
			Dir: "/spool", FS: newDisk(t), Trace: ev.trace,
			Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer { return odd }, RecipientLimit: 1}},
		})
		send(t, q, "a@example.org", letter, "ok@example.net", "unread@example.net", "eof@example.net")
		synctest.Wait()
		require.EqualValues(t, 3, calls.Load())
		log := strings.Join(ev.lines(), "\n")
		require.Equal(t, 2, strings.Count(log, "status=deferred"))
		require.Equal(t, 1, strings.Count(log, "status=sent"))
	})
}

// Shutdown waits for what is under way, as long as it may; Close doesn't. Neither counts as an attempt.
func TestShutdownWaits(t *testing.T) {
	for _, hurry := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := sink{takes: time.Minute}
			disk := newDisk(t)
			tr := s.transport()
			tr.ProcessLimit = 1
			q := &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": tr}}
			require.NoError(t, q.Start())
			send(t, q, "a@example.org", letter, "b@example.net")
			send(t, q, "a@example.org", letter, "c@example.net")
			time.Sleep(time.Second)
			began := time.Now()
			if hurry {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				require.ErrorIs(t, q.Shutdown(ctx), context.DeadlineExceeded)
				require.Equal(t, 5*time.Second, time.Since(began))
				require.Empty(t, s.all())
			} else {
				require.NoError(t, q.Shutdown(t.Context()))
				require.Equal(t, 59*time.Second, time.Since(began))
				require.Len(t, s.all(), 1)
			}
			require.NoError(t, q.Close(), "again")
			start(t, &queue.Queue{Dir: "/spool", FS: disk, Transports: map[string]*queue.Transport{"smtp": tr}})
			time.Sleep(3 * time.Minute)
			synctest.Wait()
			require.Len(t, s.all(), 2)
		})
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sink
		q := &queue.Queue{Dir: "/spool", FS: newDisk(t), Transports: map[string]*queue.Transport{"smtp": s.transport()}}
		send(t, q, "a@example.org", letter, "b@example.net") // before it runs
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- q.Run(ctx) }()
		synctest.Wait()
		require.Len(t, s.all(), 1)
		cancel()
		require.NoError(t, <-done)
	})
}
