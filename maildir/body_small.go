package maildir

import (
	"io"
	"io/fs"
	"math/bits"
	"sync"
	"sync/atomic"

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

// smallBuffers are for wholeBody, by their size: those at i have room for 4 KiB << i, so that small messages don't sit in large ones.
var smallBuffers [5]sync.Pool

// readSmall reads a small message's file. It returns nil when the message isn't small, or the file doesn't hold as much as size:
// then it is to be opened and looked at.
func (sh *shared) readSmall(name string, size int64) (*wholeBody, error) {
	if size < 0 || size > smallBody {
		return nil, nil
	}
	// One octet more, which must not be there.
	buf := smallBuffer(int(size) + 1)
	n, err := vfs.ReadInto(sh.fs, name, (*buf)[:size+1])
	if err != nil || int64(n) > size {
		freeSmall(buf)
		return nil, err
	}
	if codec := sh.packing.find((*buf)[:n]); codec != nil {
		packed := buf
		defer freeSmall(packed)
		if codec.NewReader == nil {
			return nil, nil
		}
		buf = smallBuffer(int(size))
		n = len(unpack.Into((*buf)[:0], codec, (*packed)[:n], size))
	}
	if int64(n) != size {
		freeSmall(buf)
		return nil, nil
	}
	b := &wholeBody{size: size}
	b.buf.Store(buf)
	return b, nil
}

func smallClass(n int) int { return bits.Len(uint(max(n, 1)-1) >> 12) }

// smallRoom is what a buffer for n octets takes.
func smallRoom(n int) int { return 4 << 10 << smallClass(n) }

// smallBuffer returns one that has room for n octets. freeSmall takes it back.
func smallBuffer(n int) *[]byte {
	if buf, _ := smallBuffers[smallClass(n)].Get().(*[]byte); buf != nil {
		return buf
	}
	buf := make([]byte, smallRoom(n))
	return &buf
}

func freeSmall(buf *[]byte) { smallBuffers[smallClass(cap(*buf))].Put(buf) }

func (b *wholeBody) Size() int64 { return b.size }

func (b *wholeBody) Close() error {
	if buf := b.buf.Swap(nil); buf != nil {
		freeSmall(buf)
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
