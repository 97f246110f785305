// Package unixsocket listens on sockets of the file system.
package unixsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// Listen makes a socket with these rights. One that a killed server has left is replaced; one that somebody listens on is EADDRINUSE, and a file that
// is no socket stays.
func Listen(path string, mode fs.FileMode) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, errors.New("is there already and no socket")
		}
		if c, err := net.Dial("unix", path); err == nil {
			_ = c.Close()
			return nil, syscall.EADDRINUSE
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, mode); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}
