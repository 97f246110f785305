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
// It occupies one connection of the pool.
func (m *Mirror) Follow(ctx context.Context, pool *imapclient.Pool, here <-chan struct{}, done func(*Result, error)) error {
	wait := time.Second
	for {
		err := pool.Do(ctx, func(ctx context.Context, c *imapclient.Client) error {
			for again := 0; ; again++ {
				res, err := m.Sync(ctx, c)
				if done != nil {
					done(res, err)
				}
				if err != nil {
					return err
				}
				wait = time.Second
				if box := c.Mailbox(); box != nil && box.News > 0 && again < 3 {
					continue // it came between the commands of Sync, or is its own doing
				}
				again = 0
				if err := m.news(ctx, c, here); err != nil {
					return err
				}
			}
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

// unasked is how long Follow waits for news at most: a server may forget to tell.
const unasked = 10 * time.Minute

// news waits until there is something to sync.
func (m *Mirror) news(ctx context.Context, c *imapclient.Client, here <-chan struct{}) error {
	waiting, stop := context.WithTimeout(ctx, unasked)
	defer stop()
	ended := make(chan struct{})
	defer func() { <-ended }()
	go func() {
		defer close(ended)
		select {
		case <-here:
			stop()
		case <-waiting.Done():
		}
	}()
	defer stop()
	for e, err := range c.Idle(waiting) {
		if err != nil {
			if ctx.Err() == nil && waiting.Err() != nil {
				return nil // here, or for long enough
			}
			return err
		}
		switch e.(type) {
		case imapclient.ExistsEvent, imapclient.ExpungeEvent, imapclient.VanishedEvent, imapclient.MessageEvent:
			return nil
		}
	}
	return nil
}
