package queue

import (
	"context"
	"sync"

	"github.com/buuta/mail/internal/vfs"
)

// sharedSync makes something durable that many write to, a folder's names or a journal. Everyone who asks while a sync is
// running shares the next one, so it is synced as often as the disk can do it and not once a writer.
type sharedSync struct {
	do func() error

	mu      sync.Mutex
	running *syncRound // the last one that was begun
	next    *syncRound // the one that can still be joined
}

type syncRound struct {
	done chan struct{}
	err  error
}

func syncOf(fsys vfs.FS, dir string) *sharedSync {
	return &sharedSync{do: func() error { return fsys.SyncDir(dir) }}
}

// sync returns when a sync that began after the call has ended.
func (d *sharedSync) sync() error {
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
	r.err = d.do()
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
