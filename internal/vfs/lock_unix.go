//go:build unix

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes an flock, which belongs to the open file and so also excludes a second holder in this process.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
