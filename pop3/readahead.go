package pop3

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/buuta/mail"
)

// A client that fetches a mailbox asks for one message after the other, and most wait for each before they ask again. While
// such a client works on what it got, the next message is read, so that it goes out as soon as it is asked for.

// keepAhead is how long a message that was read ahead is kept for a client that says nothing.
const keepAhead = time.Second

// block is a message of at most copySize octets, whole.
type block struct {
	buf   *[copySize]byte
	size  int
	index int
}

var blocks = sync.Pool{New: func() any { return new(block) }}

func (b *block) release() {
	copyBuffers.Put(b.buf)
	b.buf = nil
	blocks.Put(b)
}

// fillBlock reads a message that fits.
func fillBlock(i int, body mail.Body) (*block, error) {
	b := blocks.Get().(*block)
	b.buf, b.size, b.index = copyBuffers.Get().(*[copySize]byte), int(body.Size()), i
	n, err := body.ReadAt(b.buf[:b.size], 0)
	if n == b.size {
		return b, nil
	}
	b.release()
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}

// readBlock reads a message, or answers why that can't be done.
func (c *Conn) readBlock(command string, i int, body mail.Body) *block {
	b, err := fillBlock(i, body)
	if err != nil {
		c.unreadable(command, i, err)
		return nil
	}
	return b
}

// follow is told of each message that was sent whole. Two in a row make it likely that the next one will be asked for.
func (c *Conn) follow(i int) {
	inRow := i > 0 && c.drop.messages[i-1].fetched
	c.next = 0
	if n := i + 1; inRow && n < len(c.drop.messages) {
		if m := &c.drop.messages[n]; !m.fetched && !m.deleted && m.size <= copySize {
			c.next = n
		}
	}
}

// readAhead reads the message that will likely be asked for next. What goes wrong will go wrong again when it is asked for,
// and be told then.
func (c *Conn) readAhead() {
	i := c.next
	if i == 0 || c.srv.RefuseUTF8 {
		return
	}
	c.next = 0
	c.dropAhead()
	body, err := c.drop.mailbox.OpenBody(c.ctx, c.drop.messages[i].uid)
	if err != nil {
		return
	}
	defer body.Close()
	if body.Size() <= copySize {
		c.ahead, _ = fillBlock(i, body)
	}
}

// takeAhead returns message i if it has been read ahead. The caller releases it.
func (c *Conn) takeAhead(i int) *block {
	b := c.ahead
	if b == nil {
		return nil
	}
	c.ahead = nil
	if b.index != i {
		b.release()
		return nil
	}
	return b
}

func (c *Conn) dropAhead() {
	if c.ahead != nil {
		c.ahead.release()
		c.ahead = nil
	}
}

// input is what the connection's reader reads from: the stream as it is now, with or without TLS.
type input struct{ c *Conn }

// Read gives up what was read ahead when the client says nothing for a while.
func (in *input) Read(p []byte) (int, error) {
	c := in.c
	n, err := c.stream.Read(p)
	if n > 0 || c.ahead == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	c.dropAhead()
	c.mu.Lock()
	closing := c.closing
	if !closing {
		_ = c.nc.SetReadDeadline(c.deadline)
	}
	c.mu.Unlock()
	if closing {
		return 0, err
	}
	return c.stream.Read(p)
}
