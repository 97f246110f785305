//go:build unix

package local

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// openMbox opens a file to append to, locked. One that is made belongs to owner, where we may give it away; no link is followed.
func openMbox(name, owner string) (*os.File, error) {
	_, err := os.Lstat(name)
	made := os.IsNotExist(err)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	lock := syscall.Flock_t{Type: syscall.F_WRLCK}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLKW, &lock); err != nil {
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
