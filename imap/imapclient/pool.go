package imapclient

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// Pool keeps some connections to a server open, and makes new ones when they are lost: at once after the first loss, then after
// waiting twice as long each time, so that a server that is in trouble is not asked by everybody at once. It may be used by many
// goroutines. Close it when done.
type Pool struct {
	// Connect makes a connection that is logged in; see [Dial].
	Connect func(ctx context.Context) (*Client, error)
	// Max is how many there are at most; 0: 4. Servers limit them, often to 10 or 15 a user.
	Max int
	// Wait is how long is waited after the first failure, about; 0: 1 s. It doubles up to MaxWait; 0: 5 min.
	Wait, MaxWait time.Duration

	mu       sync.Mutex
	idle     []pooled // the one used last comes last
	open     int      // those in use, too, and those being made
	failures int
	until    time.Time     // no connection is made before
	freed    chan struct{} // closed and replaced when a connection is free, or its place
	closed   bool
	clock    func() instant // nil: present
}

type pooled struct {
	c    *Client
	used instant
}

// staleAfter is how long a connection may lie before it is asked whether it lives; staleWait how long it may take to answer.
const (
	staleAfter = 30 * time.Second
	staleWait  = 10 * time.Second
)

// Do calls f with a connection, in whatever state the last one who had it has left it: f selects what it needs. It waits for one until
// ctx ends; what is wrong with the login or its security is an error at once, ErrClosed means that the pool has been
// closed. What f returns is returned: whether it can be done again, only the caller knows. A connection that has ended meanwhile
// does not come back.
func (p *Pool) Do(ctx context.Context, f func(ctx context.Context, c *Client) error) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.put(c)
	return f(ctx, c)
}

// Close closes the connections that nobody uses now; the others are closed when they come back.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.open -= len(idle)
	p.wake()
	p.mu.Unlock()
	for _, i := range idle {
		_ = i.c.Close()
	}
	return nil
}

// Trim closes the connections that nobody has used for some time.
func (p *Pool) Trim(unused time.Duration) {
	p.mu.Lock()
	n := 0 // the ones used least recently come first
	for n < len(p.idle) && p.now().since(p.idle[n].used) >= unused {
		n++
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	if p.open -= n; n > 0 {
		p.wake()
	}
	p.mu.Unlock()
	for _, i := range old {
		_ = i.c.Close()
	}
}

func (p *Pool) now() instant {
	if p.clock != nil {
		return p.clock()
	}
	return present()
}

// wake tells those who wait that something has changed. The pool is locked.
func (p *Pool) wake() {
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

func (p *Pool) put(c *Client) {
	p.mu.Lock()
	keep := !p.closed && c.State() != StateLogout
	if keep {
		p.idle = append(p.idle, pooled{c, p.now()})
	} else {
		p.open--
	}
	p.wake()
	p.mu.Unlock()
	if !keep {
		_ = c.Close()
	}
}

// take gets a connection that lives.
func (p *Pool) take(ctx context.Context) (*Client, error) {
	for {
		c, wait, err := p.next(ctx)
		switch {
		case err != nil:
			return nil, err
		case c != nil && p.lives(ctx, c):
			return c.c, nil
		case c != nil:
			p.put(c.c)
		case wait == nil:
			fresh, err := p.connect(ctx)
			if err == nil {
				return fresh, nil
			}
			if ctx.Err() != nil || errors.Is(err, mail.ErrAuthFailed) || errors.Is(err, ErrInsecure) || errors.Is(err, ErrBadArgument) {
				return nil, err
			}
		default:
			select {
			case <-wait:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	}
}

// next returns a connection that is free, or what to wait for; neither means that one can be made, for which the place is taken.
func (p *Pool) next(ctx context.Context) (*pooled, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, nil, context.Cause(ctx)
	}
	if p.closed {
		return nil, nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return &c, nil, nil
	}
	most := p.Max
	if most <= 0 {
		most = 4
	}
	delay := time.Until(p.until)
	if p.open < most && delay <= 0 {
		p.open++
		return nil, nil, nil
	}
	if p.freed == nil {
		p.freed = make(chan struct{})
	}
	freed := p.freed
	if p.open >= most {
		return nil, freed, nil
	}
	either := make(chan struct{})
	go func() { // ends with the delay at the latest
		defer close(either)
		t := time.NewTimer(delay)
		defer t.Stop()
		select {
		case <-freed:
		case <-t.C:
		case <-ctx.Done():
		}
	}()
	return nil, either, nil
}

func (p *Pool) lives(ctx context.Context, c *pooled) bool {
	if c.c.State() == StateLogout {
		return false
	}
	if p.now().since(c.used) < staleAfter {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, staleWait)
	defer cancel()
	if c.c.Noop(ctx) == nil {
		return true
	}
	_ = c.c.Close()
	return false
}

func (p *Pool) connect(ctx context.Context) (*Client, error) {
	c, err := p.Connect(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.failures = 0
		return c, nil
	}
	p.open--
	if ctx.Err() == nil { // else it says nothing about the server
		p.until = time.Now().Add(backOff(p.Wait, p.MaxWait, p.failures))
		p.failures++
	}
	p.wake()
	return nil, err
}

// backOff returns how long to wait after so many failures before, with a random part so that not all come at the same time.
func backOff(first, most time.Duration, failures int) time.Duration {
	first, most = orDefault(first, time.Second), orDefault(most, 5*time.Minute)
	d := first << min(failures, 20)
	if d > most || d <= 0 {
		d = most
	}
	return d/2 + rand.N(d/2+1)
}
