package queue_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/queue"
	"github.com/stretchr/testify/require"
)

// onDisk is a folder on a real disk, which /tmp may not be: BENCH_DIR names another.
func onDisk(b *testing.B) string {
	if d := os.Getenv("BENCH_DIR"); d != "" {
		dir, err := os.MkdirTemp(d, "queue")
		require.NoError(b, err)
		b.Cleanup(func() { os.RemoveAll(dir) })
		return dir
	}
	return b.TempDir()
}

var body4k = "Subject: x\r\n\r\n" + strings.Repeat("0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab\r\n", 66)

// spread runs do b.N times in so many goroutines.
func spread(b *testing.B, writers int, do func(i int)) {
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				do(int(i))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
}

// BenchmarkEnqueue accepts 4 KiB messages durably: file and folder are synced before each is answered.
func BenchmarkEnqueue(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			q := &queue.Queue{Dir: onDisk(b)}
			defer q.Close()
			env := &mail.Envelope{From: "a@example.org", Recipients: []mail.Recipient{{Address: "b@example.net"}}}
			spread(b, writers, func(int) {
				if _, err := sendEnvelope(q, env, body4k); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkDisk is what the disk does at best with a file a message: create, write, sync, and no folder synced.
func BenchmarkDisk(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			dir := onDisk(b)
			spread(b, writers, func(i int) {
				f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
				if err == nil {
					_, err = f.WriteString(body4k)
				}
				if err == nil {
					err = f.Sync()
				}
				if err != nil {
					b.Error(err)
				}
				f.Close()
			})
		})
	}
}

// BenchmarkRelay is the whole way: accept, deliver to a sink that costs nothing, remove.
func BenchmarkRelay(b *testing.B) {
	var gone sync.WaitGroup
	null := mail.DelivererFunc(func(_ context.Context, _ *mail.Envelope, r io.Reader) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	q := &queue.Queue{
		Dir: onDisk(b), Transports: map[string]*queue.Transport{"smtp": {Deliverer: func(string) mail.Deliverer { return null }}},
		Trace: func(e queue.Event) {
			if e.Kind == queue.EventRemoved {
				gone.Done()
			}
		},
	}
	require.NoError(b, q.Start())
	defer q.Close()
	gone.Add(b.N)
	spread(b, 20, func(i int) {
		env := &mail.Envelope{From: "a@example.org", Recipients: []mail.Recipient{{Address: fmt.Sprintf("b@d%d.example", i%50)}}}
		if _, err := sendEnvelope(q, env, body4k); err != nil {
			b.Error(err)
			gone.Done()
		}
	})
	gone.Wait()
}

// BenchmarkStart opens a spool of many deferred messages.
func BenchmarkStart(b *testing.B) {
	const n = 20000
	dir := b.TempDir()
	q := &queue.Queue{Dir: dir}
	id := send(b, q, "a@example.org", letter, "b@example.net")
	require.NoError(b, q.Close())
	first := filepath.Join(dir, "incoming", id)
	later := time.Now().Add(time.Hour)
	for i := range n {
		name := filepath.Join(dir, "deferred", fmt.Sprintf("%06X%d", i, i))
		require.NoError(b, os.WriteFile(name, nil, 0o600))
		require.NoError(b, os.Chtimes(name, later, later))
	}
	require.NoError(b, os.Remove(first))
	b.ReportAllocs()
	for b.Loop() {
		q := &queue.Queue{Dir: dir}
		require.NoError(b, q.Start())
		require.NoError(b, q.Close())
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "files/s")
}
