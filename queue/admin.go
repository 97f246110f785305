package queue

import (
	"context"
	"iter"

	"github.com/buuta/mail"
)

var _ mail.Deliverer = (*Queue)(nil)

// List yields the messages that f names.
func (q *Queue) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if err := q.open(); err != nil {
			yield(Entry{}, err)
			return
		}
		q.storage.List(ctx, f)(yield)
	}
}

// Open opens a message of the queue for reading.
func (q *Queue) Open(ctx context.Context, id string) (*Message, Content, error) {
	if err := q.open(); err != nil {
		return nil, nil, err
	}
	return q.storage.Open(ctx, id)
}

// Flush makes waiting messages due now: all, one, or, with Filter.Destination, those for a domain as ETRN asks (RFC
// 1985). Destinations that are suspended are tried again.
func (q *Queue) Flush(ctx context.Context, f Filter) (int, error) {
	q.mu.Lock()
	q.sched.revive()
	q.mu.Unlock()
	return q.edit(ctx, f, OpFlush)
}

// Hold stops attempts for messages until they are released. A delivery under way ends as it will.
func (q *Queue) Hold(ctx context.Context, f Filter) (int, error) { return q.edit(ctx, f, OpHold) }

// Release takes messages from hold and makes them due now.
func (q *Queue) Release(ctx context.Context, f Filter) (int, error) { return q.edit(ctx, f, OpRelease) }

// Requeue makes messages due now, from whatever state.
func (q *Queue) Requeue(ctx context.Context, f Filter) (int, error) { return q.edit(ctx, f, OpRequeue) }

// Delete removes messages without a notification. A delivery under way ends as it will.
func (q *Queue) Delete(ctx context.Context, f Filter) (int, error) { return q.edit(ctx, f, OpDelete) }

func (q *Queue) edit(ctx context.Context, f Filter, op Op) (int, error) {
	if err := q.open(); err != nil {
		return 0, err
	}
	n, err := q.storage.Edit(ctx, f, op)
	q.Wake()
	return n, err
}
