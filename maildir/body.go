package maildir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/buuta/mail"
	"github.com/buuta/mail/internal/vfs"
	"github.com/buuta/mail/maildir/internal/lineend"
)

// OpenBody implements mail.Mailbox.
func (m *mailbox) OpenBody(ctx context.Context, uid mail.UID) (mail.Body, error) {
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var name string
		var size int64
		err := m.view(ctx, func(st *state) {
			if b, s := st.find(uint32(uid)); s != nil {
				size = s.bytes()
				name = m.b.dir + "/" + whereDir(s.bits&slotCur) + "/" + st.fileName(b, s)
			}
		})
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, mail.ErrExpunged
		}
		body, err := m.sh.readSmall(name, size)
		if body != nil {
			return body, nil
		}
		if err == nil {
			var f vfs.File
			if f, err = m.sh.fs.OpenFile(name, os.O_RDONLY, 0); err == nil {
				return m.body(ctx, f, name, uid)
			}
		}
		if !errors.Is(err, fs.ErrNotExist) || try == 8 {
			return nil, err
		}
		// Another program has renamed or removed it.
		if err := m.do(ctx, func(t *txn) error { return t.again() }); err != nil {
			return nil, err
		}
	}
}

// doubtful reads the folders once more if there is still reason to.
func (t *txn) doubtful() error {
	if t.b.overdue(&t.seen) {
		return t.again()
	}
	return nil
}

// again reads the folders once more, whatever their times say.
func (t *txn) again() error {
	seen, err := t.b.dirStamps()
	if err != nil {
		return err
	}
	return t.scan(seen)
}

// body returns a message's content. The file tells how it is to be read: its first octets whether it is compressed; its length is that of the
// message with CRLF, or less where it has bare LFs. A size that turns out to be wrong, because whoever made the file wrote a wrong
// one into its name, is put right.
func (m *mailbox) body(ctx context.Context, f vfs.File, name string, uid mail.UID) (mail.Body, error) {
	body, err := m.bodyOf(ctx, f, name, uid)
	if err != nil {
		f.Close()
		return nil, err
	}
	return body, nil
}

func (m *mailbox) bodyOf(ctx context.Context, f vfs.File, name string, uid mail.UID) (mail.Body, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var size int64 = -1
	m.b.mu.RLock()
	if m.b.st != nil {
		if _, s := m.b.st.find(uint32(uid)); s != nil {
			size = s.bytes()
		}
	}
	m.b.mu.RUnlock()
	if body, err := m.packedBody(ctx, f, name, uid, size); body != nil || err != nil {
		return body, err
	}
	if info.Size() == size {
		return &fileBody{f, size}, nil
	}
	r, err := lineend.NewReader(f, info.Size())
	if err != nil {
		return nil, err
	}
	if size >= 0 && r.Size() != size {
		if err := m.resize(ctx, uid, size, r.Size(), r.Size()-info.Size()); err != nil {
			return nil, err
		}
	}
	return &crlfBody{r, f}, nil
}

// resize notes the size that a message has instead of the one it was said to have.
func (m *mailbox) resize(ctx context.Context, uid mail.UID, said, size, lf int64) error {
	m.s.logger().Warn("message has another size than its name says", "mailbox", m.b.title(), "uid", uid, "said", said, "is", size)
	return m.do(ctx, func(t *txn) error {
		if _, ok := t.msg(uint32(uid)); ok {
			t.recs = append(t.recs, record{kind: recSize, m: msg{uid: uint32(uid), size: size, lf: uint32(lf)}})
		}
		return nil
	})
}

// fileBody is a message whose file is what is shown.
type fileBody struct {
	f    vfs.File
	size int64
}

func (b *fileBody) Size() int64  { return b.size }
func (b *fileBody) Close() error { return b.f.Close() }

func (b *fileBody) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.size {
		return 0, io.EOF
	}
	return b.f.ReadAt(p, off)
}

// WriteTo implements io.WriterTo.
func (b *fileBody) WriteTo(w io.Writer) (int64, error) {
	buf := copyBuffers.Get().(*[64 << 10]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(w, io.NewSectionReader(b.f, 0, b.size), buf[:])
}

// crlfBody is a message whose file has bare LFs.
type crlfBody struct {
	*lineend.Reader
	f vfs.File
}

func (b *crlfBody) Close() error { return b.f.Close() }

// WriteTo implements io.WriterTo.
func (b *crlfBody) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(b, 0, b.Size()))
}
