package lookup

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"
)

// client keeps one connection to a server of tables, as each Postfix process does, and asks one question at a time over it.
type client struct {
	network, address string
	o                *Options

	turn chan struct{} // held by who asks
	mu   sync.Mutex    // for conn when Close comes in between
	conn net.Conn
	r    *bufio.Reader
	done bool
}

func newClient(network, address string, o *Options) *client {
	return &client{network: network, address: address, o: o, turn: make(chan struct{}, 1)}
}

// ask sends a request and lets read take the answer. A connection that was open before may have been closed by the server since: then a new
// one is tried, once. After any error the connection is given up: what comes next on it may belong to this request.
func (c *client) ask(ctx context.Context, request []byte, read func(*bufio.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Limits.Timeout)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	fresh := false
	for {
		if c.conn == nil {
			fresh = true
			conn, err := c.o.Dial(ctx, c.network, c.address)
			if err != nil {
				return err
			}
			if !c.take(conn) {
				return net.ErrClosed
			}
		}
		err := c.exchange(ctx, request, read)
		if err == nil {
			return nil
		}
		c.take(nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if fresh {
			return err
		}
	}
}

func (c *client) exchange(ctx context.Context, request []byte, read func(*bufio.Reader) error) error {
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return err
	}
	if err := read(c.r); err != nil {
		return err
	}
	if !stop() { // the deadline has been moved, or is about to be
		c.take(nil)
	}
	return nil
}

// take puts conn in the place of the connection; false when the client is closed.
func (c *client) take(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = conn
	if conn != nil && c.done {
		conn.Close()
		c.conn = nil
	}
	if c.conn != nil {
		c.r = bufio.NewReader(c.conn)
	}
	return !c.done
}

// Close ends the connection, and a question that waits for its answer.
func (c *client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	if c.conn != nil {
		return c.conn.Close() // who uses it forgets it
	}
	return nil
}
