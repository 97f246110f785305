package queue_test

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// sink is a transport's other side: it takes what answer says.
type sink struct {
	mu            sync.Mutex
	got           []delivered
	tries         []time.Time
	running, most int
	// answer gives the reply for a recipient; nil: 250.
	answer func(nexthop, from, to string) *mail.Reply
	// begin may refuse the transaction.
	begin func(nexthop, from string) error
	// takes is how long a delivery takes.
	takes time.Duration
}

type delivered struct {
	nexthop, from, to, body string
	opts                    mail.MailOptions
	ropts                   mail.RcptOptions
	at                      time.Time
}

func (s *sink) transport() *queue.Transport {
	return &queue.Transport{Deliverer: func(nexthop string) mail.Deliverer { return &sinkHop{s, nexthop} }}
}

type sinkHop struct {
	s   *sink
	hop string
}

func (h *sinkHop) Begin(ctx context.Context, from string, opts *mail.MailOptions) (mail.Transaction, error) {
	h.s.mu.Lock()
	h.s.tries = append(h.s.tries, time.Now())
	begin := h.s.begin
	h.s.mu.Unlock()
	if begin != nil {
		if err := begin(h.hop, from); err != nil {
			return nil, err
		}
	}
	return &sinkTx{h: h, from: from, opts: *opts}, nil
}

type sinkTx struct {
	h    *sinkHop
	from string
	opts mail.MailOptions
	to   []delivered
	body string
}

func (t *sinkTx) Recipient(_ context.Context, to string, opts *mail.RcptOptions) error {
	t.to = append(t.to, delivered{nexthop: t.h.hop, from: t.from, to: to, opts: t.opts, ropts: *opts})
	return nil
}

func (t *sinkTx) Body(ctx context.Context, r io.Reader) error {
	s := t.h.s
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	b, err := io.ReadAll(r)
	t.body = string(b)
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (t *sinkTx) Commit(context.Context) ([]mail.Result, error) {
	s := t.h.s
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []mail.Result
	for _, d := range t.to {
		r := mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "OK")
		if s.answer != nil {
			if a := s.answer(d.nexthop, d.from, d.to); a != nil {
				r = a
			}
		}
		if r.OK() {
			d.body, d.at = t.body, time.Now()
			s.got = append(s.got, d)
		}
		out = append(out, mail.Result{Recipient: d.to, Reply: r, Relay: "mx." + d.nexthop + "[192.0.2.1]:25"})
	}
	return out, nil
}

func (t *sinkTx) Abort() error { return nil }

func (s *sink) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tries)
}

func (s *sink) all() []delivered {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]delivered(nil), s.got...)
}

// events collects what Trace is told.
type events struct {
	mu  sync.Mutex
	all []queue.Event
}

func (e *events) trace(ev queue.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) lines() (out []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.all {
		if l := e.all[i].Line(); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func (e *events) count(kind queue.EventKind) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.all {
		if e.all[i].Kind == kind {
			n++
		}
	}
	return n
}

// send puts a message into a queue.
func send(t testing.TB, d mail.Deliverer, from, body string, to ...string) string {
	t.Helper()
	var rcpts []mail.Recipient
	for _, a := range to {
		rcpts = append(rcpts, mail.Recipient{Address: a})
	}
	id, err := sendEnvelope(d, &mail.Envelope{From: from, Recipients: rcpts}, body)
	require.NoError(t, err)
	return id
}

func sendEnvelope(d mail.Deliverer, env *mail.Envelope, body string) (string, error) {
	ctx := context.Background()
	tx, err := d.Begin(ctx, env.From, &env.Options)
	if err != nil {
		return "", err
	}
	defer tx.Abort()
	for _, r := range env.Recipients {
		if err := tx.Recipient(ctx, r.Address, &r.Options); err != nil {
			return "", err
		}
	}
	if err := tx.Body(ctx, readerOf(body)); err != nil {
		return "", err
	}
	res, err := tx.Commit(ctx)
	if err != nil {
		return "", err
	}
	if len(res) != len(env.Recipients) {
		return "", fmt.Errorf("%d results for %d recipients", len(res), len(env.Recipients))
	}
	return res[0].ID, nil
}

// newDisk returns a file system in memory with the parent folder of a spool.
func newDisk(t testing.TB) *vfs.Crash {
	t.Helper()
	return vfs.NewCrash()
}
