package mirror

import (
	"context"
	"errors"
	"time"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
)

// Follow keeps the copy in step until ctx ends, over connections of the pool: it syncs, waits by IDLE until the server has news or here
// gets an element, and syncs again. here is how the program says that something was changed in the cache; it may be nil. After
// an error it begins anew, after a while if need be; done, if not nil, is called after each Sync with what it did or what
// went wrong. Follow returns the context's error, or one that trying again can't help: a wrong password, a closed pool.
//
// It occupies one connection of the pool. For several mailboxes over one connection see [Group].
func (m *Mirror) Follow(ctx context.Context, pool *imapclient.Pool, here <-chan struct{}, done func(*Result, error)) error {
	g := &Group{Mirrors: []*Mirror{m}}
	if done != nil {
		g.Done = func(_ *Mirror, res *Result, err error) { done(res, err) }
	}
	return g.follow(ctx, pool, nil, here)
}

// persist calls f with a connection again and again, over new ones after an error, less often the longer nothing is good.
func persist(ctx context.Context, pool *imapclient.Pool, f func(ctx context.Context, c *imapclient.Client, good func()) error) error {
	wait := time.Second
	for {
		err := pool.Do(ctx, func(ctx context.Context, c *imapclient.Client) error {
			return f(ctx, c, func() { wait = time.Second })
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, mail.ErrAuthFailed), errors.Is(err, imapclient.ErrInsecure), errors.Is(err, imapclient.ErrBadArgument):
			return err
		}
		if e, ok := errors.AsType[*imapclient.Error](err); !ok || e == nil {
			return err // the pool's, or the cache's
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		wait = min(2*wait, 5*time.Minute)
	}
}
