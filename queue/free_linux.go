package queue

import "syscall"

// diskFree asks the operating system how much room a folder's file system has for an ordinary user. files is -1 where the
// file system makes inodes as it needs them.
func diskFree(dir string) (bytes, files int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	files = int64(st.Ffree)
	if st.Files == 0 {
		files = -1
	}
	return int64(st.Bavail) * int64(st.Bsize), files, nil
}
