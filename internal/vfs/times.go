package vfs

import (
	"errors"
	"io/fs"
	"iter"
)

// Timed is a name in a folder with what a scan of a queue wants to know of it.
type Timed struct {
	Name  string
	MTime int64  // Unix nanoseconds
	Inode uint64 // 0 where there is none
}

// Inodes yields the names in a folder with their inodes and without times: it costs a tenth of Times.
func Inodes(fsys FS, name string) iter.Seq2[Timed, error] {
	if _, ok := fsys.(OS); ok && osInodes != nil {
		return func(yield func(Timed, error) bool) { osInodes(name, yield) }
	}
	return Times(fsys, name)
}

// Times yields what is in a folder, in no particular order, with times. It is Entries for a million files: nothing is
// allocated for a file but its name. Names that come or go meanwhile may be yielded or not. An error that comes with a
// name is about that file alone.
func Times(fsys FS, name string) iter.Seq2[Timed, error] {
	return func(yield func(Timed, error) bool) {
		if _, ok := fsys.(OS); ok && osTimes != nil {
			osTimes(name, yield)
			return
		}
		for e, err := range Entries(fsys, name) {
			var info fs.FileInfo
			if err == nil {
				info, err = e.Info()
			}
			if errors.Is(err, fs.ErrNotExist) && e != nil {
				continue // it was taken meanwhile
			}
			switch {
			case err == nil:
				if !yield(Timed{e.Name(), info.ModTime().UnixNano(), inodeOf(info)}, nil) {
					return
				}
			case e == nil:
				yield(Timed{}, err)
				return
			case !yield(Timed{Name: e.Name()}, err):
				return
			}
		}
	}
}
