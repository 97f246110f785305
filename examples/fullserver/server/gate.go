package server

import (
	"errors"
	"net"
	"sync"
)

// gate is a listener whose connections go to one server after another: each server has a passage through it, which can be closed without the listener.
type gate struct {
	l        net.Listener
	accepted chan accepted
	done     chan struct{}
	once     sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

func newGate(l net.Listener) *gate {
	g := &gate{l: l, accepted: make(chan accepted), done: make(chan struct{})}
	go g.run()
	return g
}

// run accepts one connection at a time: the others wait where they always do.
func (g *gate) run() {
	for {
		c, err := g.l.Accept()
		select {
		case g.accepted <- accepted{c, err}:
		case <-g.done:
			if c != nil {
				_ = c.Close()
			}
			return
		}
	}
}

// Close closes the listener, and all passages.
func (g *gate) Close() error {
	err := net.ErrClosed
	g.once.Do(func() {
		close(g.done)
		err = g.l.Close()
	})
	return err
}

// errPassedOn is how a passage ends whose server has been replaced.
var errPassedOn = errors.New("another server has the listener now")

// passage is what a server takes for the listener.
type passage struct {
	g      *gate
	passed chan struct{} // closed when another server has the listener
	closed chan struct{}
	once   sync.Once
	taken  func() // is called for each connection
}

func (g *gate) passage(taken func()) *passage {
	return &passage{g: g, passed: make(chan struct{}), closed: make(chan struct{}), taken: taken}
}

// Accept implements net.Listener.
func (p *passage) Accept() (net.Conn, error) {
	select { // once another one has the listener, nothing more comes through here
	case <-p.passed:
		return nil, errPassedOn
	default:
	}
	select {
	case a := <-p.g.accepted:
		if a.err == nil {
			p.taken()
		}
		return a.conn, a.err
	case <-p.passed:
		return nil, errPassedOn
	case <-p.closed:
	case <-p.g.done:
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (p *passage) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *passage) Addr() net.Addr { return p.g.l.Addr() }
