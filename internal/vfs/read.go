package vfs

import (
	"io"
	"os"
)

// ReadInto reads the beginning of the named file into p and returns how much it has: less than len(p) is all of it.
func ReadInto(fsys FS, name string, p []byte) (int, error) {
	if r, ok := fsys.(interface {
		ReadInto(name string, p []byte) (int, error)
	}); ok {
		return r.ReadInto(name, p)
	}
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	n, err := io.ReadFull(f, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}
