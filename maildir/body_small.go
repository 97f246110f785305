package maildir

import (
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
)

// smallBody is the size of the largest messages that are read at once when they are opened: opening, reading and closing a file are
// three calls of the system then, where one that stays open takes twice as many.
const smallBody = 32 << 10

// wholeBody is a message that has been read.
type wholeBody struct {
	size int64
	buf  atomic.Pointer[[]byte] // nil after Close: somebody else may have it
}

// smallBuffers are for wholeBody.
var smallBuffers = sync.Pool{New: func() any { return new([]byte) }}

// readSmall reads a small message's file. It returns nil when the message isn't small, or the file's length isn't size:
// then it is to be opened and looked at.
func readSmall(fsys FS, name string, size int64) (mail.Body, error) {
	if size < 0 || size > smallBody {
		return nil, nil
	}
	buf := smallBuffers.Get().(*[]byte)
	// One octet more, which must not be there.
	if want := int(size) + 1; cap(*buf) < want {
		*buf = make([]byte, (want+4095)&^4095)
	}
	n, err := vfs.ReadInto(fsys, name, (*buf)[:size+1])
	if err != nil || int64(n) != size {
		smallBuffers.Put(buf)
		return nil, err
	}
	b := &wholeBody{size: size}
	b.buf.Store(buf)
	return b, nil
}

func (b *wholeBody) Size() int64 { return b.size }

func (b *wholeBody) Close() error {
	if buf := b.buf.Swap(nil); buf != nil {
		smallBuffers.Put(buf)
	}
	return nil
}

func (b *wholeBody) octets() ([]byte, error) {
	buf := b.buf.Load()
	if buf == nil {
		return nil, fs.ErrClosed
	}
	return (*buf)[:b.size], nil
}

func (b *wholeBody) ReadAt(p []byte, off int64) (int, error) {
	all, err := b.octets()
	if err != nil {
		return 0, err
	}
	if off < 0 || off >= b.size {
		return 0, io.EOF
	}
	n := copy(p, all[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// WriteTo implements io.WriterTo.
func (b *wholeBody) WriteTo(w io.Writer) (int64, error) {
	all, err := b.octets()
	if err != nil {
		return 0, err
	}
	n, err := w.Write(all)
	return int64(n), err
}
