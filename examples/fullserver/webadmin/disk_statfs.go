//go:build linux || darwin || freebsd

package webadmin

import "syscall"

// diskOf is how much room the disk of a folder has, for who isn't root, and how large it is.
func diskOf(folder string) (free, size int64, ok bool) {
	var st syscall.Statfs_t
	if syscall.Statfs(folder, &st) != nil {
		return 0, 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), int64(st.Blocks) * int64(st.Bsize), true
}
