package imapclient_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

func newPool(t *testing.T, srv *imaptest.Server) *imapclient.Pool {
	p := &imapclient.Pool{Max: 2, Connect: func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial, Auth: alice()})
	}}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func noop(ctx context.Context, c *imapclient.Client) error { return c.Noop(ctx) }

func TestPool(t *testing.T) {
	srv := imaptest.NewServer(t)
	p := newPool(t, srv)
	var most, now atomic.Int32
	seen := map[*imapclient.Client]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			require.NoError(t, p.Do(t.Context(), func(ctx context.Context, c *imapclient.Client) error {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer now.Add(-1)
				mu.Lock()
				seen[c] = true
				mu.Unlock()
				return c.Noop(ctx)
			}))
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int32(2))
	require.LessOrEqual(t, len(seen), 2)
	srv.DropAll()
	for range 3 { // a lost connection is noticed, at the latest by who uses it
		if p.Do(t.Context(), noop) == nil {
			break
		}
	}
	require.NoError(t, p.Do(t.Context(), noop))
	require.NoError(t, p.Close())
	require.ErrorIs(t, p.Do(t.Context(), noop), imapclient.ErrClosed)
}

// A server that can't be reached is asked less and less often, and found again when it is back.
// What nobody has used for a while is closed, and its place is there for another.
func TestPoolTrim(t *testing.T) {
	p := newPool(t, imaptest.NewServer(t))
	var all []*imapclient.Client
	require.NoError(t, p.Do(t.Context(), func(ctx context.Context, one *imapclient.Client) error {
		all = append(all, one)
		return p.Do(ctx, func(_ context.Context, two *imapclient.Client) error {
			all = append(all, two)
			return nil
		})
	}))
	p.Trim(time.Hour)
	for _, c := range all {
		require.NotEqual(t, imapclient.StateLogout, c.State())
	}
	p.Trim(0)
	for _, c := range all {
		require.Equal(t, imapclient.StateLogout, c.State())
	}
	for range 3 {
		require.NoError(t, p.Do(t.Context(), noop))
	}
}

func TestPoolBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t)
		p := newPool(t, srv)
		good, tries := p.Connect, 0
		start := time.Now()
		p.Connect = func(ctx context.Context) (*imapclient.Client, error) {
			if tries++; time.Since(start) < 10*time.Minute {
				return nil, errors.New("connection refused")
			}
			return good(ctx)
		}
		require.NoError(t, p.Do(t.Context(), noop))
		require.Less(t, time.Since(start), 16*time.Minute)
		require.Greater(t, tries, 8)
		require.Less(t, tries, 20)

		time.Sleep(time.Hour) // it lies, and is asked whether it lives
		srv.Fail(imaptest.Fault{Command: "NOOP", Times: 1, Delay: time.Minute})
		require.NoError(t, p.Do(t.Context(), noop))

		p.Close()
		srv.Close()
	})
}

func TestPoolGivesUp(t *testing.T) {
	srv := imaptest.NewServer(t)
	p := &imapclient.Pool{Connect: func(ctx context.Context) (*imapclient.Client, error) {
		return imapclient.Dial(ctx, "x:143", &imapclient.Options{Dial: srv.Dial, Auth: &mail.Credentials{Username: "alice", Password: "wrong"}})
	}}
	require.ErrorIs(t, p.Do(t.Context(), noop), mail.ErrAuthFailed)
	p.Connect = func(context.Context) (*imapclient.Client, error) { return nil, errors.New("refused") }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, p.Do(ctx, noop), context.DeadlineExceeded)
}
