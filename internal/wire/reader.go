package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// LineEnd says what ends a line of a [Reader].
type LineEnd int

const (
	// CRLF alone ends a line (RFC 5321 section 2.3.8). A line that ends in LF alone is consumed and reported as
	// ErrBareLF, one with a CR inside as ErrBareCR.
	CRLF LineEnd = iota
	// LF ends a line too, for protocols that people type by hand. A CR inside a line is still ErrBareCR.
	LF
)

// What can be wrong with a line. The line has been consumed; reading can go on behind it.
var (
	ErrLineTooLong = errors.New("line too long")
	ErrBareLF      = errors.New("bare <LF> received")
	ErrBareCR      = errors.New("bare <CR> received")
)

// DefaultSize is the size of a Reader's buffer when none is given.
const DefaultSize = 32 << 10

// smallSize is what a Reader holds while it waits for a line: nearly every command, and a pipelined group of the usual
// length, fits. The large buffer is borrowed when there is more.
const smallSize = 512

// buffers are the large buffers that no Reader needs at the moment.
var buffers = sync.Pool{New: func() any { return new([DefaultSize]byte) }}

// Reader reads lines and blocks of bytes from a connection. It is for one goroutine. While it waits for a line it
// holds half a KiB.
type Reader struct {
	// LineEnd is what ends a line.
	LineEnd LineEnd

	// BeforeRead, if not nil, is called before each read from the connection: the moment to send replies that have been
	// gathered while the peer was pipelining, and to set a deadline. Its error ends the read.
	BeforeRead func() error

	// Keep makes the Reader hold on to its large buffer while it waits for a line.
	Keep bool

	r          io.Reader
	size       int
	buf        []byte // small, large or own
	start, end int
	pooled     *[DefaultSize]byte
	own        []byte // the large buffer when size isn't DefaultSize
	small      [smallSize]byte
}

// NewReader returns a Reader with a buffer of the given size, DefaultSize if it is 0. The longest line is as long as
// the buffer.
func NewReader(r io.Reader, size int) *Reader {
	if size <= 0 {
		size = DefaultSize
	}
	return &Reader{r: r, size: max(size, smallSize)}
}

// Reset makes r read from another source. What was buffered is dropped; LineEnd and BeforeRead stay.
func (r *Reader) Reset(src io.Reader) {
	r.Discard()
	r.r = src
}

// Buffered returns how many bytes can be read without reading from the connection.
func (r *Reader) Buffered() int { return r.end - r.start }

// Peek returns what is buffered. It is valid until the next call of another method.
func (r *Reader) Peek() []byte { return r.buf[r.start:r.end] }

// Discard drops what is buffered, so that nothing sent before a STARTTLS is taken for something sent after it
// (RFC 3207 section 6), and gives back the large buffer.
func (r *Reader) Discard() {
	r.start, r.end = 0, 0
	r.release()
}

// release gives back the large buffer. The Reader must be empty.
func (r *Reader) release() {
	if r.pooled != nil {
		buffers.Put(r.pooled)
		r.pooled = nil
	}
	r.own, r.buf, r.start, r.end = nil, nil, 0, 0
}

// grow makes the large buffer the one in use.
func (r *Reader) grow() {
	if len(r.buf) == r.size {
		return
	}
	var large []byte
	if r.size == DefaultSize {
		r.pooled = buffers.Get().(*[DefaultSize]byte)
		large = r.pooled[:]
	} else {
		r.own = make([]byte, r.size)
		large = r.own
	}
	r.end = copy(large, r.buf[r.start:r.end])
	r.start, r.buf = 0, large
}

// fill reads once from the connection, making room first. It returns nil when there is at least one byte more.
func (r *Reader) fill() error {
	switch {
	case r.buf == nil:
		r.buf = r.small[:]
	case r.start == r.end:
		r.start, r.end = 0, 0
	case r.end == len(r.buf) && r.start > 0:
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	case r.end == len(r.buf):
		r.grow()
		if r.end == len(r.buf) {
			return ErrLineTooLong
		}
	}
	n, err := r.read(r.buf[r.end:])
	r.end += n
	return err
}

// read is one read from the connection that brings something or an error.
func (r *Reader) read(p []byte) (int, error) {
	if r.BeforeRead != nil {
		if err := r.BeforeRead(); err != nil {
			return 0, err
		}
	}
	for range 100 {
		n, err := r.r.Read(p)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// ReadLine returns the next line without its end. It is valid until the next call. A line may be max bytes long with
// its end; a longer one is read to its end and reported as ErrLineTooLong. The stream's end is io.EOF before a line and
// io.ErrUnexpectedEOF within one.
func (r *Reader) ReadLine(max int) ([]byte, error) {
	if r.start == r.end && !r.Keep {
		r.release()
	}
	max = min(max, r.size)
	seen := 0
	for {
		w := r.buf[r.start:r.end]
		if i := bytes.IndexByte(w[seen:], '\n'); i >= 0 {
			n := seen + i + 1
			r.start += n
			if n > max {
				return nil, ErrLineTooLong
			}
			return r.checkLine(w[:n])
		}
		if len(w) >= max {
			return nil, r.skipLine()
		}
		seen = len(w)
		if err := r.fill(); err != nil {
			if err == io.EOF && seen > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

func (r *Reader) checkLine(line []byte) ([]byte, error) {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	} else if r.LineEnd == CRLF {
		return nil, ErrBareLF
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return nil, ErrBareCR
	}
	return line, nil
}

// skipLine drops everything up to the next LF.
func (r *Reader) skipLine() error {
	for {
		if i := bytes.IndexByte(r.buf[r.start:r.end], '\n'); i >= 0 {
			r.start += i + 1
			return ErrLineTooLong
		}
		r.start, r.end = 0, 0
		if err := r.fill(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// Read reads bytes as they are, from the buffer first. A large p is read into directly.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if r.start == r.end {
		if len(p) >= smallSize {
			return r.read(p)
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.buf[r.start:r.end])
	r.start += n
	return n, nil
}

// need makes sure that n bytes are buffered; n must be small. An end of the stream before that is io.ErrUnexpectedEOF.
func (r *Reader) need(n int) error {
	for r.end-r.start < n {
		if err := r.fill(); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
