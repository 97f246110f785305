//go:build linux

package main

import (
	"context"
	"io"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// narrow is a server that takes five connections at a time and answers others with 421.
type narrow struct {
	busy  atomic.Int64
	limit int64
}

func (n *narrow) Begin(context.Context, string, *mail.MailOptions) (mail.Transaction, error) {
	if n.busy.Add(1) > n.limit {
		time.Sleep(2 * time.Millisecond)
		n.busy.Add(-1)
		return nil, mail.NewReply(421, mail.EnhancedCode{4, 7, 0}, "Too many connections")
	}
	return &narrowTx{n: n}, nil
}

type narrowTx struct {
	n    *narrow
	to   []string
	over bool
}

func (t *narrowTx) Recipient(_ context.Context, to string, _ *mail.RcptOptions) error {
	t.to = append(t.to, to)
	return nil
}

func (t *narrowTx) Body(_ context.Context, r io.Reader) error {
	time.Sleep(10 * time.Millisecond)
	_, err := io.Copy(io.Discard, r)
	return err
}

func (t *narrowTx) Commit(context.Context) ([]mail.Result, error) {
	out := make([]mail.Result, len(t.to))
	for i := range t.to {
		out[i] = mail.Result{Recipient: t.to[i], Reply: mail.NewReply(250, mail.EnhancedCode{2, 0, 0}, "Ok")}
	}
	return out, nil
}

func (t *narrowTx) Abort() error {
	if !t.over {
		t.over = true
		t.n.busy.Add(-1)
	}
	return nil
}

// narrow counts how many deliveries such a server puts off.
func (b *bench) narrow() error {
	n := b.n(3000)
	server := &narrow{limit: 5}
	var sent, deferred atomic.Int64
	done := make(chan struct{})
	q := &queue.Queue{
		Dir: filepath.Join(b.dir, "narrow"), Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer { return server }}},
		Trace: func(e queue.Event) {
			if e.Kind != queue.EventAttempt {
				return
			}
			count := &sent
			if e.Status == queue.StatusDeferred {
				count = &deferred
			}
			count.Add(1)
			if sent.Load()+deferred.Load() == int64(n) {
				close(done)
			}
		},
	}
	if _, err := spread(b.ctx, 20, n, func(int) error { return send(b.ctx, q, "a@example.org", "Subject: x\r\n\r\n", "b@example.net") }); err != nil {
		return err
	}
	if err := q.Start(); err != nil {
		return err
	}
	defer q.Close()
	select {
	case <-done:
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
	b.printf("\n## A server that takes five connections\n\n%d messages for a simulated server that answers 421 above 5 connections; the client may open 20. "+
		"First attempts put off: %.1f %%\n(Postfix's own published figures for this case: 16.5 %% with feedback 1/N, 49.7 %% with ±1).\n",
		n, 100*float64(deferred.Load())/float64(n))
	return nil
}
