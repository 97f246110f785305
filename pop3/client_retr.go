package pop3

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/buuta/mail/internal/wire"
)

// Message is a message on its way from the server: a stream, with CRLF line ends and without dot-stuffing, that must be read
// to its end or closed before the next call on the client, which closes it otherwise.
type Message struct {
	Number int

	c    *Client
	dot  wire.DotReader
	stop func()
	err  error
}

// Read implements [io.Reader].
func (m *Message) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.dot.Read(p)
	if err != nil {
		m.end(err)
		err = m.err
	}
	return n, err
}

// end notes how the stream ended.
func (m *Message) end(err error) {
	m.err = err
	if err != io.EOF {
		m.err = m.c.fail(err)
	}
	if m.c.message == m {
		m.c.message = nil
	}
	m.stop()
}

// Close reads what is left of the message and drops it. To get rid of a large one faster, close the client.
func (m *Message) Close() error {
	if m.err == nil {
		if err := m.dot.Drain(); err != nil {
			m.end(err)
		} else {
			m.end(io.EOF)
		}
	}
	if m.err == io.EOF {
		return nil
	}
	return m.err
}

// Retr fetches a message (RFC 1939 section 5). ctx holds until it has been read.
func (c *Client) Retr(ctx context.Context, number int) (*Message, error) {
	return c.fetch(ctx, "RETR", "RETR "+strconv.Itoa(number), number)
}

// Top fetches a message's header and the first lines of its body (RFC 1939 section 7).
func (c *Client) Top(ctx context.Context, number, lines int) (*Message, error) {
	return c.fetch(ctx, "TOP", "TOP "+strconv.Itoa(number)+" "+strconv.Itoa(lines), number)
}

func (c *Client) fetch(ctx context.Context, name, line string, number int) (*Message, error) {
	stop, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.command(name, line); err != nil {
		stop()
		return nil, err
	}
	return c.receive(number, stop), nil
}

// receive makes the stream that follows a positive answer.
func (c *Client) receive(number int, stop func()) *Message {
	c.block = wait(c.opts.Timeouts.Data, 2*time.Minute)
	m := &Message{Number: number, c: c, stop: stop}
	m.dot.Reset(c.r, wire.KeepBare)
	c.message = m
	return m
}

// RetrAll fetches many messages, asking for the next ones while the first are still coming in when the server can
// PIPELINING. An [*Error] is for one message, whose Number is in the Message beside it, and the loop goes on; any other
// error ends it. A message is closed when the loop goes on. When the loop is left, the answers that are on their way
// are read and dropped.
func (c *Client) RetrAll(ctx context.Context, numbers ...int) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		stop, err := c.begin(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer stop()
		sent, more := 0, true
		for i := 0; i < len(numbers); i++ {
			for more && sent < len(numbers) && sent < i+c.depth() {
				line := "RETR " + strconv.Itoa(numbers[sent])
				c.send(line, line)
				sent++
			}
			if i == sent {
				return
			}
			m, err := c.next(numbers[i])
			if more {
				more = yield(m, err)
			}
			if err == nil {
				err = m.Close()
			}
			if _, ok := errors.AsType[*Error](err); err != nil && !ok {
				return
			}
		}
	}
}

// next reads the answer to a RETR that has been sent.
func (c *Client) next(number int) (*Message, error) {
	c.block = wait(c.opts.Timeouts.Command, 2*time.Minute)
	if _, err := c.status("RETR"); err != nil {
		return &Message{Number: number, c: c, err: err, stop: func() {}}, err
	}
	return c.receive(number, func() {}), nil
}
