package queue

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/buuta/mail/internal/vfs"
)

// Open implements [Storage].
func (s *Spool) Open(ctx context.Context, id string) (*Message, Content, error) {
	if err := s.use(); err != nil {
		return nil, nil, err
	}
	if raw, _ := s.rawOf(id); raw != nil {
		q, err := readRaw(id, raw)
		if err != nil {
			return nil, nil, err
		}
		return q.msg, newFreshContent(raw[q.contentAt():]), nil
	}
	f, err := s.openAnywhere(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	m, c, err := s.openFile(id, f, nil)
	if err != nil {
		f.Close()
	}
	return m, c, err
}

// History implements [Storage].
func (s *Spool) History(ctx context.Context, id string) iter.Seq2[Outcome, error] {
	return func(yield func(Outcome, error) bool) {
		if err := s.use(); err != nil {
			yield(Outcome{}, err)
			return
		}
		if raw, _ := s.rawOf(id); raw != nil {
			return // nothing has been recorded
		}
		f, err := s.openAnywhere(ctx, id)
		if err != nil {
			yield(Outcome{}, err)
			return
		}
		defer f.Close()
		more := true
		_, _, err = s.openFile(id, f, func(o *Outcome) { more = more && yield(*o, nil) })
		if err != nil && more {
			yield(Outcome{}, err)
		}
	}
}

// openAnywhere opens a message's file in whatever state it is.
func (s *Spool) openAnywhere(ctx context.Context, id string) (vfs.File, error) {
	if err := s.use(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !validID(id) {
		return nil, ErrNotFound
	}
	// A message may move while it is looked for, so everything is looked at twice before it is called missing.
	for range 2 {
		for _, st := range []State{Active, Incoming, Deferred, Held} {
			f, err := s.fs.OpenFile(s.path(st, id), os.O_RDONLY, 0)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return f, err
		}
	}
	return nil, ErrNotFound
}

func (s *Spool) openFile(id string, f vfs.File, seen func(*Outcome)) (*Message, Content, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	q, err := readQueueTold(f, info.Size(), 0, seen)
	if err != nil {
		return nil, nil, err
	}
	q.msg.ID = id
	return q.msg, &spoolContent{f: f, p: &q.prologue}, nil
}

// Content implements [Storage].
func (s *Spool) Content(ctx context.Context, l *Lease) (Content, error) {
	h, err := s.holderOf(l)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if h.content != nil {
		return newFreshContent(h.content), nil
	}
	f, err := s.fs.OpenFile(s.path(Active, l.ID), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	return &spoolContent{f: f, p: &h.file.prologue}, nil
}

// spoolContent reads a queue file's content and checks its sum at the end.
type spoolContent struct {
	f   vfs.File
	p   *prologue
	at  int64
	sum uint32
}

func (c *spoolContent) Size() int64 { return c.p.content }

func (c *spoolContent) Read(b []byte) (int, error) {
	left := c.p.content - c.at
	if left == 0 {
		return 0, c.end()
	}
	if int64(len(b)) > left {
		b = b[:left]
	}
	n, err := c.f.ReadAt(b, c.p.contentAt()+c.at)
	c.sum = crc32.Update(c.sum, castagnoli, b[:n])
	c.at += int64(n)
	if c.at == c.p.content { // what is behind it, or the end of the file, is none of the reader's business
		return n, c.end()
	}
	if err == io.EOF {
		return n, fmt.Errorf("%w: file is cut off", ErrCorrupt)
	}
	return n, err
}

func (c *spoolContent) end() error {
	if c.sum != c.p.contentSum {
		return fmt.Errorf("%w: checksum of the content is wrong", ErrCorrupt)
	}
	return io.EOF
}

// WriteTo implements io.WriterTo.
func (c *spoolContent) WriteTo(w io.Writer) (int64, error) {
	buf := make([]byte, min(max(c.p.content-c.at, 1), 64<<10))
	var total int64
	for {
		n, err := c.Read(buf)
		if n > 0 {
			k, werr := w.Write(buf[:n])
			total += int64(k)
			if werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Seek goes back to the beginning, or tells the place. Other places can't be gone to: the checksum is of the whole.
func (c *spoolContent) Seek(offset int64, whence int) (int64, error) {
	switch {
	case offset == 0 && whence == io.SeekStart:
		c.at, c.sum = 0, 0
		return 0, nil
	case offset == 0 && whence == io.SeekCurrent, offset == c.at && whence == io.SeekStart:
		return c.at, nil
	}
	return 0, errors.ErrUnsupported
}

func (c *spoolContent) Close() error { return c.f.Close() }
