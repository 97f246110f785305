package vfs

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
)

// timesAtOnce is how many files are looked at together. A folder yields names in an order that has nothing to do with where
// the inodes lie; sorted, so many of them are read from a cold disk nearly in one pass.
const timesAtOnce = 32 << 10

// osTimes is Times on the real file system, nil where there is nothing better than Entries.
var osTimes = func(name string, yield func(Timed, error) bool) { timesBy(timesAtOnce, name, yield) }

func timesBy(atOnce int, name string, yield func(Timed, error) bool) {
	files := make([]Timed, 0, 512)
	some := func() (more bool) {
		slices.SortFunc(files, func(a, b Timed) int { return cmp.Compare(a.Inode, b.Inode) })
		bad := lstatAll(name+"/", files)
		for i, f := range files {
			if f.Name != "" && !yield(f, bad[i]) {
				return false
			}
		}
		files = files[:0]
		return true
	}
	over := false
	osInodes(name, func(e Timed, err error) bool {
		if err != nil {
			over = true
			return yield(Timed{}, err)
		}
		if files = append(files, e); len(files) == atOnce {
			over = !some()
		}
		return !over
	})
	if !over {
		some()
	}
}

// osInodes is Inodes on the real file system.
var osInodes = func(name string, yield func(Timed, error) bool) {
	d, err := os.Open(name)
	if err != nil {
		yield(Timed{}, err)
		return
	}
	defer d.Close()
	names := direntReader{fd: int(d.Fd()), buf: make([]byte, 64<<10)}
	for {
		e, ok, err := names.next()
		if err != nil {
			yield(Timed{}, &fs.PathError{Op: "readdir", Path: name, Err: err})
			return
		}
		if !ok || !yield(e, nil) {
			return
		}
	}
}

// lstatAll sets the times of files, and the names of those that are gone to "". The kernel makes an inode in memory for
// each, which takes the time, so all processors work on it. It returns the errors of those that can't be looked at.
func lstatAll(dir string, files []Timed) map[int]error {
	workers := max(1, min(runtime.GOMAXPROCS(0), 8, len(files)/256))
	size := max(1, (len(files)+workers-1)/workers)
	var mu sync.Mutex
	var bad map[int]error
	var wg sync.WaitGroup
	for from := 0; from < len(files); from += size {
		wg.Go(func() {
			for i := from; i < min(from+size, len(files)); i++ {
				if err := files[i].lstat(dir); err != nil {
					mu.Lock()
					if bad == nil {
						bad = map[int]error{}
					}
					bad[i] = err
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return bad
}

func (t *Timed) lstat(dir string) error {
	var st syscall.Stat_t
	path := dir + t.Name
	err := syscall.Lstat(path, &st)
	for err == syscall.EINTR {
		err = syscall.Lstat(path, &st)
	}
	switch err {
	case nil:
		t.MTime, t.Inode = st.Mtim.Nano(), st.Ino
		return nil
	case syscall.ENOENT:
		t.Name = "" // it was taken meanwhile
		return nil
	}
	return &fs.PathError{Op: "lstat", Path: path, Err: err}
}

// direntReader reads names with their inodes, which os.File doesn't tell.
type direntReader struct {
	fd   int
	buf  []byte
	rest []byte
}

// next returns a name and its inode. ok is false at the end.
func (d *direntReader) next() (t Timed, ok bool, err error) {
	const ino, reclen, name = 0, 16, 19 // where they lie in a struct linux_dirent64: getdents64(2)
	for {
		for len(d.rest) == 0 {
			n, err := syscall.ReadDirent(d.fd, d.buf)
			if err == syscall.EINTR {
				continue
			}
			if n <= 0 || err != nil {
				return t, false, err
			}
			d.rest = d.buf[:n]
		}
		e := d.rest[:binary.NativeEndian.Uint16(d.rest[reclen:])]
		d.rest = d.rest[len(e):]
		t.Inode = binary.NativeEndian.Uint64(e[ino:])
		e = e[name:]
		if i := bytes.IndexByte(e, 0); i >= 0 {
			e = e[:i]
		}
		if t.Inode != 0 && string(e) != "." && string(e) != ".." {
			t.Name = string(e)
			return t, true, nil
		}
	}
}

func inodeOf(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
