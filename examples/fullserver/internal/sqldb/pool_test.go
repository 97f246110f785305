package sqldb

import (
	"context"
	"errors"
	"fmt"
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

func (c *fakeConn) quote(s string) (string, error) { return strings.ReplaceAll(s, "'", "''"), nil }

func (c *fakeConn) fresh() bool { return true }

func (c *fakeConn) close() {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.open--
}

func (c *fakeConn) query(ctx context.Context, text string, l *Limits) (*Result, error) {
	if c.f.hold != nil {
		select {
		case <-c.f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.asked[c.host]++
	if c.f.down[c.host] || c.dead {
		return nil, errors.New("connection reset")
	}
	if text == "bad" {
		return nil, &QueryError{errors.New("syntax error")}
	}
	return &Result{Columns: []string{"host"}, Rows: [][]Value{{{Text: c.host}}}}, nil
}

func newFakes(hosts ...string) (*fakes, *Pool) {
	f := &fakes{down: map[string]bool{}, asked: map[string]int{}}
	p := &Pool{limits: Limits{Conns: 3}.withDefaults()}
	p.turns = make(chan struct{}, p.limits.Conns)
	p.connect = func(_ context.Context, h *host) (conn, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dials = append(f.dials, h.name)
		if f.down[h.name] {
			return nil, errors.New("connection refused")
		}
		f.open++
		return &fakeConn{f: f, host: h.name}, nil
	}
	for _, h := range hosts {
		network := "tcp"
		if strings.HasPrefix(h, "/") {
			network = "unix"
		}
		p.places = append(p.places, &place{host: host{name: h, network: network}})
	}
	return f, p
}

func ask(p *Pool, text string) (string, error) {
	r, err := p.Query(ctx, func(Quote) (string, error) { return text, nil })
	if err != nil {
		return "", err
	}
	return r.Rows[0][0].Text, nil
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
		p.close()
		require.Zero(t, f.conns())
		_, err = ask(p, "q")
		require.ErrorIs(t, err, errClosed)
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
		p.close()
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
		p.close()
	})
}

// A connection that was closed by the server while nobody used it costs nobody an answer; a query that is wrong costs no connection.
func TestStaleAndWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, p := newFakes("a")
		_, err := ask(p, "q")
		require.NoError(t, err)
		p.places[0].idle[0].conn.(*fakeConn).dead = true
		_, err = ask(p, "q")
		require.NoError(t, err)
		require.Len(t, f.dials, 2)
		_, err = ask(p, "bad")
		var q *QueryError
		require.ErrorAs(t, err, &q)
		_, err = ask(p, "q")
		require.NoError(t, err)
		require.Len(t, f.dials, 2)
		_, err = p.Query(ctx, func(Quote) (string, error) { return "", errNUL })
		require.ErrorIs(t, err, errNUL)
		require.Equal(t, 1, f.conns())
		p.close()
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
		_, err := p.Query(impatient, func(Quote) (string, error) { return "q", nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
		close(f.hold)
		wg.Wait()
		require.LessOrEqual(t, len(f.dials), 3)
		require.Zero(t, p.places[0].fails, "who goes away is no failure of the host")
		p.close()
	})
}

func TestHosts(t *testing.T) {
	for s, want := range map[string]string{
		"localhost pgsql": "tcp localhost:5432", "inet:db:1 pgsql": "tcp db:1", "db:99 mysql": "tcp db:99", "localhost mysql": "unix " + mysqlSocket, "inet:localhost mysql": "unix " + mysqlSocket, "127.0.0.1 mysql": "tcp 127.0.0.1:3306",
		"unix:/run/x pgsql": "unix /run/x", "/run/y mysql": "unix /run/y", "[::1]:5 pgsql": "tcp [::1]:5", "[::1] pgsql": "tcp [::1]:5432", "postgresql://u:secret@h/d?x=y pgsql": "uri postgresql://u:secret@h/d?x=y",
		"inet:: pgsql": "!", "unix: pgsql": "!", "a:b pgsql": "!", "a:0 pgsql": "!", "a:1:2 mysql": "!", "postgresql://h/d mysql": "!",
	} {
		name, driver, _ := strings.Cut(s, " ")
		h, err := parseHost(name, driver)
		if want == "!" {
			require.Error(t, err, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want, h.network+" "+h.address, s)
		require.NotContains(t, h.name, "secret")
	}
}

func TestPairs(t *testing.T) {
	for s, want := range map[string]string{
		"host=localhost dbname=mails user=admin password=pass": "[[host localhost] [dbname mails] [user admin] [password pass]]", "a = 'b c' d=e\\ f g='it''": "!", `a='it\'s' b=`: "[[a it's] [b ]]", "": "[]", "x": "!", "=x": "!", "a='x": "!", "a=b\tc=d\n": "[[a b] [c d]]",
	} {
		got, err := parsePairs(s)
		if want == "!" {
			require.Error(t, err, s)
			continue
		}
		require.NoError(t, err, s)
		require.Equal(t, want, fmt.Sprint(got), s)
	}
}

// FuzzConnect: what says where a database is is understood or refused, and no error shows what may be a password.
func FuzzConnect(f *testing.F) {
	f.Add("host=a password='geheim x' port=1", "postgresql://u:geheim@h/d")
	f.Add(`a=\' geheim`, "unix:/x")
	f.Fuzz(func(t *testing.T, pairs, host string) {
		parsePairs(pairs)
		for _, driver := range []string{"pgsql", "mysql"} {
			if h, err := parseHost(host, driver); err == nil && h.network == "" {
				t.Fatal("no network")
			}
		}
	})
}

func TestSQLiteFloat(t *testing.T) {
	for v, want := range map[float64]string{1: "1.0", 0.1: "0.1", 1e20: "1.0e+20", 1.5e-7: "1.5e-07", 123456789.123456789: "123456789.123457", -0.5: "-0.5"} {
		require.Equal(t, want, sqliteFloat(v))
	}
}
