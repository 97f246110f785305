package imapclient_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/imap/imapclient"
	"github.com/buuta/mail/imap/imaptest"
)

// at makes a client with a clock on the wall in a bubble.
func at(t *testing.T, w *imapclient.Wall, srv *imaptest.Server, change func(*imapclient.Options)) (*imapclient.Client, *trace) {
	conn, err := srv.Dial(t.Context(), "", "")
	require.NoError(t, err)
	tr := &trace{}
	o := &imapclient.Options{ServerName: "imaptest.example", Auth: alice(), Trace: tr.add}
	if change != nil {
		change(o)
	}
	c, err := imapclient.NewClientAt(t.Context(), w, conn, o)
	require.NoError(t, err)
	_, err = c.Select(t.Context(), "INBOX", nil)
	require.NoError(t, err)
	return c, tr
}

// Timeouts hold whatever happens to the clocks: while the machine sleeps the steady one stands still, and that on the wall may be set.
func TestTimeoutsAndClocks(t *testing.T) {
	for name, x := range map[string]struct {
		set         time.Duration // what the clock on the wall shows more, 30 s after the command
		least, most time.Duration // when the call gives up
	}{
		"nothing":  {0, 2 * time.Minute, 2*time.Minute + 20*time.Second},
		"slept":    {8 * time.Hour, 30 * time.Second, time.Minute},
		"set back": {-8 * time.Hour, 2 * time.Minute, 2*time.Minute + 20*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t)
				var w imapclient.Wall
				c, _ := at(t, &w, srv, nil)
				srv.Fail(imaptest.Fault{Command: "NOOP", Delay: time.Hour, Drop: true})
				start := time.Now()
				time.AfterFunc(30*time.Second, func() { w.Set(x.set) })
				require.ErrorIs(t, c.Noop(t.Context()), imapclient.ErrTimeout)
				require.GreaterOrEqual(t, time.Since(start), x.least)
				require.LessOrEqual(t, time.Since(start), x.most)
				srv.Close()
			})
		})
	}
}

// A connection that nobody uses may be silent for as long as it likes.
func TestSilenceIsNoTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t)
		var w imapclient.Wall
		c, _ := at(t, &w, srv, nil)
		time.Sleep(10 * time.Minute)
		w.Set(8 * time.Hour)
		time.Sleep(10 * time.Minute)
		require.NoError(t, c.Noop(t.Context()))
		require.NoError(t, c.Close())
		srv.Close()
	})
}

// IDLE is renewed every nine minutes, at once when the machine has slept, and not later because the clock was set back; without IDLE
// the server is asked once a minute.
func TestIdleRenewed(t *testing.T) {
	for name, x := range map[string]struct {
		without []string
		command string
		set     time.Duration
		n       int // in an hour
	}{
		"IDLE":                     {nil, "IDLE", 0, 7},
		"IDLE after sleep":         {nil, "IDLE", time.Hour, 7},
		"IDLE, the clock set back": {nil, "IDLE", -time.Hour, 7},
		"NOOP":                     {[]string{"IDLE", "IMAP4rev2"}, "NOOP", 0, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := imaptest.NewServer(t)
				var w imapclient.Wall
				c, tr := at(t, &w, srv, func(o *imapclient.Options) { o.Without = x.without })
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				// Just after a renewal: that which comes of the sleep is one more, soon, and the next nine minutes behind it.
				time.AfterFunc(10*time.Minute, func() {
					before := strings.Count(tr.String(), "\nC: A")
					w.Set(x.set)
					time.Sleep(30 * time.Second)
					if x.set > 0 {
						require.Greater(t, strings.Count(tr.String(), "\nC: A"), before)
					}
				})
				for _, err := range c.Idle(ctx) {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				require.InDelta(t, x.n, len(regexp.MustCompile(`C: A\d+ `+x.command).FindAllString(tr.String(), -1)), 1)
				require.NoError(t, c.Noop(t.Context()))
				require.NoError(t, c.Close())
				srv.Close()
			})
		})
	}
}

// A connection that lay in the pool while the machine slept is asked whether it lives before anybody gets it.
func TestPoolAfterSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t)
		p := newPool(t, srv)
		var w imapclient.Wall
		p.SetClock(&w)
		var first, second *imapclient.Client
		get := func(to **imapclient.Client) {
			require.NoError(t, p.Do(t.Context(), func(_ context.Context, c *imapclient.Client) error {
				*to = c
				return nil
			}))
		}
		get(&first)
		w.Set(8 * time.Hour)
		srv.Fail(imaptest.Fault{Command: "NOOP", Times: 1, Delay: time.Hour, Drop: true}) // it is dead, and nobody says so
		start := time.Now()
		get(&second)
		require.NotSame(t, first, second)
		require.LessOrEqual(t, time.Since(start), time.Minute)
		require.NoError(t, p.Close())
		srv.Close()
	})
}

// A loop over Idle that is left while IDLE has not begun yet leaves the connection as it was.
func TestIdleCancelledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := imaptest.NewServer(t)
		var w imapclient.Wall
		c, _ := at(t, &w, srv, nil)
		srv.Fail(imaptest.Fault{Command: "IDLE", Times: 1, Delay: time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		for _, err := range c.Idle(ctx) {
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		require.NoError(t, c.Noop(t.Context()))
		require.NoError(t, c.Close())
		srv.Close()
	})
}
