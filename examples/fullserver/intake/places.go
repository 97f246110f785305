package intake

import (
	"context"
	"errors"
	"strings"

	"github.com/buuta/mail/queue"
)

// places begins the transactions behind this one: with the mailboxes and with the queue.
func (t *transaction) places(ctx context.Context) error {
	b := t.s.b
	for i := range t.rcpts {
		r := &t.rcpts[i]
		var err error
		switch {
		case r.here():
			if t.local == nil {
				t.local = b.Local.Start(t.from)
			}
			t.local.Add(r.to, r.target)
		case r.elsewhere():
			if t.queue == nil {
				t.queue, err = t.begin(ctx)
			}
			if err == nil {
				err = t.queue.Recipient(ctx, r.target.Address, &r.opts)
			}
		}
		if err != nil {
			_ = t.Abort()
			return err
		}
	}
	t.msg.From = t.from
	for i := range t.rcpts {
		if t.rcpts[i].twin < 0 && !t.rcpts[i].removed {
			t.msg.Recipients++
		}
	}
	if t.queue != nil {
		t.msg.ID, t.msg.Queued = t.queue.ID(), true
	} else {
		t.msg.ID = t.id()
	}
	return nil
}

// id is the message's id where it has no place in the queue.
func (t *transaction) id() string {
	if t.reserved != nil {
		return t.reserved.ID()
	}
	return newID(t.began)
}

// reserve gives the message its id, which milters are told from the second recipient on, as with Postfix.
func (t *transaction) reserve(ctx context.Context) (err error) {
	if t.s.filters == nil || t.reserved != nil {
		return nil
	}
	if t.reserved, err = t.open(ctx); err == nil {
		t.msg.ID = t.reserved.ID()
	}
	return err
}

// open opens the queue for a message.
func (t *transaction) open(ctx context.Context) (*queue.Transaction, error) {
	tx, err := t.s.b.Queue.Begin(ctx, t.from, &t.opts)
	if err != nil {
		return nil, err
	}
	q, ok := tx.(*queue.Transaction)
	if !ok {
		_ = tx.Abort()
		return nil, errors.New("the queue's transaction is of another kind")
	}
	return q, nil
}

// dropReserved gives back what was reserved, unless it is the message's place in the queue.
func (t *transaction) dropReserved() {
	if t.reserved != nil && t.reserved != t.queue {
		_ = t.reserved.Abort()
	}
}

// begin begins a message in the queue.
func (t *transaction) begin(ctx context.Context) (*queue.Transaction, error) {
	var err error
	q := t.reserved
	if q == nil || t.queue != nil || t.done {
		q, err = t.open(ctx)
	} else {
		err = q.Restart(t.from, &t.opts)
	}
	if err != nil {
		return nil, err
	}
	if t.verdict.Hold {
		q.SetHold()
	}
	if t.verdict.Filter != "" {
		transport, hop, _ := strings.Cut(t.verdict.Filter, ":")
		if hop == "" {
			hop = t.s.b.FilterHop
		}
		q.SetRoute(queue.Route{Transport: transport, Nexthop: hop})
	}
	return q, nil
}
