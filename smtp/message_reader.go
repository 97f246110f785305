package smtp

import (
	"errors"
	"io"

	"github.com/buuta/mail/internal/wire"
)

// errTooBig ends a message that is longer than the server takes.
var errTooBig = errors.New("smtp: message too big")

// messageReader is the message as the transaction reads it. It counts octets and remembers what went wrong.
type messageReader struct {
	c   *Conn
	src io.Reader
	max int64
	err error // of the stream, io.EOF at its end
	to  limitWriter
}

// Read implements [io.Reader].
func (m *messageReader) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.src.Read(p)
	m.c.data += int64(n)
	if m.c.data > m.max {
		n, err = 0, errTooBig
	}
	m.err = err
	return n, err
}

// WriteTo writes the rest of the message to w. A message by DATA goes there without a copy in between.
func (m *messageReader) WriteTo(w io.Writer) (int64, error) {
	d, ok := m.src.(*wire.DotReader)
	if !ok || m.err != nil {
		return io.Copy(w, struct{ io.Reader }{m})
	}
	m.to = limitWriter{m: m, w: w}
	to := &m.to
	_, err := d.WriteTo(to)
	switch {
	case to.err != nil:
		return to.n, to.err // w's trouble, not the stream's
	case err == nil:
		m.err = io.EOF
	default:
		m.err = err
	}
	return to.n, err
}

// limitWriter passes on what is within the message's limit.
type limitWriter struct {
	m   *messageReader
	w   io.Writer
	n   int64
	err error // of w
}

func (l *limitWriter) Write(p []byte) (n int, err error) {
	l.m.c.data += int64(len(p))
	if l.m.c.data > l.m.max {
		return 0, errTooBig
	}
	n, l.err = l.w.Write(p)
	if n < len(p) && l.err == nil {
		l.err = io.ErrShortWrite
	}
	l.n += int64(n)
	return n, l.err
}

// drain reads what remains, so that the conversation can go on behind it. Of a message in chunks that has been refused,
// the chunks to come are not waited for.
func (m *messageReader) drain(refused bool) {
	if m.c.tx.chunks && (refused || m.err != nil) {
		return
	}
	if m.err == nil {
		_, _ = io.Copy(io.Discard, m)
	}
	if m.err == errTooBig {
		n, err := io.Copy(io.Discard, m.src)
		m.c.data += n
		if err != nil && !contentError(err) {
			m.err = err
		}
	}
}

func contentError(err error) bool {
	return errors.Is(err, wire.ErrBareLF) || errors.Is(err, wire.ErrBareCR)
}
