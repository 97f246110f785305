package queue

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// engine is what a running Queue has besides its fields.
type engine struct {
	opened   bool
	closed   bool
	running  bool
	storage  Storage
	stop     chan struct{} // closed when nothing more is to be started
	over     context.CancelFunc
	ctx      context.Context // of deliveries; cancelled when the wait for them is over
	wake     chan struct{}
	tasks    sync.WaitGroup // the loop, activations, deliveries
	sched    scheduler
	lists    map[string]*list // the messages in delivery, by ID
	pending  int              // their recipients in memory
	ticking  *time.Timer
	paused   map[string]bool // domains, lower case
	pausing  sync.Mutex      // one at a time writes them down
	starting semaphore

	swept     time.Time
	nextClaim time.Time // when the loop asks the storage again by itself
}

const (
	leaseTime   = 10 * time.Minute
	claimAtOnce = 100
)

func (q *Queue) now() time.Time {
	if q.Now != nil {
		return q.Now()
	}
	return time.Now()
}

func (q *Queue) log() *slog.Logger {
	if q.Logger != nil {
		return q.Logger
	}
	return slog.New(slog.DiscardHandler)
}

// open opens the storage.
func (q *Queue) open() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrClosed
	case q.opened:
		return nil
	}
	q.storage = q.Storage
	if q.storage == nil {
		s := &Spool{Dir: q.Dir, FS: q.FS, Limits: q.Limits, RescanDelay: q.Backoff.RunDelay, MaxDelay: q.maxDelay(), Now: q.Now}
		s.SetAside = func(id string, why error) {
			q.log().Error("queue: damaged queue file set aside", slog.String("id", id), slog.Any("error", why))
			q.emit(Event{Kind: EventCorrupt, ID: id, Err: why})
		}
		q.storage = s
	}
	if s, ok := q.storage.(*Spool); ok {
		if err := s.Start(); err != nil {
			return err
		}
	}
	if err := q.loadPauses(); err != nil {
		if q.Storage == nil { // the next try makes another Spool
			err = errors.Join(err, q.storage.Close())
		}
		return err
	}
	q.opened = true
	q.stop, q.wake = make(chan struct{}), make(chan struct{}, 1)
	q.ctx, q.over = context.WithCancel(context.Background())
	q.lists, q.starting = map[string]*list{}, make(semaphore, 32)
	return nil
}

// Start opens the storage, takes up what a former run left, and begins to deliver. It does not wait.
func (q *Queue) Start() error {
	if err := q.open(); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrClosed
	case q.running:
		return errors.New("queue: started already")
	}
	q.running = true
	q.tasks.Go(q.loop)
	return nil
}

// Run is Start, and when ctx is done Shutdown, giving deliveries under way 10 seconds. It returns nil after a shutdown
// in which none had to be cancelled.
func (q *Queue) Run(ctx context.Context) error {
	if err := q.Start(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-q.stop:
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return q.Shutdown(grace)
}

// Shutdown takes no more messages, starts no more deliveries, waits for those under way until ctx is done, cancels the
// rest, and closes the storage. Messages stay in the queue for the next run. Its error is ctx's when deliveries had to be
// cancelled. The Queue can't be started again.
func (q *Queue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	if !q.opened {
		q.closed = true
		q.mu.Unlock()
		return nil
	}
	if !q.closed {
		q.closed = true
		close(q.stop)
		if q.ticking != nil {
			q.ticking.Stop()
		}
	}
	q.mu.Unlock()
	done := make(chan struct{})
	go func() {
		q.tasks.Wait()
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	q.over()
	<-done
	return errors.Join(err, q.storage.Close())
}

// Close is Shutdown without the wait.
func (q *Queue) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := q.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Wake makes the queue ask its storage for new messages now. Commit does this by itself; a program that puts messages
// into a shared storage by other ways, or hears of such, calls it.
func (q *Queue) Wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default: // not open yet, or woken already
	}
}

// persist does what must not fail, again and again until it has succeeded, the lease is lost, or the queue is closed for
// good. It reports whether it was done.
func (q *Queue) persist(id string, do func() error) bool {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := do()
		if err == nil {
			return true
		}
		q.log().Error("queue: cannot record what became of a message", slog.String("id", id), slog.Any("error", err))
		if errors.Is(err, ErrFenced) || errors.Is(err, ErrClosed) {
			return false
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-q.stop: // the next run will repeat it
			wait.Stop()
			return false
		}
	}
}
