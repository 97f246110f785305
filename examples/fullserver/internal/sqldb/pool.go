package sqldb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Pools are the databases of a program. The zero value is ready to use; fields must not change once it is used.
type Pools struct {
	Limits Limits
	Dial   Dialer

	mu    sync.Mutex
	pools map[string]*Pool
	done  bool
}

// Get returns the pool of a database, the same for the same Config. It connects nothing; a configuration that makes no sense, and a file of
// SQLite's that isn't there, is an error.
func (p *Pools) Get(c Config) (*Pool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return nil, errClosed
	}
	if known := p.pools[c.key()]; known != nil {
		return known, nil
	}
	pool := &Pool{config: c, limits: p.Limits.withDefaults(), dial: p.Dial}
	var err error
	if pool.connect, err = connector(pool); err != nil {
		return nil, err
	}
	hosts, err := parseHosts(&c)
	if err != nil {
		return nil, err
	}
	pool.turns = make(chan struct{}, pool.limits.Conns)
	for _, h := range hosts {
		pool.places = append(pool.places, &place{host: h})
	}
	if p.pools == nil {
		p.pools = map[string]*Pool{}
	}
	p.pools[c.key()] = pool
	return pool, nil
}

// Close closes all connections. Those that are in use are closed when their query ends.
func (p *Pools) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	for _, pool := range p.pools {
		pool.close()
	}
	return nil
}

var errClosed = errors.New("the database's connections are closed")

// Pool is one database. It may be used by many goroutines.
type Pool struct {
	config  Config
	limits  Limits
	dial    Dialer
	connect func(ctx context.Context, h *host) (conn, error)
	turns   chan struct{} // one for each connection in use

	mu     sync.Mutex
	places []*place
	timer  *time.Timer
	done   bool
}

// place is a host with its connections.
type place struct {
	host  host
	idle  []idle // the one used last is last
	fails int
	again time.Time // when it is worth trying, after it has failed
	err   error     // with which
}

type idle struct {
	conn  conn
	since time.Time
}

func connector(p *Pool) (func(ctx context.Context, h *host) (conn, error), error) {
	switch p.config.Driver {
	case "sqlite":
		return p.connectSQLite, checkSQLite(p.config.Database)
	case "pgsql":
		return p.connectPostgres, p.checkPostgres()
	case "mysql":
		return p.connectMySQL, p.checkMySQL()
	}
	return nil, fmt.Errorf("unknown driver %q; known are mysql, pgsql, sqlite", p.config.Driver)
}

// Query asks with the text that build makes. Quote escapes for the connection that is used. An error says that nobody knows the answer.
func (p *Pool) Query(ctx context.Context, build func(Quote) (string, error)) (*Result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Query)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, fmt.Errorf("all %d connections are in use: %w", p.limits.Conns, ctx.Err())
	}
	var errs []error
	for _, pl := range p.order() {
		r, err := p.ask(ctx, pl, build)
		if err == nil {
			return r, nil
		}
		if ctx.Err() != nil || errors.Is(err, ErrTooMuch) || errors.Is(err, errBuild) {
			return nil, err
		}
		errs = append(errs, fmt.Errorf("%s: %w", pl.host.name, err))
	}
	return nil, hostErrors(errs)
}

// hostErrors is what each host has failed with, on one line.
type hostErrors []error

func (e hostErrors) Error() string {
	all := make([]string, len(e))
	for i, err := range e {
		all[i] = strings.ReplaceAll(err.Error(), "\n", " ")
	}
	return strings.Join(all, "; ")
}

func (e hostErrors) Unwrap() []error { return e }

// Ping asks whether there is a database at all.
func (p *Pool) Ping(ctx context.Context) error {
	_, err := p.Query(ctx, func(Quote) (string, error) { return "SELECT 1", nil })
	return err
}

// order is in which hosts are asked: those with connections, then sockets, then by chance; those that have failed last.
func (p *Pool) order() []*place {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]*place, len(p.places))
	rank := make(map[*place]float64, len(out))
	for i, pl := range p.places {
		out[i] = pl
		if len(p.places) == 1 {
			return out
		}
		r := rand.Float64()
		if pl.host.network != "unix" {
			r++
		}
		if len(pl.idle) == 0 {
			r += 4
		}
		if pl.fails > 0 {
			r += 8
		}
		rank[pl] = r
	}
	for i := range out { // few hosts
		for j := i; j > 0 && rank[out[j]] < rank[out[j-1]]; j-- {
			out[j], out[j-1] = out[j-1], out[j]
		}
	}
	return out
}

// errBuild marks an error of the caller's own.
var errBuild = errors.New("query")

// ask asks one host. A connection that was idle may be dead by now: then a new one is tried.
func (p *Pool) ask(ctx context.Context, pl *place, build func(Quote) (string, error)) (*Result, error) {
	for {
		c, kept, err := p.take(ctx, pl)
		if err != nil {
			return nil, err
		}
		text, err := build(c.quote)
		if err != nil {
			p.give(pl, c)
			return nil, fmt.Errorf("%w: %w", errBuild, err)
		}
		r, err := c.query(ctx, text, &p.limits)
		var q *QueryError
		if err == nil || errors.As(err, &q) {
			p.give(pl, c)
			return r, err
		}
		c.close()
		if kept && ctx.Err() == nil && !errors.Is(err, ErrTooMuch) {
			continue
		}
		if ctx.Err() == nil && !errors.Is(err, ErrTooMuch) {
			p.failed(pl, err)
		}
		return nil, err
	}
}

// take returns a connection, kept from before or new.
func (p *Pool) take(ctx context.Context, pl *place) (c conn, kept bool, err error) {
	for {
		p.mu.Lock()
		if p.done {
			p.mu.Unlock()
			return nil, false, errClosed
		}
		n := len(pl.idle)
		if n == 0 {
			wait, last := time.Duration(0), pl.err
			if pl.fails > 0 {
				wait = time.Until(pl.again)
			}
			p.mu.Unlock()
			if wait > 0 {
				return nil, false, fmt.Errorf("left alone for another %v since it failed: %w", wait.Round(100*time.Millisecond), last)
			}
			break
		}
		c = pl.idle[n-1].conn
		pl.idle = pl.idle[:n-1]
		p.mu.Unlock()
		if c.fresh() {
			return c, true, nil
		}
		c.close()
	}
	dialing, cancel := context.WithTimeout(ctx, p.limits.Connect)
	defer cancel()
	c, err = p.connect(dialing, &pl.host)
	if err != nil {
		if ctx.Err() == nil {
			p.failed(pl, err)
		}
		return nil, false, err
	}
	return c, false, nil
}

func (p *Pool) failed(pl *place, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl.fails++
	pl.err = err
	pl.again = time.Now().Add(min(p.limits.Retry, time.Second<<min(pl.fails-1, 10)))
}

// give keeps a connection for the next query.
func (p *Pool) give(pl *place, c conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl.fails, pl.err = 0, nil
	if p.done {
		c.close()
		return
	}
	pl.idle = append(pl.idle, idle{c, time.Now()})
	if p.timer == nil {
		p.timer = time.AfterFunc(p.limits.Idle, p.expire)
	}
}

// expire closes what nobody has used for long.
func (p *Pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	if p.done {
		return
	}
	var next time.Time
	for _, pl := range p.places {
		old := 0
		for old < len(pl.idle) && time.Since(pl.idle[old].since) >= p.limits.Idle {
			pl.idle[old].conn.close()
			old++
		}
		pl.idle = append([]idle(nil), pl.idle[old:]...)
		if len(pl.idle) > 0 && (next.IsZero() || pl.idle[0].since.Before(next)) {
			next = pl.idle[0].since
		}
	}
	if !next.IsZero() {
		p.timer = time.AfterFunc(time.Until(next.Add(p.limits.Idle)), p.expire)
	}
}

func (p *Pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, pl := range p.places {
		for _, i := range pl.idle {
			i.conn.close()
		}
		pl.idle = nil
	}
}
