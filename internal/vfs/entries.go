package vfs

import (
	"io"
	"io/fs"
	"iter"
	"os"
)

// Entries yields what is in a folder, in no particular order. On the real file system it doesn't hold the whole list
// in memory, which matters where there are a million files. Names that come or go meanwhile may be yielded or not.
func Entries(fsys FS, name string) iter.Seq2[fs.DirEntry, error] {
	return func(yield func(fs.DirEntry, error) bool) {
		if _, ok := fsys.(OS); ok {
			osEntries(name, yield)
			return
		}
		all, err := fsys.ReadDir(name)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, e := range all {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func osEntries(name string, yield func(fs.DirEntry, error) bool) {
	d, err := os.Open(name)
	if err != nil {
		yield(nil, err)
		return
	}
	defer d.Close()
	for {
		some, err := d.ReadDir(512)
		for _, e := range some {
			if !yield(e, nil) {
				return
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
	}
}
