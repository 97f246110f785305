package queue_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/mime/dsn"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// post is a queue whose mail to example.org, where the senders are, arrives, and elsewhere is answered by answer.
func post(t *testing.T, answer func(to string) *mail.Reply, set func(q *queue.Queue)) (*queue.Queue, *sink, *events) {
	s := &sink{answer: func(_, _, to string) *mail.Reply {
		if strings.HasSuffix(to, "@example.org") {
			return nil
		}
		return answer(to)
	}}
	ev := new(events)
	q := &queue.Queue{
		Dir: "/spool", FS: newDisk(t), Trace: ev.trace, Hostname: "mail.example.org",
		Transports: map[string]*queue.Transport{"smtp": s.transport()},
	}
	if set != nil {
		set(q)
	}
	return start(t, q), s, ev
}

func reject(string) *mail.Reply {
	return mail.NewReply(550, mail.EnhancedCode{5, 1, 1}, "No such user")
}
func accept(string) *mail.Reply { return nil }
func defers(string) *mail.Reply { return mail.NewReply(450, mail.EnhancedCode{4, 2, 0}, "Later") }

// reports returns the notifications that have arrived.
func reports(s *sink) (out []delivered) {
	for _, d := range s.all() {
		if d.from == "" {
			out = append(out, d)
		}
	}
	return out
}

func TestBounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, ev := post(t, func(to string) *mail.Reply {
			if to == "good@example.net" {
				return nil
			}
			return reject(to)
		}, nil)
		id, err := sendEnvelope(q, &mail.Envelope{
			From: "a@example.org", Options: mail.MailOptions{EnvelopeID: "QQ314159"},
			Recipients: []mail.Recipient{
				{Address: "bad@example.net", Options: mail.RcptOptions{OriginalRecipient: "rfc822;Bob@example.com"}},
				{Address: "good@example.net"}, {Address: "worse@example.com"},
			},
		}, letter)
		require.NoError(t, err)
		synctest.Wait()
		got := reports(s)
		require.Len(t, got, 1, "one report for all that failed")
		d := got[0]
		require.Equal(t, "", d.from, "RFC 3461 section 6.1: a null reverse-path")
		require.Equal(t, "a@example.org", d.to)
		require.Equal(t, mail.NotifyNever, d.ropts.Notify, "NOTIFY … its value MUST be NEVER")
		require.Empty(t, d.opts.Return, "the RET parameter MUST NOT be used")
		r, err := dsn.Parse(strings.NewReader(d.body), int64(len(d.body)))
		require.NoError(t, err)
		require.Equal(t, "mail.example.org", r.ReportingMTA)
		require.Equal(t, "QQ314159", r.EnvelopeID)
		require.Len(t, r.Recipients, 2)
		require.Equal(t, "bad@example.net", r.Recipients[0].Final)
		require.Equal(t, "rfc822;Bob@example.com", r.Recipients[0].Original)
		require.Equal(t, dsn.Failed, r.Recipients[0].Action)
		require.Equal(t, mail.EnhancedCode{5, 1, 1}, r.Recipients[0].Status)
		require.Equal(t, "550 5.1.1 No such user", r.Recipients[0].Diagnostic)
		require.Contains(t, r.Recipients[0].RemoteMTA, "mx.example.net")
		require.Equal(t, "worse@example.com", r.Recipients[1].Final)
		require.Contains(t, d.body, "Content-Type: message/rfc822\r\n")
		require.Contains(t, d.body, letter)
		require.Contains(t, d.body, "Auto-Submitted: auto-replied\r\n")
		var newID string
		for i := range ev.all {
			if ev.all[i].Kind == queue.EventNotified {
				newID = ev.all[i].NewID
			}
		}
		require.Contains(t, ev.lines(), id+": sender non-delivery notification: "+newID)
		require.Contains(t, strings.Join(ev.lines(), "\n"), "orig_to=<Bob@example.com>, relay=mx.example.net[192.0.2.1]:25")
	})
}

// RFC 3461 section 5.2: what NOTIFY asks for, and no more.
func TestNotify(t *testing.T) {
	for _, tt := range []struct {
		name     string
		notify   mail.Notify
		answer   func(string) *mail.Reply
		final    bool
		notifies bool
		want     string // actions of the reports, within 6 hours
	}{
		{"nothing said, failed", 0, reject, false, false, "failed"},
		{"nothing said, delivered", 0, accept, false, false, ""},
		{"nothing said, delayed", 0, defers, false, false, "delayed"},
		{"NEVER, failed", mail.NotifyNever, reject, false, false, ""},
		{"NEVER, delayed", mail.NotifyNever, defers, false, false, ""},
		{"SUCCESS, relayed", mail.NotifySuccess, accept, false, false, "relayed"},
		{"SUCCESS, the next hop does it", mail.NotifySuccess, accept, false, true, ""},
		{"SUCCESS, delivered here", mail.NotifySuccess, accept, true, false, "delivered"},
		{"SUCCESS, failed", mail.NotifySuccess, reject, false, false, ""},
		{"SUCCESS, delayed", mail.NotifySuccess, defers, false, false, ""},
		{"FAILURE, failed", mail.NotifyFailure, reject, false, false, "failed"},
		{"FAILURE, delayed", mail.NotifyFailure, defers, false, false, ""},
		{"DELAY, delayed", mail.NotifyDelay, defers, false, false, "delayed"},
		{"DELAY, failed", mail.NotifyDelay, reject, false, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, s, ev := post(t, tt.answer, func(q *queue.Queue) {
					q.Backoff.DelayWarning = 4 * time.Hour
					tr := q.Transports["smtp"]
					tr.Final = tt.final
					if tt.notifies {
						inner := tr.Deliverer
						tr.Deliverer = func(hop string) mail.Deliverer { return notifier{inner(hop)} }
					}
				})
				id, err := sendEnvelope(q, &mail.Envelope{
					From:       "a@example.org",
					Recipients: []mail.Recipient{{Address: "b@example.net", Options: mail.RcptOptions{Notify: tt.notify}}},
				}, letter+strings.Repeat("a large body\r\n", 10))
				require.NoError(t, err)
				time.Sleep(6 * time.Hour)
				synctest.Wait()
				var actions []string
				for _, d := range reports(s) {
					r, err := dsn.Parse(strings.NewReader(d.body), int64(len(d.body)))
					require.NoError(t, err)
					for _, rc := range r.Recipients {
						actions = append(actions, string(rc.Action))
						if rc.Action == dsn.Delayed {
							require.Equal(t, mail.EnhancedCode{4, 2, 0}, rc.Status)
							require.Equal(t, 5*24*time.Hour, rc.WillRetryUntil.Sub(r.ArrivalDate))
							require.Contains(t, strings.Join(ev.lines(), "\n"), id+": sender delay notification: ")
						}
					}
					if r.Worst() != dsn.Failed {
						require.NotContains(t, d.body, "a large body", "RFC 3461 section 6.2: the headers only")
						require.Contains(t, d.body, "text/rfc822-headers")
					}
				}
				require.Equal(t, tt.want, strings.Join(actions, " "))
			})
		})
	}
}

// notifier is a next hop that announces DSN.
type notifier struct{ mail.Deliverer }

func (n notifier) Begin(ctx context.Context, from string, o *mail.MailOptions) (mail.Transaction, error) {
	tx, err := n.Deliverer.Begin(ctx, from, o)
	return notifierTx{tx}, err
}

type notifierTx struct{ mail.Transaction }

func (n notifierTx) Commit(ctx context.Context) ([]mail.Result, error) {
	res, err := n.Transaction.Commit(ctx)
	for i := range res {
		res[i].Notifies = true
	}
	return res, err
}

// RET=HDRS, a large message and a binary one come back as headers (RFC 3461 section 4.3).
func TestReturn(t *testing.T) {
	big := letter + strings.Repeat("0123456789\r\n", 5000)
	for _, tt := range []struct {
		name string
		opts mail.MailOptions
		body string
		full bool
		kind string
	}{
		{"nothing said", mail.MailOptions{}, letter, true, "message/rfc822"},
		{"FULL", mail.MailOptions{Return: mail.ReturnFull}, letter, true, "message/rfc822"},
		{"HDRS", mail.MailOptions{Return: mail.ReturnHeaders}, letter, false, "text/rfc822-headers"},
		// RFC 8689 section 5: "If both RET=FULL and REQUIRETLS are present, the RET=FULL MUST be disregarded."
		{"REQUIRETLS", mail.MailOptions{Return: mail.ReturnFull, RequireTLS: true}, letter, false, "text/rfc822-headers"},
		{"large", mail.MailOptions{Return: mail.ReturnFull}, big, false, "text/rfc822-headers"},
		{"binary", mail.MailOptions{Body: mail.BodyBinaryMIME}, letter, false, "text/rfc822-headers"},
		{"8-bit", mail.MailOptions{Body: mail.Body8BitMIME}, letter + "xin chào\r\n", true, "message/rfc822"},
		{"UTF-8", mail.MailOptions{Body: mail.Body8BitMIME, UTF8: true}, "Subject: Thư\r\n\r\nXin chao\r\n", true, "message/global"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, s, _ := post(t, reject, nil)
				_, err := sendEnvelope(q, &mail.Envelope{
					From: "a@example.org", Options: tt.opts, Recipients: []mail.Recipient{{Address: "b@example.net"}},
				}, tt.body)
				require.NoError(t, err)
				synctest.Wait()
				got := reports(s)
				require.Len(t, got, 1)
				require.Contains(t, got[0].body, "Content-Type: "+tt.kind+"\r\n")
				require.Equal(t, tt.full, strings.Contains(got[0].body, tt.body))
				require.Equal(t, tt.opts.UTF8, got[0].opts.UTF8)
				require.Equal(t, tt.opts.RequireTLS, got[0].opts.RequireTLS)
				if tt.opts.Body != "" {
					require.Equal(t, mail.Body8BitMIME, got[0].opts.Body)
				}
			})
		})
	}
}

// Nothing is sent to a null reverse-path (RFC 5321 section 6.1); a hook may look.
func TestDoubleBounce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fail atomic.Bool
		fail.Store(true)
		var mu sync.Mutex
		var seen []string
		q, s, ev := post(t, reject, func(q *queue.Queue) {
			q.Notify.DoubleBounce = func(_ context.Context, m *queue.Message, c queue.Content) error {
				mu.Lock()
				defer mu.Unlock()
				if fail.Swap(false) {
					return errors.New("postmaster's mailbox is full")
				}
				b, err := io.ReadAll(c)
				seen = append(seen, fmt.Sprint(m.Recipients[0].Address, " ", string(m.Recipients[0].State), " ", string(b) == letter))
				return err
			}
		})
		send(t, q, "", letter, "b@example.net")
		synctest.Wait()
		mu.Lock()
		require.Empty(t, seen)
		mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		require.Equal(t, []string{"b@example.net F true"}, seen, "tried again, once")
		require.Empty(t, s.all())
		require.Equal(t, 1, ev.count(queue.EventRemoved))
		require.Equal(t, 1, ev.count(queue.EventAttempt), "the recipient isn't asked again")
	})
	synctest.Test(t, func(t *testing.T) {
		q, s, ev := post(t, reject, nil)
		send(t, q, "", letter, "b@example.net")
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, s.all())
		require.Equal(t, 1, ev.count(queue.EventRemoved), "dropped")
	})
}

func TestNotifyFilterAndText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s, ev := post(t, reject, func(q *queue.Queue) {
			q.Notify.Filter = func(m *queue.Message, kind mail.Notify) bool {
				return m.From == "a@example.org" && kind == mail.NotifyFailure
			}
			q.Notify.From = "postmaster@example.org"
			q.Notify.Compose = func(m *queue.Message, _ mail.Notify, r *dsn.Report) {
				r.Text = func(*dsn.Report) string {
					return "Thư của " + m.From + " không đến được " + r.Recipients[0].Final + "\n"
				}
			}
		})
		send(t, q, "a@example.org", letter, "b@example.net")
		send(t, q, "forged@example.org", letter, "b@example.net")
		synctest.Wait()
		got := reports(s)
		require.Len(t, got, 1, "backscatter is the filter's to avoid")
		require.Contains(t, got[0].body, "From: Mail Delivery System <postmaster@example.org>\r\n")
		require.Contains(t, got[0].body, "Th=C6=B0 c=E1=BB=A7a a@example.org kh=C3=B4ng")
		require.Equal(t, 3, ev.count(queue.EventRemoved))
	})
}

// A delay is told once, however often it is tried after that, and across a restart.
func TestDelayWarningOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newDisk(t)
		set := func(q *queue.Queue) { q.Backoff.DelayWarning, q.FS = time.Hour, disk }
		q, s, _ := post(t, defers, set)
		send(t, q, "a@example.org", letter, "b@example.net", "c@example.net")
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.Len(t, reports(s), 1)
		require.NoError(t, q.Shutdown(t.Context()))
		_, s2, _ := post(t, defers, set)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.Empty(t, s2.all())
		require.NotEmpty(t, s2.tries)
	})
}

// A bounce that can't be written for a while is written later, and the recipients are not tried again for it.
func TestBounceNeedsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		q, s, ev := post(t, reject, func(q *queue.Queue) {
			q.Limits.Free = func(string) (int64, int64, error) {
				if full.Load() {
					return 0, -1, nil
				}
				return 1 << 40, -1, nil
			}
		})
		full.Store(true)
		_, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
		require.Equal(t, "452 4.3.1 Insufficient system storage", mail.ReplyOf(err).String())
		full.Store(false)
		tx, err := q.Begin(t.Context(), "a@example.org", &mail.MailOptions{})
		require.NoError(t, err)
		require.NoError(t, tx.Recipient(t.Context(), "b@example.net", &mail.RcptOptions{}))
		require.NoError(t, tx.Body(t.Context(), strings.NewReader(letter)))
		full.Store(true)
		_, err = tx.Commit(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, s.all())
		full.Store(false)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Len(t, reports(s), 1)
		require.Equal(t, 2, ev.count(queue.EventAttempt), "one for the message and one for the report")
	})
}
