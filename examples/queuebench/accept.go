//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
)

var body4k = "Subject: x\r\n\r\n" + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n", 66)

// accept compares accepting alone with what the disk does at best with a file a message: create, write, sync. The two take
// turns, so that what else goes on at the disk meets both.
func (b *bench) accept() error {
	b.printf("\n## Accepting\n\nMessages of 4 KiB, each durable, file and folder, before it is answered. *Disk* is a file created, written and\n" +
		"synced for each by as many writers, and no folder synced; the two took turns.\n\n" +
		"| writers | disk/s | queue/s | queue/disk |\n| ---: | ---: | ---: | ---: |\n")
	for _, writers := range []int{1, 20, 64} {
		const rounds = 6
		n := b.n(1000 * min(writers, 12) / rounds)
		q := &queue.Queue{Dir: filepath.Join(b.dir, "accept")}
		files := filepath.Join(b.dir, "files")
		if err := os.Mkdir(files, 0o700); err != nil {
			return err
		}
		var disk, ours time.Duration
		for r := range rounds {
			took, err := spread(b.ctx, writers, n, func(i int) error { return writeFile(filepath.Join(files, strconv.Itoa(r*n+i))) })
			if err != nil {
				return err
			}
			disk += took
			took, err = spread(b.ctx, writers, n, func(int) error {
				return send(b.ctx, q, "a@example.org", body4k, "b@example.net")
			})
			if err != nil {
				return err
			}
			ours += took
		}
		if err := q.Close(); err != nil {
			return err
		}
		for _, d := range []string{files, q.Dir} {
			if err := os.RemoveAll(d); err != nil {
				return err
			}
		}
		total := float64(n * rounds)
		b.printf("| %d | %.0f | %.0f | %.2f |\n", writers, total/disk.Seconds(), total/ours.Seconds(), disk.Seconds()/ours.Seconds())
	}
	return nil
}

func writeFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteString(body4k); err != nil {
		return err
	}
	return f.Sync()
}

// spread runs do n times in so many goroutines.
func spread(ctx context.Context, writers, n int, do func(i int) error) (time.Duration, error) {
	began := time.Now()
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, writers)
	for w := range writers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && errs[w] == nil && ctx.Err() == nil; i = next.Add(1) {
				errs[w] = do(int(i))
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(began), ctx.Err()
}

// send queues a message.
func send(ctx context.Context, d mail.Deliverer, from, body string, to ...string) error {
	tx, err := d.Begin(ctx, from, &mail.MailOptions{})
	if err != nil {
		return err
	}
	defer tx.Abort()
	for _, a := range to {
		if err := tx.Recipient(ctx, a, &mail.RcptOptions{}); err != nil {
			return err
		}
	}
	if err := tx.Body(ctx, strings.NewReader(body)); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}
