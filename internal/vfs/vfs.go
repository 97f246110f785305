// Package vfs is the file system as the stores on disk see it: what they need and no more, so that a test can put one
// there that fails, or that loses what was not synced, where a real disk does so once a year.
//
// OS is the real one. Crash is the test double.
package vfs

import (
	"io"
	"io/fs"
	"time"
)

// FS is a file system. Names are slash-separated paths as the operating system takes them. Errors are those of package
// os: they satisfy errors.Is(err, fs.ErrNotExist) and its like.
//
// Nothing is durable before it is synced: content by File.Sync, a created, renamed, linked or removed name by SyncDir
// of the folder that holds it (of both, for a rename across folders).
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Stat(name string) (fs.FileInfo, error) // follows symbolic links
	ReadDir(name string) ([]fs.DirEntry, error)
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	Rename(from, to string) error
	Link(from, to string) error
	Remove(name string) error
	RemoveAll(name string) error
	Chmod(name string, mode fs.FileMode) error
	Chtimes(name string, atime, mtime time.Time) error
	SyncDir(name string) error

	// Lock takes the advisory lock of the named file, which is made if it is missing, without waiting: ErrLocked when
	// another holder, in this process or another, has it. Close releases it; so does the end of the process.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.WriterAt
	io.Seeker
	io.Closer
	Name() string
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}
