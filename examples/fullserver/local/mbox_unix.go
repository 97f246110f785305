//go:build unix

package local

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// within opens a file; one in home there and nowhere else, whatever links say. It doesn't wait for the other end of a pipe.
func within(file, home string, flags int) (*os.File, error) {
	flags |= syscall.O_NONBLOCK
	rel, err := filepath.Rel(home, file)
	if home == "" || err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return os.OpenFile(file, flags, 0o600)
	}
	root, err := os.OpenRoot(home)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.OpenFile(rel, flags, 0o600)
}

// openList opens a file of destinations.
func openList(file, home string) (*os.File, error) { return within(file, home, os.O_RDONLY) }

// openMbox opens a file to append to, locked. One that is made belongs to owner, where we may give it away. No link is followed. With home it must be
// in there.
func openMbox(name, home, owner string) (*os.File, error) {
	if home != "" && !strings.HasPrefix(filepath.Clean(name), filepath.Clean(home)+"/") {
		return nil, errors.New("not in the user's home")
	}
	_, err := os.Lstat(name)
	made := os.IsNotExist(err)
	f, err := within(name, home, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &lock); err != nil { // somebody has it: later
		f.Close()
		return nil, err
	}
	if made && os.Getuid() == 0 {
		if u, err := user.Lookup(owner); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			_ = f.Chown(uid, gid)
		}
	}
	return f, nil
}
