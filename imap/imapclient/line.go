package imapclient

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// line is the connection as the codec sees it. Reading waits in slices, between which it looks at the clocks.
type line struct {
	c *Client
	r io.Reader // what to read from: conn, or what decompresses it

	mu       sync.Mutex
	w        io.Writer
	ws       interface{ Flush() error } // of a compressing w
	conn     net.Conn                   // with TLS, once there is TLS
	heard    instant
	waiting  bool      // the read deadline is set
	until    time.Time // of the read deadline
	expected bool      // a command runs, or the greeting is awaited
	silence  time.Duration
	sent     int64 // octets written, by whoever has the turn
}

// past is a deadline that makes every write return at once.
var past = time.Unix(1, 0)

func (l *line) use(conn net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn, l.r, l.w, l.ws = conn, raw{l}, conn, nil
}

// slice is how long a read waits at most until it looks at the clock.
func (l *line) slice() time.Duration { return min(max(l.silence/4, time.Millisecond), 15*time.Second) }

// expect says that the server owes an answer from now on.
func (l *line) expect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.expected {
		l.expected, l.heard = true, l.c.now()
	}
	l.arm()
}

// arm sets the read deadline as it should be.
func (l *line) arm() {
	if !l.expected {
		if l.waiting {
			l.waiting = false
			_ = l.conn.SetReadDeadline(time.Time{})
		}
		return
	}
	// A deadline that was set a moment ago does: setting one for each read would cost more than the read.
	now := time.Now()
	if s := l.slice(); !l.waiting || l.until.Sub(now) < s/2 {
		l.waiting, l.until = true, now.Add(s)
		_ = l.conn.SetReadDeadline(l.until)
	}
}

// Read reads what the server sends, decompressed.
func (l *line) Read(p []byte) (int, error) { return l.r.Read(p) }

// raw is the connection below what decompresses it, which could not go on after a deadline.
type raw struct{ l *line }

// Read reads from the connection for as long as the server may take.
func (r raw) Read(p []byte) (int, error) {
	l := r.l
	since := l.c.now()
	for {
		l.mu.Lock()
		l.expected = l.c.owed()
		l.arm()
		conn := l.conn
		l.mu.Unlock()
		n, err := conn.Read(p)
		if n > 0 {
			l.mu.Lock()
			l.heard = l.c.now()
			l.mu.Unlock()
			return n, nil
		}
		if !isTimeout(err) {
			return n, err
		}
		l.mu.Lock()
		late := l.expected && l.c.now().since(latest(l.heard, since)) >= l.silence
		l.mu.Unlock()
		if late {
			return 0, ErrTimeout
		}
	}
}

// Write writes to the connection, with a deadline for it.
func (l *line) Write(p []byte) (int, error) {
	d := orDefault(l.c.opts.Timeouts.Write, time.Minute)
	l.mu.Lock()
	w, ws := l.w, l.ws // the server may answer, and the reader change these, before Write returns
	l.mu.Unlock()
	total := 0
	for len(p) > 0 {
		piece := p[:min(len(p), 64<<10)]
		if err := l.writable(d); err != nil {
			return total, err
		}
		n, err := w.Write(piece)
		if err == nil && ws != nil {
			err = ws.Flush()
		}
		total += n
		l.sent += int64(n)
		if err != nil {
			if isTimeout(err) {
				err = ErrTimeout
			}
			return total, err
		}
		p = p[n:]
	}
	l.mu.Lock()
	l.heard = l.c.now() // what is asked now has its time from now on
	l.mu.Unlock()
	return total, nil
}

func (l *line) writable(d time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx := l.c.writingCtx; ctx != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return l.conn.SetWriteDeadline(time.Now().Add(d))
}

// compressed reports whether what is written is compressed, so that the octets sent are not those of the command.
func (l *line) compressed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ws != nil
}

// interrupt makes writing return.
func (l *line) interrupt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(past)
}

func (l *line) close() error {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	return conn.Close()
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}
