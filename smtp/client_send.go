package smtp

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/buuta/mail"
)

// Send transmits a message in one go and returns a result for each recipient of env, in their order. An error means that
// nobody got the message and is the same answer for all: the sender was refused, an extension is missing, the
// connection broke.
//
// message has CRLF line ends; a bare LF is sent as CRLF. When it fails to read, the server sees no end of it and keeps
// nothing. With PIPELINING and CHUNKING a message of up to 32 KiB goes out together with its envelope, in one round
// trip.
func (c *Client) Send(ctx context.Context, env *mail.Envelope, message io.Reader) ([]mail.Result, error) {
	if err := c.arm(ctx); err != nil {
		return nil, err
	}
	defer c.disarm()
	t := &c.sending
	*t = clientTransaction{c: c, rcpts: t.rcpts[:0]}
	size := sizeOf(env, message)
	var whole []byte
	if size <= copySize && c.chunks(transform{}) && c.pipelines() && !c.opts.LMTP {
		small, rest, err := c.fetch(message, env.Options.Body == mail.BodyBinaryMIME)
		if err != nil {
			return nil, messageError(err)
		}
		whole, message = small, rest
		if whole != nil {
			size = int64(len(whole))
		}
	}
	if len(env.Recipients) == 0 {
		return nil, errNoRecipients
	}
	if err := t.open(env, size, whole); err != nil {
		return nil, err
	}
	if whole != nil && !t.whole {
		message = &sliceReader{bytes.Clone(whole)} // it lies in a buffer that sending needs
	}
	return t.complete(env, message)
}

// complete sends the message, if it isn't there already, and puts the results together.
func (t *clientTransaction) complete(env *mail.Envelope, message io.Reader) ([]mail.Result, error) {
	c := t.c
	var accepted []mail.Result
	var err error
	if t.accepted > 0 {
		if !t.whole {
			err = t.send(message)
		}
		if err == nil {
			accepted, err = t.finish(make([]mail.Result, 0, len(t.rcpts)))
		}
	}
	if t.accepted == len(t.rcpts) {
		return accepted, err
	}
	results := make([]mail.Result, 0, len(t.rcpts))
	for i := range t.rcpts {
		switch e := t.rcpts[i].err; {
		case e == nil && err == nil:
			results = append(results, accepted[0])
			accepted = accepted[1:]
		default:
			if e == nil {
				e = err
			}
			r := c.resultOf(e)
			r.Recipient, r.Transmit = t.rcpts[i].address, time.Since(t.start)
			results = append(results, r)
		}
	}
	return results, nil
}

// fetch reads a message that may be small enough to go with its envelope. It returns the message with the line ends it
// is sent with, or nil and a reader of all of it.
func (c *Client) fetch(message io.Reader, binary bool) (whole []byte, rest io.Reader, err error) {
	if c.copyBuf == nil {
		c.copyBuf = make([]byte, copySize)
	}
	n, err := io.ReadFull(message, c.copyBuf)
	switch err {
	case nil:
		first := append([]byte(nil), c.copyBuf...)
		return nil, io.MultiReader(&sliceReader{first}, message), nil
	case io.EOF, io.ErrUnexpectedEOF:
	default:
		return nil, nil, err
	}
	if binary || crlfRun(c.copyBuf[:n]) == n && n > 0 && c.copyBuf[n-1] == '\n' {
		return c.copyBuf[:n], nil, nil
	}
	w := &c.bdat
	w.reset(c, false)
	// The chunk can't be full: the buffer is shorter, even with every octet doubled.
	if 2*n+2 > positive(c.opts.Limits.ChunkSize, 256<<10) {
		return nil, &sliceReader{append([]byte(nil), c.copyBuf[:n]...)}, nil
	}
	w.Write(c.copyBuf[:n])
	w.close()
	if n == 0 {
		return c.copyBuf[:0], nil, nil
	}
	return w.buf, nil, nil
}

// sliceReader reads a slice.
type sliceReader struct{ b []byte }

func (s *sliceReader) Read(p []byte) (int, error) {
	if len(s.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.b)
	s.b = s.b[n:]
	return n, nil
}

// sizeOf returns a message's size where it can be known without reading it, else 0.
func sizeOf(env *mail.Envelope, message io.Reader) int64 {
	if env.Options.Size > 0 {
		return env.Options.Size
	}
	switch m := message.(type) {
	case interface{ Len() int }:
		return int64(m.Len())
	case io.Seeker:
		at, err := m.Seek(0, io.SeekCurrent)
		if err != nil {
			return 0
		}
		end, err := m.Seek(0, io.SeekEnd)
		if _, e := m.Seek(at, io.SeekStart); err != nil || e != nil || end < at {
			return 0
		}
		return end - at
	}
	return 0
}
