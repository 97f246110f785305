package sqldb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/buuta/mail/examples/fullserver/internal/hostpool"
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
		return nil, hostpool.ErrClosed
	}
	if known := p.pools[c.key()]; known != nil {
		return known, nil
	}
	pool := &Pool{config: c, limits: p.Limits.withDefaults(), dial: p.Dial}
	connect, err := connector(pool)
	if err != nil {
		return nil, err
	}
	hosts, err := parseHosts(&c)
	if err != nil {
		return nil, err
	}
	var places []hostpool.Host
	for _, h := range hosts {
		places = append(places, hostpool.Host{Name: h.name, Local: h.network == "unix"})
	}
	l := &pool.limits
	pool.conns = hostpool.New(places, hostpool.Limits{Conns: l.Conns, Connect: l.Connect, Total: l.Query, Idle: l.Idle, Retry: l.Retry},
		func(ctx context.Context, i int) (conn, error) { return connect(ctx, &hosts[i]) })
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
		pool.conns.Close()
	}
	return nil
}

// Pool is one database. It may be used by many goroutines.
type Pool struct {
	config Config
	limits Limits
	dial   Dialer
	conns  *hostpool.Pool[conn]
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
func (p *Pool) Query(ctx context.Context, build func(Quote) (string, error)) (r *Result, err error) {
	err = p.conns.Do(ctx, func(ctx context.Context, c conn) (hostpool.Verdict, error) {
		text, err := build(c.quote)
		if err != nil {
			return hostpool.Final, err
		}
		r, err = c.query(ctx, text, &p.limits)
		var q *QueryError
		switch {
		case errors.As(err, &q):
			return hostpool.Harmless, err
		case errors.Is(err, ErrTooMuch):
			return hostpool.Fatal, err
		}
		return hostpool.Broken, err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Ping asks whether there is a database at all.
func (p *Pool) Ping(ctx context.Context) error {
	_, err := p.Query(ctx, func(Quote) (string, error) { return "SELECT 1", nil })
	return err
}
