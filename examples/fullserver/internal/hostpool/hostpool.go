// Package hostpool keeps connections to a service that several hosts offer: databases and directories.
//
// Nothing is connected before the first question. Hosts that have a connection are asked first, then sockets, then the others in random order; a host that
// fails is left alone for a second, then two, up to a minute. A connection that nobody has used for a minute is closed.
package hostpool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Conn is a connection. It is used by one goroutine at a time.
type Conn interface {
	Fresh() bool // whether it still leads to what its host's name means
	Close()
}

// Host is one place where the service is.
type Host struct {
	Name  string // for errors: without a password
	Local bool   // a socket
}

// Limits bound a pool. None may be zero.
type Limits struct {
	Conns   int           // in use at once
	Connect time.Duration // for a connection
	Total   time.Duration // for an answer, with the wait for a connection
	Idle    time.Duration // after which a connection is closed
	Retry   time.Duration // how long a host that fails is left alone, at most
}

// Pool is one service. It may be used by many goroutines.
type Pool[C Conn] struct {
	limits  Limits
	connect func(ctx context.Context, host int) (C, error)
	turns   chan struct{} // one for each connection in use

	mu     sync.Mutex
	places []*place[C]
	timer  *time.Timer
	done   bool
}

// place is a host with its connections.
type place[C Conn] struct {
	host  Host
	i     int
	idle  []idle[C] // the one used last is last
	fails int
	again time.Time // when it is worth trying, after it has failed
	err   error     // with which
}

type idle[C Conn] struct {
	conn  C
	since time.Time
}

// New makes a pool. connect connects to the host of a number.
func New[C Conn](hosts []Host, l Limits, connect func(ctx context.Context, host int) (C, error)) *Pool[C] {
	p := &Pool[C]{limits: l, connect: connect, turns: make(chan struct{}, l.Conns)}
	for i, h := range hosts {
		p.places = append(p.places, &place[C]{host: h, i: i})
	}
	return p
}

// Verdict says what an error means for the connection that it came over, and for other hosts.
type Verdict int

// What an error may mean.
const (
	Broken   Verdict = iota // the connection is of no use any more; another one, or host, may be
	Harmless                // the connection is as good as before; another host may answer otherwise
	Final                   // the connection is as good as before; nobody else is to be asked
	Fatal                   // the connection is of no use any more; nobody else is to be asked
)

// ErrClosed says that the pool is closed.
var ErrClosed = errors.New("the connections are closed")

// Do asks one host after the other until one answers. An error says that nobody knows.
func (p *Pool[C]) Do(ctx context.Context, ask func(ctx context.Context, c C) (Verdict, error)) error {
	ctx, cancel := context.WithTimeout(ctx, p.limits.Total)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return fmt.Errorf("all %d connections are in use: %w", p.limits.Conns, ctx.Err())
	}
	var errs hostErrors
	for _, pl := range p.order() {
		verdict, err := p.ask(ctx, pl, ask)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || verdict >= Final {
			return err
		}
		errs = append(errs, fmt.Errorf("%s: %w", pl.host.Name, err))
	}
	return errs
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

// order is in which hosts are asked: those with connections, then sockets, then by chance; those that have failed last.
func (p *Pool[C]) order() []*place[C] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.places) == 1 {
		return p.places
	}
	out := make([]*place[C], len(p.places))
	rank := make(map[*place[C]]float64, len(out))
	for i, pl := range p.places {
		out[i] = pl
		r := rand.Float64()
		if !pl.host.Local {
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

// ask asks one host. A connection that was idle may be dead by now: then a new one is tried.
func (p *Pool[C]) ask(ctx context.Context, pl *place[C], ask func(ctx context.Context, c C) (Verdict, error)) (Verdict, error) {
	for {
		c, kept, err := p.take(ctx, pl)
		if err != nil {
			return Broken, err
		}
		verdict, err := ask(ctx, c)
		if err == nil || verdict == Harmless || verdict == Final {
			p.give(pl, c)
			return verdict, err
		}
		c.Close()
		if verdict == Broken && ctx.Err() == nil {
			if kept {
				continue
			}
			p.failed(pl, err)
		}
		return verdict, err
	}
}

// take returns a connection, kept from before or new.
func (p *Pool[C]) take(ctx context.Context, pl *place[C]) (c C, kept bool, err error) {
	var none C
	for {
		p.mu.Lock()
		if p.done {
			p.mu.Unlock()
			return none, false, ErrClosed
		}
		n := len(pl.idle)
		if n == 0 {
			wait, last := time.Duration(0), pl.err
			if pl.fails > 0 {
				wait = time.Until(pl.again)
			}
			p.mu.Unlock()
			if wait > 0 {
				return none, false, fmt.Errorf("left alone for another %v since it failed: %w", wait.Round(100*time.Millisecond), last)
			}
			break
		}
		c = pl.idle[n-1].conn
		pl.idle = pl.idle[:n-1]
		p.mu.Unlock()
		if c.Fresh() {
			return c, true, nil
		}
		c.Close()
	}
	dialing, cancel := context.WithTimeout(ctx, p.limits.Connect)
	defer cancel()
	c, err = p.connect(dialing, pl.i)
	if err != nil {
		if ctx.Err() == nil {
			p.failed(pl, err)
		}
		return none, false, err
	}
	return c, false, nil
}

func (p *Pool[C]) failed(pl *place[C], err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl.fails++
	pl.err = err
	pl.again = time.Now().Add(min(p.limits.Retry, time.Second<<min(pl.fails-1, 10)))
}

// give keeps a connection for the next question.
func (p *Pool[C]) give(pl *place[C], c C) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl.fails, pl.err = 0, nil
	if p.done {
		c.Close()
		return
	}
	pl.idle = append(pl.idle, idle[C]{c, time.Now()})
	if p.timer == nil {
		p.timer = time.AfterFunc(p.limits.Idle, p.expire)
	}
}

// expire closes what nobody has used for long.
func (p *Pool[C]) expire() {
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
			pl.idle[old].conn.Close()
			old++
		}
		pl.idle = append([]idle[C](nil), pl.idle[old:]...)
		if len(pl.idle) > 0 && (next.IsZero() || pl.idle[0].since.Before(next)) {
			next = pl.idle[0].since
		}
	}
	if !next.IsZero() {
		p.timer = time.AfterFunc(time.Until(next.Add(p.limits.Idle)), p.expire)
	}
}

// Close closes all connections. Those that are in use are closed when their question is answered.
func (p *Pool[C]) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, pl := range p.places {
		for _, i := range pl.idle {
			i.conn.Close()
		}
		pl.idle = nil
	}
}
