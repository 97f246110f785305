package imapclient

import (
	"io"
	"sync"
)

// Body is a section that is read from the connection. It is for the goroutine of the loop. What is not read of it is passed
// over when the loop goes on. When other commands wait for the server, what is left of it is first read into
// memory, if it is not more than Limits.Ahead.
type Body struct {
	size    int64
	done    chan struct{} // closed when nothing of it is left on the connection
	scratch *[]byte       // of the loop, for WriteTo

	mu    sync.Mutex
	left  int64     // on the connection
	r     io.Reader // the literal
	held  []byte    // read into memory
	err   error
	ended bool
	tail  *Message // what came behind the section, for the loop to add
}

// Size returns how many octets the section has.
func (b *Body) Size() int64 { return b.size }

// Read reads the section's content. When the connection ends before, the error is io.ErrUnexpectedEOF or the connection's.
func (b *Body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.held) > 0 {
		n := copy(p, b.held)
		b.held = b.held[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.r.Read(p)
	b.took(int64(n), err)
	if n > 0 {
		return n, nil
	}
	return n, b.err
}

// WriteTo writes what is left of the content to w.
func (b *Body) WriteTo(w io.Writer) (n int64, err error) {
	if *b.scratch == nil {
		*b.scratch = make([]byte, 128<<10)
	}
	buf := *b.scratch
	for {
		m, err := b.Read(buf)
		if m > 0 {
			k, werr := w.Write(buf[:m])
			if n += int64(k); werr != nil {
				return n, werr
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// took counts what was read from the connection.
func (b *Body) took(n int64, err error) {
	b.left -= n
	if n == 0 && err != nil {
		b.err, b.left = err, 0
		if err == io.EOF {
			b.err = io.ErrUnexpectedEOF
		}
	}
	if b.left == 0 {
		b.end()
	}
}

func (b *Body) end() {
	if !b.ended {
		b.ended = true
		close(b.done)
	}
}

// drop gives up what has not been read; the reading goroutine passes it over.
func (b *Body) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = nil
	if b.err == nil {
		b.err = io.ErrClosedPipe
	}
	b.left = 0
	b.end()
}

// hold reads what is left into memory.
func (b *Body) hold(limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 || b.left > limit {
		return
	}
	held := make([]byte, b.left)
	n, err := io.ReadFull(b.r, held)
	b.held = held[:n]
	b.left = 0
	if err != nil {
		b.err = err
	}
	b.end()
}

// lend lets the loop read the literal, until nothing is left of it. The reading goroutine calls it.
func (f *fetching) lend(b *Body) {
	c := f.c
	for {
		c.mu.Lock()
		urgent, left := c.waiting > 0, f.left
		c.mu.Unlock()
		if left {
			b.drop()
		} else if urgent {
			b.hold(c.lim.Ahead)
		}
		select {
		case <-b.done:
			return
		default:
		}
		select {
		case <-b.done:
		case <-c.hurry:
		case <-f.taken:
		case <-c.over:
			b.drop()
		}
	}
}
