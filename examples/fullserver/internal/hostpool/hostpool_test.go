package hostpool

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

// fakes is a database of several hosts.
type fakes struct {
	mu    sync.Mutex
	down  map[string]bool
	dials []string
	open  int
	asked map[string]int
	hold  chan struct{} // queries wait for it
}

// conns is how many connections are open.
func (f *fakes) conns() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

type fakeConn struct {
	f    *fakes
	host string
	dead bool
}

func (c *fakeConn) Fresh() bool { return true }

func (c *fakeConn) Close() {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.open--
}

func (c *fakeConn) query(ctx context.Context, text string) (Verdict, error) {
	if c.f.hold != nil {
		select {
		case <-c.f.hold:
		case <-ctx.Done():
			return Broken, ctx.Err()
		}
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.asked[c.host]++
	if c.f.down[c.host] || c.dead {
		return Broken, errors.New("connection reset")
	}
	if text == "bad" {
		return Harmless, errSyntax
	}
	if text == "odd" {
		return Final, errSyntax
	}
	return Broken, nil
}

var errSyntax = errors.New("syntax error")

func newFakes(hosts ...string) (*fakes, *Pool[*fakeConn]) {
	f := &fakes{down: map[string]bool{}, asked: map[string]int{}}
	var places []Host
	for _, h := range hosts {
		places = append(places, Host{Name: h, Local: strings.HasPrefix(h, "/")})
	}
	l := Limits{Conns: 3, Connect: 10 * time.Second, Total: 30 * time.Second, Idle: time.Minute, Retry: time.Minute}
	return f, New(places, l, func(_ context.Context, i int) (*fakeConn, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dials = append(f.dials, hosts[i])
		if f.down[hosts[i]] {
			return nil, errors.New("connection refused")
		}
		f.open++
		return &fakeConn{f: f, host: hosts[i]}, nil
	})
}

func ask(p *Pool[*fakeConn], text string) (host string, err error) {
	err = p.Do(ctx, func(ctx context.Context, c *fakeConn) (Verdict, error) {
		host = c.host
		return c.query(ctx, text)
	})
	return host, err
}

// pgsql_table(5): "The connections are automatically closed after being idle for about 1 minute, and are re-opened as necessary."
func TestIdleConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a")
		for range 5 {
			_, err := ask(p, "q")
			require.NoError(t, err)
		}
		require.Len(t, f.dials, 1)
		time.Sleep(59 * time.Second)
		_, err := ask(p, "q")
		require.NoError(t, err)
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, f.conns())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Zero(t, f.conns())
		require.Len(t, f.dials, 1)
		_, err = ask(p, "q")
		require.NoError(t, err)
		require.Len(t, f.dials, 2)
		p.Close()
		require.Zero(t, f.conns())
		_, err = ask(p, "q")
		require.ErrorIs(t, err, ErrClosed)
	})
}

// mysql_table(5): "The hosts are tried in random order, with all connections over UNIX domain sockets being tried before those over TCP."
func TestSeveralHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a", "b", "/s")
		host, err := ask(p, "q")
		require.NoError(t, err)
		require.Equal(t, "/s", host)
		f.down["/s"] = true
		host, err = ask(p, "q")
		require.NoError(t, err)
		require.Contains(t, []string{"a", "b"}, host)
		dials := len(f.dials)
		for range 10 {
			same, err := ask(p, "q")
			require.NoError(t, err)
			require.Equal(t, host, same, "who has a connection is asked")
		}
		require.Len(t, f.dials, dials)
		f.down[host] = true
		other, err := ask(p, "q")
		require.NoError(t, err)
		require.NotEqual(t, host, other)
		p.Close()
	})
}

// A host that fails is left alone for longer each time, and what it failed with is said meanwhile.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a")
		f.down["a"] = true
		var waits []time.Duration
		last := time.Now()
		for range 9 {
			n := len(f.dials)
			for len(f.dials) == n {
				_, err := ask(p, "q")
				require.ErrorContains(t, err, "a: ")
				require.ErrorContains(t, err, "connection refused")
				if len(f.dials) == n {
					time.Sleep(100 * time.Millisecond)
				}
			}
			waits = append(waits, time.Since(last).Round(time.Second))
			last = time.Now()
		}
		s := time.Second
		require.Equal(t, []time.Duration{0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}, waits)
		f.down["a"] = false
		time.Sleep(time.Minute)
		_, err := ask(p, "q")
		require.NoError(t, err)
		f.down["a"] = true
		_, err = ask(p, "q")
		require.Error(t, err)
		f.down["a"] = false
		time.Sleep(time.Second)
		_, err = ask(p, "q")
		require.NoError(t, err, "it begins anew with a second")
		p.Close()
	})
}

// A connection that was closed by the server while nobody used it costs nobody an answer; a query that is wrong costs no connection.
func TestStaleAndWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a")
		_, err := ask(p, "q")
		require.NoError(t, err)
		p.places[0].idle[0].conn.dead = true
		_, err = ask(p, "q")
		require.NoError(t, err)
		require.Len(t, f.dials, 2)
		_, err = ask(p, "bad")
		require.ErrorIs(t, err, errSyntax)
		_, err = ask(p, "q")
		require.NoError(t, err)
		require.Len(t, f.dials, 2)
		_, err = ask(p, "odd")
		require.ErrorIs(t, err, errSyntax)
		require.Equal(t, 1, f.conns())
		p.Close()
	})
}

// More than Limits.Conns wait for their turn, as long as they want.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a")
		f.hold = make(chan struct{})
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := ask(p, "q"); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		require.Equal(t, 3, f.conns())
		impatient, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		err := p.Do(impatient, func(context.Context, *fakeConn) (Verdict, error) { return Broken, nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(f.hold)
		wg.Wait()
		require.LessOrEqual(t, len(f.dials), 3)
		require.Zero(t, p.places[0].fails, "who goes away is no failure of the host")
		p.Close()
	})
}
