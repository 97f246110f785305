package queue

import (
	"context"
	"sync"

	"github.com/buuta/mail/internal/vfs"
)

// dirSync makes the names in one folder durable. Everyone who asks while a sync is running shares the next one, so a
// folder that many writers use is synced as often as the disk can do it and not once a writer.
type dirSync struct {
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	running *syncRound // the last one that was begun
	next    *syncRound // the one that can still be joined
}

type syncRound struct {
	done chan struct{}
	err  error
}

// sync returns when a sync that began after the call has ended.
func (d *dirSync) sync() error {
	d.mu.Lock()
	if r := d.next; r != nil {
		d.mu.Unlock()
		<-r.done
		return r.err
	}
	r := &syncRound{done: make(chan struct{})}
	before := d.running
	d.next = r
	d.mu.Unlock()

	if before != nil {
		<-before.done
	}
	d.mu.Lock()
	d.next, d.running = nil, r
	d.mu.Unlock()
	r.err = d.fs.SyncDir(d.dir)
	close(r.done)
	return r.err
}

// semaphore lets so many through at a time.
type semaphore chan struct{}

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) release() { <-s }
