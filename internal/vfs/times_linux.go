package vfs

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// osTimes is Times on the real file system, nil where there is nothing better than Entries.
var osTimes = func(name string, yield func(Timed, error) bool) {
	d, err := os.Open(name)
	if err != nil {
		yield(Timed{}, err)
		return
	}
	defer d.Close()
	var st syscall.Stat_t
	for {
		some, err := d.Readdirnames(512)
		for _, n := range some {
			path := name + "/" + n
			e := syscall.Lstat(path, &st)
			for e == syscall.EINTR {
				e = syscall.Lstat(path, &st)
			}
			if e == syscall.ENOENT {
				continue
			}
			if e != nil {
				yield(Timed{}, &fs.PathError{Op: "lstat", Path: path, Err: e})
				return
			}
			if !yield(Timed{n, st.Mtim.Nano(), st.Ino}, nil) {
				return
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(Timed{}, err)
			return
		}
	}
}

func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
