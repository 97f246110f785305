package admin

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/buuta/mail"
	"github.com/buuta/mail/examples/fullserver/quota"
	"github.com/buuta/mail/queue"
	"github.com/buuta/mail/smtp/rewrite"
)

// Queue is what is done to mail that waits. *queue.Queue is one.
type Queue interface {
	List(ctx context.Context, f queue.Filter) iter.Seq2[queue.Entry, error]
	Open(ctx context.Context, id string) (*queue.Message, queue.Content, error)
	Requeue(ctx context.Context, f queue.Filter) (int, error)
	Hold(ctx context.Context, f queue.Filter) (int, error)
	Release(ctx context.Context, f queue.Filter) (int, error)
	Delete(ctx context.Context, f queue.Filter) (int, error)
	Bounce(ctx context.Context, f queue.Filter, why *mail.Reply) (int, error)
}

// QueueAction is a thing to do with messages.
type QueueAction string

// The actions.
const (
	Retry   QueueAction = "retry"
	Hold    QueueAction = "hold"
	Release QueueAction = "release"
	Delete  QueueAction = "delete" // nobody is told
	Bounce  QueueAction = "bounce" // its sender is told
)

// Dangerous reports whether an action can't be taken back.
func (q QueueAction) Dangerous() bool { return q == Delete || q == Bounce }

// ours reports whether a domain is one of this server's.
func (s *Site) ours(ctx context.Context, domain string) (bool, error) {
	class, err := s.Class(ctx, domain)
	return class != rewrite.Default, err
}

// Theirs says whether an address belongs to a domain of this server that he does not administer.
func (a *Actor) Theirs(ctx context.Context, address string) (bool, error) {
	domain := quota.DomainOf(address)
	if a.all || !strings.Contains(address, "@") || a.May(domain) {
		return false, nil
	}
	return a.s.ours(ctx, domain)
}

// Mine reports whether a message of the queue is his to see and to change: his domains have its sender or all of its recipients, and nobody else's domain here has any
// of them. Mail that concerns others here, too, is left to those who administer all.
func (a *Actor) Mine(ctx context.Context, m *queue.Message) (bool, error) {
	if a.all {
		return true, nil
	}
	if m == nil {
		return false, nil
	}
	all := len(m.Recipients) > 0
	for i := range m.Recipients {
		to := m.Recipients[i].Address
		if theirs, err := a.Theirs(ctx, to); theirs || err != nil {
			return false, err
		}
		all = all && strings.Contains(to, "@") && a.May(quota.DomainOf(to))
	}
	if theirs, err := a.Theirs(ctx, m.From); theirs || err != nil {
		return false, err
	}
	return all || strings.Contains(m.From, "@") && a.May(quota.DomainOf(m.From)), nil
}

// QueueFilter restricts a filter to what is his. An error of his domains' look-up makes a message nobody's.
func (a *Actor) QueueFilter(ctx context.Context, f queue.Filter) queue.Filter {
	if a.all {
		return f
	}
	other := f.Match
	f.Match = func(m *queue.Message) bool {
		mine, err := a.Mine(ctx, m)
		return mine && err == nil && (other == nil || other(m))
	}
	return f
}

// OpenQueued opens a message of the queue that is his.
func (a *Actor) OpenQueued(ctx context.Context, q Queue, id string) (*queue.Message, queue.Content, error) {
	m, content, err := q.Open(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if mine, err := a.Mine(ctx, m); err != nil || !mine {
		_ = content.Close()
		if err == nil {
			err = queue.ErrNotFound
		}
		return nil, nil, err
	}
	return m, content, nil
}

// DoQueued does something to messages of the queue by their IDs, as far as they are his, and returns to how many.
func (a *Actor) DoQueued(ctx context.Context, q Queue, do QueueAction, ids []string) (n int, err error) {
	if len(ids) == 0 {
		return 0, errors.New("no message was named")
	}
	err = a.do(fmt.Sprintf("queue %s %s", do, strings.Join(ids, " ")), func() error {
		f := a.QueueFilter(ctx, queue.Filter{IDs: slices.Clone(ids)})
		switch do {
		case Retry:
			n, err = q.Requeue(ctx, f)
		case Hold:
			f.States = []queue.State{queue.Incoming, queue.Active, queue.Deferred}
			n, err = q.Hold(ctx, f)
		case Release:
			f.States = []queue.State{queue.Held}
			n, err = q.Release(ctx, f)
		case Delete:
			n, err = q.Delete(ctx, f)
		case Bounce:
			n, err = q.Bounce(ctx, f, nil)
		default:
			err = fmt.Errorf("%q is nothing that can be done with mail that waits", do)
		}
		if err == nil && n == 0 {
			err = queue.ErrNotFound
		}
		return err
	})
	return n, err
}
