package mirror_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail"
	"github.com/buuta/mail/imap"
	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imapclient/mirror"
	"github.com/buuta/mail/imap/imaptest"
)

// TestGroup follows three mailboxes over one connection: with NOTIFY at once, without it the first at once and the others when they are
// asked for, and without IDLE and CONDSTORE all when it is time.
func TestGroup(t *testing.T) {
	for name, x := range map[string]struct {
		without        []imap.Capability
		first, another time.Duration // how long news take at most
	}{
		"NOTIFY":              {nil, time.Second, time.Second},
		"IDLE and STATUS":     {[]imap.Capability{"NOTIFY"}, time.Second, 61 * time.Second},
		"NOOP and STATUS":     {[]imap.Capability{"NOTIFY", "IDLE", "IMAP4rev2"}, 61 * time.Second, 61 * time.Second},
		"without CONDSTORE":   {[]imap.Capability{"NOTIFY", "CONDSTORE", "QRESYNC"}, time.Second, 11 * time.Minute},
		"without QRESYNC":     {[]imap.Capability{"QRESYNC"}, time.Second, time.Second},
		"without LIST and Co": {[]imap.Capability{"NOTIFY", "LIST-STATUS", "ESEARCH", "IMAP4rev2"}, time.Second, 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t)
				srv.Config.Without = x.without
				pool := &imapclient.Pool{Max: 1, Connect: func(ctx context.Context) (*imapclient.Client, error) {
					return imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial,
						Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
				}}
				names := []string{"INBOX", "Other", "Archive/2024"}
				caches := map[string]*mirror.Memory{}
				g := &mirror.Group{}
				byName := map[string]*mirror.Mirror{}
				for _, n := range names {
					srv.Mailbox(n)
					caches[n] = &mirror.Memory{}
					byName[n] = &mirror.Mirror{Mailbox: n, Cache: caches[n]}
					g.Mirrors = append(g.Mirrors, byName[n])
				}
				var syncs atomic.Int32
				var cut atomic.Bool
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				g.Done = func(_ *mirror.Mirror, _ *mirror.Result, err error) {
					if syncs.Add(1); ctx.Err() == nil && !cut.Load() {
						require.NoError(t, err)
					}
				}
				here, ended := make(chan *mirror.Mirror), make(chan error, 1)
				go func() { ended <- g.Follow(ctx, pool, here) }()
				settle := func(box string) {
					most := x.another
					if box == "INBOX" {
						most = x.first
					}
					time.Sleep(most)
					synctest.Wait()
				}
				time.Sleep(5 * time.Second)
				for round := range 3 {
					for _, n := range names {
						srv.Add(n, message(round))
						settle(n)
						require.Len(t, caches[n].Messages(), round+1, "%s: a new message", n)
						_, err := srv.Mailbox(n).SetFlags(t.Context(), mail.UIDSetOf(1), mail.FlagChange{Op: mail.FlagsAdd, Flags: mail.NewFlags([]string{"a", "b", "c"}[round])})
						require.NoError(t, err)
						settle(n)
						requireEqual(t, caches[n], srv.Mailbox(n))
						caches[n].SetFlags(mail.UIDSetOf(1), mail.FlagsAdd, mail.NewFlags([]string{"d", "e", "f"}[round]))
						here <- byName[n]
						time.Sleep(time.Second)
						synctest.Wait()
						requireEqual(t, caches[n], srv.Mailbox(n))
					}
				}
				for _, n := range names {
					_, err := srv.Mailbox(n).Expunge(t.Context(), mail.UIDSetOf(2), nil)
					require.NoError(t, err)
					settle(n)
					requireEqual(t, caches[n], srv.Mailbox(n))
				}
				// It outlives the loss of the connection.
				cut.Store(true)
				srv.DropAll()
				srv.Add("Other", message(9))
				time.Sleep(20 * time.Second)
				settle("Other")
				require.Len(t, caches["Other"].Messages(), 3)
				// While nothing happens it does hardly anything: it looks every ten minutes.
				before := syncs.Load()
				time.Sleep(time.Hour)
				require.LessOrEqual(t, int(syncs.Load()-before), 6*(2*len(names)+1))
				cancel()
				require.ErrorIs(t, <-ended, context.Canceled)
				require.NoError(t, pool.Close())
				srv.Close()
			})
		})
	}
}

// A mailbox that can't be opened does not keep the others from being followed, and is tried again.
func TestGroupWithoutMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t)
		pool := &imapclient.Pool{Connect: func(ctx context.Context) (*imapclient.Client, error) {
			return imapclient.Dial(ctx, "imaptest.example:143", &imapclient.Options{Dial: srv.Dial,
				Auth: &mail.Credentials{Username: imaptest.Username, Password: imaptest.Password}})
		}}
		inbox, later := &mirror.Memory{}, &mirror.Memory{}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var refused atomic.Int32
		g := &mirror.Group{Mirrors: []*mirror.Mirror{{Mailbox: "Later", Cache: later}, {Mailbox: "INBOX", Cache: inbox}}, Done: func(_ *mirror.Mirror, _ *mirror.Result, err error) {
			if err != nil && ctx.Err() == nil {
				require.True(t, imapclient.Refused(err), "%v", err)
				refused.Add(1)
			}
		}}
		ended := make(chan error, 1)
		go func() { ended <- g.Follow(ctx, pool, nil) }()
		time.Sleep(time.Minute)
		srv.Add("INBOX", message(1))
		time.Sleep(2 * time.Minute)
		require.Len(t, inbox.Messages(), 1)
		require.Positive(t, refused.Load())
		srv.Add("Later", message(2))
		time.Sleep(2 * time.Minute)
		require.Len(t, later.Messages(), 1)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		require.NoError(t, pool.Close())
		srv.Close()
	})
	require.ErrorIs(t, (&mirror.Group{}).Follow(t.Context(), nil, nil), imapclient.ErrBadArgument)
}
