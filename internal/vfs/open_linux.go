package vfs

import (
	"io/fs"
	"os"
	"syscall"
)

// openFile is os.OpenFile without the attempt to have the file watched by the poller, which no regular file can be: of eight
// calls of the system two are left.
func openFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	if flag&os.O_CREATE != 0 && perm&^0o777 != 0 {
		return os.OpenFile(name, flag, perm)
	}
	fd, err := again(func() (int, error) {
		return syscall.Open(name, flag|syscall.O_CLOEXEC|syscall.O_LARGEFILE, uint32(perm))
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}
