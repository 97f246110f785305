package unpack

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/buuta/mail/maildir/compress"
)

// File is what holds a large message while it is read.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

// Options say how a message is to be held.
type Options struct {
	Size   int64                // that it is said to have, with CRLF; less than 0 where nobody knows
	Most   int64                // octets that the file may give
	Memory int                  // octets that are held in memory; of a larger message none are
	Temp   func() (File, error) // makes the file for the others
}

// Message is a compressed message. It is an io.ReaderAt for many goroutines.
type Message struct {
	opts Options
	size int64

	mu     sync.Mutex
	stream stream
	buf    []byte // in which it is decoded
	out    []byte // the message itself, where it is small, else what was decoded last
	small  bool
	temp   File
	done   int64 // octets that can be read
	failed error // of the temporary file
}

// New begins to decode the file r. A message of which nobody knows the size, and a small one, is decoded at once, and its size is the one that it
// has; of a larger one it is what opts say, and Sizes tells at the end whether that was right. An error other than a *Damaged is
// that of reading, or ErrTooLong. With a *Damaged the Message is what can be decoded, if Size isn't 0.
func New(codec *compress.Codec, r io.Reader, opts Options) (*Message, error) {
	m := &Message{opts: opts, size: opts.Size, small: opts.Size <= int64(opts.Memory), buf: make([]byte, min(32<<10, max(opts.Size, 4<<10)))}
	if opts.Size < 0 {
		m.buf = make([]byte, 32<<10)
	}
	m.stream.start(codec, r, opts.Most)
	if opts.Size > int64(opts.Memory) {
		return m, nil
	}
	err := m.fill(-1)
	if err != nil && !errors.As(err, new(*Damaged)) {
		m.Close()
		return nil, err
	}
	m.size = m.done
	return m, err
}

// fill decodes until octet want-1 is there, all when want is less than 0. The lock is held, or nobody else has m.
func (m *Message) fill(want int64) error {
	for m.stream.err == nil && m.failed == nil && (want < 0 || m.done < want) {
		if !m.small {
			m.out = m.out[:0]
		}
		m.out = m.stream.next(m.out, m.buf)
		if m.small && len(m.out) > m.opts.Memory {
			m.small = false // it is larger than was known
		}
		switch {
		case m.small:
			m.done = int64(len(m.out))
		case len(m.out) > 0:
			m.failed = m.spill()
		}
	}
	if m.stream.err != nil {
		m.stream.close()
	}
	switch {
	case m.failed != nil:
		return m.failed
	case m.stream.err == io.EOF:
		return nil
	}
	return m.stream.err
}

// spill writes what is in out to the temporary file.
func (m *Message) spill() (err error) {
	if m.temp == nil {
		if m.temp, err = m.opts.Temp(); err != nil {
			return err
		}
		m.done = 0 // all of a message that was held in memory until now is in out
	}
	n, err := m.temp.WriteAt(m.out, m.done)
	m.done += int64(n)
	return err
}

// Size is how many octets are shown.
func (m *Message) Size() int64 { return m.size }

// ReadAt implements io.ReaderAt. Where a message turns out to have less than its Size, that is io.ErrUnexpectedEOF or a *Damaged.
func (m *Message) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= m.size {
		return 0, io.EOF
	}
	var end error
	if left := m.size - off; int64(len(p)) > left {
		p, end = p[:left], io.EOF
	}
	m.mu.Lock()
	if m.buf == nil {
		m.mu.Unlock()
		return 0, fs.ErrClosed
	}
	want := off + int64(len(p))
	if want == m.size {
		want++ // the end is looked for too: its checksum tells whether all was right
	}
	err := m.fill(want)
	done, small, out := m.done, m.small, m.out
	m.mu.Unlock()
	// What is done doesn't change any more, wherever it is.
	short := false
	if left := max(done-off, 0); int64(len(p)) > left {
		p, short = p[:left], true
	}
	var n int
	if small {
		n = copy(p, out[min(off, done):done])
	} else if len(p) > 0 {
		if n, rerr := m.temp.ReadAt(p, off); n < len(p) {
			return n, rerr
		}
		n = len(p)
	}
	switch {
	case !short:
		return n, end
	case err != nil:
		return n, err
	}
	return n, io.ErrUnexpectedEOF
}

// WriteTo implements io.WriterTo.
func (m *Message) WriteTo(w io.Writer) (int64, error) {
	if m.small {
		m.mu.Lock()
		out := m.out
		m.mu.Unlock()
		n, err := w.Write(out)
		return int64(n), err
	}
	return io.Copy(w, io.NewSectionReader(m, 0, m.size))
}

// Sizes returns what the message has once that is known: its end was read, or more than its Size. damage is what is wrong there.
func (m *Message) Sizes() (physical, lf int64, known bool, damage error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buf == nil || m.failed != nil || m.done <= m.size && m.stream.err == nil {
		return 0, 0, false, nil
	}
	if m.stream.err == nil { // the rest is of no use to anybody but to be counted
		out := make([]byte, 0, 36<<10)
		for m.stream.err == nil {
			m.stream.next(out, m.buf)
		}
		m.stream.close()
	}
	if damage = m.stream.err; damage == io.EOF {
		damage = nil
	}
	return m.stream.raw, m.stream.lf, true, damage
}

// Close gives back what is held.
func (m *Message) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.buf == nil {
		return nil
	}
	m.stream.close()
	m.buf = nil
	if m.temp == nil {
		return nil
	}
	return m.temp.Close()
}
