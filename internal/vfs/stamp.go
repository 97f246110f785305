package vfs

import "time"

// Stamp is when a file was last written to, and its size, as Stat tells them, for who asks for thousands every second: on the real file system it allocates
// nothing that stays.
func Stamp(fsys FS, name string) (mtime time.Time, size int64, err error) {
	if _, ok := fsys.(OS); ok && osStamp != nil {
		return osStamp(name)
	}
	info, err := fsys.Stat(name)
	if err != nil {
		return time.Time{}, 0, err
	}
	return info.ModTime(), info.Size(), nil
}
