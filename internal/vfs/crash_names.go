package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"time"
)

const (
	osRDWR   = os.O_RDWR
	osCREATE = os.O_CREATE
)

// OpenFile implements FS.
func (c *Crash) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look("open", name); err != nil {
		return nil, err
	}
	dir, base, n, err := c.find("open", name)
	if err != nil {
		return nil, err
	}
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case n != nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case n == nil:
		if err := c.change("create", name); err != nil {
			return nil, err
		}
		n = &node{mode: perm.Perm(), mtime: c.now()}
		n.safeTime = n.mtime
		made := n
		c.rename([]*node{dir}, func(names func(*node) map[string]*node) { names(dir)[base] = made })
	case n.dir && flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: errIsDir}
	case flag&os.O_TRUNC != 0:
		if err := c.change("truncate", name); err != nil {
			return nil, err
		}
		n.data, n.mtime = nil, c.now()
	}
	return &crashFile{c: c, n: n, name: name, flag: flag}, nil
}

// Stat implements FS.
func (c *Crash) Stat(name string) (fs.FileInfo, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look("stat", name); err != nil {
		return nil, err
	}
	_, base, n, err := c.find("stat", name)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return infoOf(base, n), nil
}

// ReadDir implements FS.
func (c *Crash) ReadDir(name string) ([]fs.DirEntry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.look("readdir", name); err != nil {
		return nil, err
	}
	_, _, n, err := c.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if err := mustDir("readdir", name, n); err != nil {
		return nil, err
	}
	var out []fs.DirEntry
	for _, k := range sortedNames(n.names) {
		out = append(out, fs.FileInfoToDirEntry(infoOf(k, n.names[k])))
	}
	return out, nil
}

func mustDir(op, name string, n *node) error {
	if n == nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	if !n.dir {
		return &fs.PathError{Op: op, Path: name, Err: errNotDir}
	}
	return nil
}

// Mkdir implements FS.
func (c *Crash) Mkdir(name string, perm fs.FileMode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mkdir(name, perm)
}

func (c *Crash) mkdir(name string, perm fs.FileMode) error {
	if err := c.change("mkdir", name); err != nil {
		return err
	}
	dir, base, n, err := c.find("mkdir", name)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: fs.ErrExist}
	}
	made := newDir(perm.Perm())
	made.mtime = c.now()
	c.rename([]*node{dir}, func(names func(*node) map[string]*node) { names(dir)[base] = made })
	return nil
}

// MkdirAll implements FS.
func (c *Crash) MkdirAll(name string, perm fs.FileMode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mkdirAll(path.Clean(name), perm)
}

func (c *Crash) mkdirAll(name string, perm fs.FileMode) error {
	_, _, n, err := c.find("mkdir", name)
	if err == nil && n != nil {
		if !n.dir {
			return &fs.PathError{Op: "mkdir", Path: name, Err: errNotDir}
		}
		return c.look("mkdir", name)
	}
	if err := c.mkdirAll(path.Dir(name), perm); err != nil {
		return err
	}
	return c.mkdir(name, perm)
}

// Rename implements FS.
func (c *Crash) Rename(from, to string) error {
	return c.move("rename", from, to, true)
}

// Link implements FS.
func (c *Crash) Link(from, to string) error {
	return c.move("link", from, to, false)
}

func (c *Crash) move(op, from, to string, gone bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change(op, from); err != nil {
		return err
	}
	fdir, fbase, n, err := c.find(op, from)
	if err != nil {
		return err
	}
	tdir, tbase, there, err := c.find(op, to)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: op, Path: from, Err: fs.ErrNotExist}
	}
	if err := mayMove(op, to, n, tdir, there, gone); err != nil {
		return err
	}
	if fdir == nil {
		return &fs.PathError{Op: op, Path: from, Err: errRoot}
	}
	if there == n {
		return nil
	}
	c.rename([]*node{fdir, tdir}, func(names func(*node) map[string]*node) {
		if gone {
			delete(names(fdir), fbase)
		}
		names(tdir)[tbase] = n
	})
	return nil
}

// mayMove holds the rules of link(2) and rename(2) for a target that is there or is below the source.
func mayMove(op, to string, n, tdir, there *node, gone bool) error {
	bad := func(err error) error { return &fs.PathError{Op: op, Path: to, Err: err} }
	switch {
	case !gone && there != nil:
		return bad(fs.ErrExist)
	case !gone && n.dir:
		return bad(errRoot)
	case there != nil && there.dir:
		return bad(fs.ErrExist) // os.Rename replaces no folder
	case n.dir && below(tdir, n):
		return bad(fs.ErrInvalid)
	case n.dir && there != nil:
		return bad(errNotDir)
	}
	return nil
}

// below reports whether d is n or somewhere in it.
func below(d, n *node) bool {
	if d == n {
		return true
	}
	for _, kid := range n.names {
		if kid.dir && below(d, kid) {
			return true
		}
	}
	return false
}

// Remove implements FS.
func (c *Crash) Remove(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(name, false)
}

// RemoveAll implements FS.
func (c *Crash) RemoveAll(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.remove(name, true)
}

func (c *Crash) remove(name string, all bool) error {
	dir, base, n, err := c.find("remove", name)
	if err == nil && n == nil {
		err = &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err != nil {
		if all && errors.Is(err, fs.ErrNotExist) {
			return c.look("remove", name)
		}
		return err
	}
	if dir == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: errRoot}
	}
	if n.dir && len(n.names) > 0 {
		if !all {
			return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrExist}
		}
		for _, k := range sortedNames(n.names) {
			if err := c.remove(name+"/"+k, true); err != nil {
				return err
			}
		}
	}
	if err := c.change("remove", name); err != nil {
		return err
	}
	c.rename([]*node{dir}, func(names func(*node) map[string]*node) { delete(names(dir), base) })
	return nil
}

// Chmod implements FS.
func (c *Crash) Chmod(name string, mode fs.FileMode) error {
	return c.attr("chmod", name, func(n *node) { n.mode = n.mode&fs.ModeDir | mode.Perm() })
}

// Chtimes implements FS.
func (c *Crash) Chtimes(name string, _, mtime time.Time) error {
	return c.attr("chtimes", name, func(n *node) { n.mtime = mtime })
}

func (c *Crash) attr(op, name string, do func(*node)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.change(op, name); err != nil {
		return err
	}
	_, _, n, err := c.find(op, name)
	if err != nil {
		return err
	}
	if n == nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	do(n)
	return nil
}

type info struct {
	name  string
	size  int64
	mode  fs.FileMode
	mtime time.Time
}

func infoOf(name string, n *node) info { return info{name, int64(len(n.data)), n.mode, n.mtime} }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.mtime }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
