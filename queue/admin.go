package queue

import (
	"context"
	"errors"
	"fmt"
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

// Expire makes messages due now for a last attempt: what can't be delivered then is returned as if its lifetime were over.
// Those that are held stay so.
func (q *Queue) Expire(ctx context.Context, f Filter) (int, error) {
	return q.order(ctx, f, Order{Expire: true})
}

// Bounce returns messages to their senders without a further attempt. why is what the notification says, 5yz; nil: 5.7.1
// with a plain text.
func (q *Queue) Bounce(ctx context.Context, f Filter, why *mail.Reply) (int, error) {
	if why == nil {
		why = mail.NewReply(554, mail.EnhancedCode{5, 7, 1}, "returned by the administrator")
	}
	if !why.Permanent() {
		return 0, errors.New("queue: the reason for a bounce must be a 5yz reply")
	}
	return q.order(ctx, f, Order{Fail: why})
}

// Reroute sends all recipients of messages by one way from now on, whatever Route says, and makes the messages due.
func (q *Queue) Reroute(ctx context.Context, f Filter, to Route) (int, error) {
	if q.Transports[to.Transport] == nil {
		return 0, fmt.Errorf("queue: no transport %q", to.Transport)
	}
	return q.order(ctx, f, Order{Route: &to})
}

// History yields what has become of a message's recipients so far, attempt by attempt.
func (q *Queue) History(ctx context.Context, id string) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if err := q.open(); err != nil {
			yield(Outcome{}, err)
			return
		}
		q.storage.History(ctx, id)(yield)
	}
}

func (q *Queue) order(ctx context.Context, f Filter, o Order) (int, error) {
	if err := q.open(); err != nil {
		return 0, err
	}
	n, err := q.storage.Order(ctx, f, o)
	q.Wake()
	return n, err
}

func (q *Queue) edit(ctx context.Context, f Filter, op Op) (int, error) {
	if err := q.open(); err != nil {
		return 0, err
	}
	n, err := q.storage.Edit(ctx, f, op)
	q.Wake()
	return n, err
}
