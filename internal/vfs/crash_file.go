package vfs

import (
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
)

// crashFile is an open file of a Crash.
type crashFile struct {
	c      *Crash
	n      *node
	name   string
	flag   int
	at     int64
	closed bool
}

func (f *crashFile) Name() string { return f.name }

// use is what every call begins with. The lock is held.
func (f *crashFile) use(op string) error {
	if f.closed {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return nil
}

func (f *crashFile) Stat() (fs.FileInfo, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.use("stat"); err != nil {
		return nil, err
	}
	if err := f.c.look("stat", f.name); err != nil {
		return nil, err
	}
	return infoOf(path.Base(f.name), f.n), nil
}

func (f *crashFile) Read(p []byte) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	n, err := f.read(p, f.at)
	f.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *crashFile) ReadAt(p []byte, off int64) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if off < 0 {
		return 0, &fs.PathError{Op: "readat", Path: f.name, Err: fs.ErrInvalid}
	}
	return f.read(p, off)
}

func (f *crashFile) read(p []byte, off int64) (int, error) {
	if err := f.use("read"); err != nil {
		return 0, err
	}
	if err := f.c.look("read", f.name); err != nil {
		return 0, err
	}
	switch {
	case f.n.dir:
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: errIsDir}
	case f.flag&os.O_WRONLY != 0:
		return 0, &fs.PathError{Op: "read", Path: f.name, Err: fs.ErrPermission}
	case len(p) == 0:
		return 0, nil
	case off >= int64(len(f.n.data)):
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *crashFile) Write(p []byte) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if f.flag&os.O_APPEND != 0 {
		f.at = int64(len(f.n.data))
	}
	n, err := f.write(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *crashFile) WriteAt(p []byte, off int64) (int, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if off < 0 || f.flag&os.O_APPEND != 0 { // as package os has it
		return 0, &fs.PathError{Op: "writeat", Path: f.name, Err: fs.ErrInvalid}
	}
	return f.write(p, off)
}

func (f *crashFile) write(p []byte, off int64) (int, error) {
	if err := f.use("write"); err != nil {
		return 0, err
	}
	if err := f.c.change("write", f.name); err != nil {
		return 0, err
	}
	if f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: fs.ErrPermission}
	}
	if len(p) == 0 {
		return 0, nil // doesn't even make the file longer
	}
	f.grow(off + int64(len(p)))
	f.n.mtime = f.c.now()
	return copy(f.n.data[off:], p), nil
}

// grow makes the content at least size long, the new part zero.
func (f *crashFile) grow(size int64) {
	have := int64(len(f.n.data))
	if size <= have {
		return
	}
	f.n.data = slices.Grow(f.n.data, int(size-have))[:size]
	clear(f.n.data[have:])
}

func (f *crashFile) Seek(offset int64, whence int) (int64, error) {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.use("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.n.data))
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	f.at = offset
	return offset, nil
}

func (f *crashFile) Truncate(size int64) error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.use("truncate"); err != nil {
		return err
	}
	if err := f.c.change("truncate", f.name); err != nil {
		return err
	}
	if size < 0 || f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return &fs.PathError{Op: "truncate", Path: f.name, Err: fs.ErrInvalid}
	}
	if size < int64(len(f.n.data)) {
		f.n.data = f.n.data[:size]
	} else {
		f.grow(size)
	}
	f.n.mtime = f.c.now()
	return nil
}

func (f *crashFile) Sync() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.use("sync"); err != nil {
		return err
	}
	if err := f.c.change("sync", f.name); err != nil {
		return err
	}
	f.n.safeData, f.n.safeTime = slices.Clone(f.n.data), f.n.mtime
	return nil
}

func (f *crashFile) Close() error {
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	if err := f.use("close"); err != nil {
		return err
	}
	f.closed = true
	return nil
}
