package smtp

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Pool keeps idle connections for the next message. The zero value is ready. It may be used by many goroutines at once.
type Pool struct {
	MaxIdle     int           // idle connections for one key; 0: 2
	IdleTimeout time.Duration // how long a connection waits; 0: 30 s; negative: not at all
	MaxUse      int           // messages over one connection; 0: 100

	mu     sync.Mutex
	idle   map[string][]*pooled
	closed bool
}

type pooled struct {
	c     *Client
	timer *time.Timer
}

// Get takes an idle connection that was put under key, nil when there is none. The server may have closed it meanwhile.
func (p *Pool) Get(key string) *Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[key]
	if len(list) == 0 {
		return nil
	}
	e := list[len(list)-1]
	list[len(list)-1] = nil
	p.keep(key, list[:len(list)-1])
	e.timer.Stop()
	return e.c
}

// Put gives a connection back. One that is broken, used up or too many is closed.
func (p *Pool) Put(key string, c *Client) {
	c.uses++
	c.connect = 0
	p.mu.Lock()
	wait := timeout(p.IdleTimeout, 30*time.Second)
	if wait < 0 || c.closed || c.current != nil || c.uses >= positive(p.MaxUse, 100) || p.closed || len(p.idle[key]) >= positive(p.MaxIdle, 2) {
		p.mu.Unlock()
		c.Quit(context.Background())
		return
	}
	defer p.mu.Unlock()
	e := &pooled{c: c}
	e.timer = time.AfterFunc(wait, func() { p.expire(key, e) })
	p.keep(key, append(p.idle[key], e))
}

func (p *Pool) keep(key string, list []*pooled) {
	switch {
	case len(list) == 0:
		delete(p.idle, key)
	case p.idle == nil:
		p.idle = map[string][]*pooled{key: list}
	default:
		p.idle[key] = list
	}
}

// expire closes a connection that has waited long enough, unless somebody has taken it.
func (p *Pool) expire(key string, e *pooled) {
	p.mu.Lock()
	i := slices.Index(p.idle[key], e)
	if i >= 0 {
		p.keep(key, append(p.idle[key][:i:i], p.idle[key][i+1:]...))
	}
	p.mu.Unlock()
	if i >= 0 {
		e.c.Quit(context.Background())
	}
}

// CloseIdle closes the connections that are idle now.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.idle {
		for _, e := range list {
			e.timer.Stop()
			e.c.Close()
		}
	}
	p.idle = nil
}

// Close closes the idle connections, and those that are put back later.
func (p *Pool) Close() error {
	p.CloseIdle()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}
