package testnet

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeBuffer is how much one side can write before the other has to read.
const pipeBuffer = 64 << 10

// Pipe returns the two ends of a connection in memory. Unlike net.Pipe's it is buffered, as the network is: a write
// doesn't wait for the other side's read until 64 KiB lie between them. Deadlines work, also in a testing/synctest bubble.
func Pipe() (client, server net.Conn) {
	up, down := newHalf(), newHalf()
	c := &pipeConn{in: down, out: up, local: pipeAddr("client"), remote: pipeAddr("server")}
	s := &pipeConn{in: up, out: down, local: pipeAddr("server"), remote: pipeAddr("client")}
	return c, s
}

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

// half is one direction of a pipe.
type half struct {
	mu       sync.Mutex
	changed  *sync.Cond
	buf      []byte
	eof      bool // the writer has closed
	gone     bool // the reader has closed
	reset    bool // and the writer has had its one write into the void, as with TCP
	rd, wr   time.Time
	rdT, wrT *time.Timer
}

func newHalf() *half {
	h := new(half)
	h.changed = sync.NewCond(&h.mu)
	return h
}

func expired(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.gone:
			return 0, net.ErrClosed
		case expired(h.rd):
			return 0, os.ErrDeadlineExceeded
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			h.buf = h.buf[n:]
			h.changed.Broadcast()
			return n, nil
		case h.eof:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(p) > 0 {
		switch {
		case h.eof:
			return n, net.ErrClosed
		case h.gone && h.reset:
			return n, io.ErrClosedPipe
		case h.gone:
			h.reset = true
			return n + len(p), nil
		case expired(h.wr):
			return n, os.ErrDeadlineExceeded
		case len(h.buf) < pipeBuffer:
			m := min(len(p), pipeBuffer-len(h.buf))
			h.buf = append(h.buf, p[:m]...)
			p, n = p[m:], n+m
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
	return n, nil
}

// deadline sets *at and sees to it that who waits looks again then.
func (h *half) deadline(at *time.Time, timer **time.Timer, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*at = t
	if *timer != nil {
		(*timer).Stop()
		*timer = nil
	}
	h.changed.Broadcast()
	if !t.IsZero() && !expired(t) {
		*timer = time.AfterFunc(time.Until(t), func() {
			h.mu.Lock()
			h.changed.Broadcast()
			h.mu.Unlock()
		})
	}
}

func (h *half) set(flag *bool) {
	h.mu.Lock()
	*flag = true
	h.changed.Broadcast()
	h.mu.Unlock()
}

type pipeConn struct {
	in, out       *half
	local, remote net.Addr
}

func (c *pipeConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *pipeConn) Write(p []byte) (int, error) { return c.out.write(p) }

// CloseWrite ends what this side sends; the other reads io.EOF behind it.
func (c *pipeConn) CloseWrite() error {
	c.out.set(&c.out.eof)
	return nil
}

func (c *pipeConn) Close() error {
	c.in.set(&c.in.gone)
	c.out.set(&c.out.eof)
	_ = c.SetDeadline(time.Time{}) // stops the timers
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	c.in.deadline(&c.in.rd, &c.in.rdT, t)
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	c.out.deadline(&c.out.wr, &c.out.wrT, t)
	return nil
}
