//go:build unix

package queue

import (
	"io/fs"
	"syscall"
)

func sysInode(info fs.FileInfo) (uint64, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Ino), true
}
