package vfs

import (
	"io/fs"
	"syscall"
	"time"
)

// osStamp is Stamp on the real file system, nil where there is nothing better than Stat.
var osStamp = func(name string) (time.Time, int64, error) {
	var st syscall.Stat_t
	err := stat(name, &st)
	for err == syscall.EINTR {
		err = stat(name, &st)
	}
	switch err {
	case nil:
		return time.Unix(st.Mtim.Unix()), st.Size, nil
	case syscall.ENOENT:
		return time.Time{}, 0, fs.ErrNotExist // much is asked for that isn't there
	}
	return time.Time{}, 0, &fs.PathError{Op: "stat", Path: name, Err: err}
}
