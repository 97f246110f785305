package maildir

import (
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/internal/unpack"
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

// readSmall reads a small message's file. It returns nil when the message isn't small, or the file doesn't hold as much as size:
// then it is to be opened and looked at.
func (sh *shared) readSmall(name string, size int64) (mail.Body, error) {
	if size < 0 || size > smallBody {
		return nil, nil
	}
	// One octet more, which must not be there.
	buf := smallBuffer(int(size) + 1)
	n, err := vfs.ReadInto(sh.fs, name, (*buf)[:size+1])
	if err != nil || int64(n) > size {
		smallBuffers.Put(buf)
		return nil, err
	}
	if codec := sh.packing.find((*buf)[:n]); codec != nil {
		packed := buf
		defer smallBuffers.Put(packed)
		if codec.NewReader == nil {
			return nil, nil
		}
		buf = smallBuffer(int(size))
		n = len(unpack.Into((*buf)[:0], codec, (*packed)[:n], size))
	}
	if int64(n) != size {
		smallBuffers.Put(buf)
		return nil, nil
	}
	b := &wholeBody{size: size}
	b.buf.Store(buf)
	return b, nil
}

// smallBuffer returns one that has room for n octets.
func smallBuffer(n int) *[]byte {
	buf := smallBuffers.Get().(*[]byte)
	if cap(*buf) < n {
		*buf = make([]byte, (n+4095)&^4095)
	}
	return buf
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
