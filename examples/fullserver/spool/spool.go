// Package spool keeps a message for a moment so that it can be read more than once: in memory while it is small, in a
// file without a name otherwise, so that nothing stays on disk whatever happens.
package spool

import (
	"bytes"
	"io"
	"os"
	"sync"

	"github.com/buuta/mail/internal/source"
)

// inMemory is how much is kept in memory, in octets.
const inMemory = 256 << 10

// Buffer is a message that was read whole. It may be read by many goroutines at once.
type Buffer struct {
	mem  []byte
	file *os.File
	size int64
}

// pool holds the memory of buffers that were closed.
type pool struct{ sync.Pool }

// Spooler makes buffers. The zero value keeps large ones in the system's folder for temporary files.
type Spooler struct {
	Dir string

	pool pool
}

// Read reads r to its end. An error of r comes back as it is; *[DiskError] is an error of ours, and r has been read to its
// end then too.
func (s *Spooler) Read(r io.Reader) (*Buffer, error) {
	mem, _ := s.pool.Get().(*bytes.Buffer)
	if mem == nil {
		mem = &bytes.Buffer{}
	}
	mem.Reset()
	n, err := mem.ReadFrom(io.LimitReader(r, inMemory+1))
	if err != nil {
		s.pool.Put(mem)
		return nil, err
	}
	if n <= inMemory {
		b := &Buffer{mem: bytes.Clone(mem.Bytes()), size: n}
		s.pool.Put(mem)
		return b, nil
	}
	b, err := s.toFile(mem.Bytes(), r)
	s.pool.Put(mem)
	return b, err
}

// toFile writes what has been read and what is still to come.
func (s *Spooler) toFile(begun []byte, rest io.Reader) (*Buffer, error) {
	src := &source.Reader{R: rest}
	f, err := os.CreateTemp(s.Dir, "spool-*")
	if err == nil {
		_ = os.Remove(f.Name())
		if _, err = f.Write(begun); err == nil {
			var n int64
			if n, err = io.Copy(f, src); err == nil {
				return &Buffer{file: f, size: int64(len(begun)) + n}, nil
			}
		}
		_ = f.Close()
	}
	if src.Err == nil {
		_, _ = io.Copy(io.Discard, src)
	}
	if src.Err != nil {
		return nil, src.Err
	}
	return nil, &DiskError{err}
}

// DiskError is an error of the spool and not of what was read.
type DiskError struct{ Err error }

func (e *DiskError) Error() string { return "spool: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *DiskError) Unwrap() error { return e.Err }

// Size returns the number of octets.
func (b *Buffer) Size() int64 { return b.size }

// NewReader returns a reader from the beginning.
func (b *Buffer) NewReader() io.Reader {
	if b.file != nil {
		return io.NewSectionReader(b.file, 0, b.size)
	}
	return bytes.NewReader(b.mem)
}

// Close gives the memory or the file back. Readers must not be used any more.
func (b *Buffer) Close() error {
	if b == nil || b.file == nil {
		return nil
	}
	return b.file.Close()
}
