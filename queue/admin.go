package queue

import (
	"context"
	"errors"
	"iter"

	"github.com/buuta/mail"
)

// List yields the messages that f names.
func (q *Queue) List(ctx context.Context, f Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { yield(Entry{}, errors.ErrUnsupported) }
}

// Open opens a message of the queue for reading.
func (q *Queue) Open(ctx context.Context, id string) (*Message, Content, error) {
	return nil, nil, errors.ErrUnsupported
}

// Flush makes waiting messages due now: all, one, or, with Filter.Destination, those for a domain as ETRN asks (RFC
// 1985). Suspended destinations of these messages are tried again.
func (q *Queue) Flush(ctx context.Context, f Filter) (int, error) { return 0, errors.ErrUnsupported }

// Hold stops attempts for messages until they are released. A delivery under way ends as it will.
func (q *Queue) Hold(ctx context.Context, f Filter) (int, error) { return 0, errors.ErrUnsupported }

// Release takes messages from hold and makes them due now.
func (q *Queue) Release(ctx context.Context, f Filter) (int, error) { return 0, errors.ErrUnsupported }

// Requeue makes messages due now, from whatever state.
func (q *Queue) Requeue(ctx context.Context, f Filter) (int, error) { return 0, errors.ErrUnsupported }

// Delete removes messages without a notification. A delivery under way ends as it will.
func (q *Queue) Delete(ctx context.Context, f Filter) (int, error) { return 0, errors.ErrUnsupported }

var _ mail.Deliverer = (*Queue)(nil)
