//go:build unix

package vfs

import (
	"os"
	"syscall"
)

// RenameFile implements what the function RenameFile asks for by rename(2) alone.
func (OS) RenameFile(from, to string) error {
	_, err := again(func() (int, error) { return 0, syscall.Rename(from, to) })
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}
