//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

// lists delivers messages with few and with very many recipients, at 1,000 domains.
func (b *bench) lists() error {
	b.printf("\n## A list\n\nOne message, recipients at 1,000 domains, delivered to a sink that costs nothing. Memory is the largest resident set of the\n" +
		"process that delivers it.\n\n| recipients | time | memory |\n| ---: | ---: | ---: |\n")
	for _, n := range []int{1, b.n(10000), b.n(100000)} {
		dir := filepath.Join(b.dir, "list"+strconv.Itoa(n))
		q := &queue.Queue{Dir: dir}
		var to []string
		for i := range n {
			to = append(to, fmt.Sprintf("subscriber%d@d%d.example", i, i%1000))
		}
		if err := send(b.ctx, q, "list@example.org", body4k, to...); err != nil {
			return err
		}
		if err := q.Close(); err != nil {
			return err
		}
		out, err := inChild(b.ctx, "list", dir)
		if err != nil {
			return err
		}
		b.printf("| %d | %s\n", n, out)
	}
	return nil
}

func listChild(ctx context.Context, dir string) error {
	null := mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var got atomic.Int64
	q := &queue.Queue{
		Dir: dir, Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer { return null }}},
		Trace: func(e queue.Event) {
			switch e.Kind {
			case queue.EventAttempt:
				got.Add(1)
			case queue.EventRemoved:
				cancel()
			}
		},
	}
	began := time.Now()
	if err := q.Run(ctx); err != nil {
		return err
	}
	fmt.Printf("%.2f s | %s |", time.Since(began).Seconds(), maxResident())
	return nil
}
