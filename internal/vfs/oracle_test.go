package vfs_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// both runs the same call on the double and on the real file system and holds their answers against each other.
type both struct {
	t      *rapid.T
	crash  vfs.FS
	real   vfs.OS
	dir    string
	c, o   map[int]vfs.File
	closed map[int]bool
	serial int
}

func (b *both) path(p string) string { return filepath.Join(b.dir, p) }

// kind is what callers ask errors for.
func kind(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, fs.ErrExist):
		return "exists"
	case errors.Is(err, fs.ErrClosed):
		return "closed"
	case errors.Is(err, io.EOF):
		return "eof"
	}
	return "other"
}

// same allows that of two things that are wrong the one or the other is named first.
func (b *both) same(what string, c, o error) {
	if c != nil && o != nil && (kind(c) == "other" || kind(o) == "other") {
		return
	}
	require.Equal(b.t, kind(o), kind(c), "%s: real %v, double %v", what, o, c)
}

// TestCrashBehavesLikeTheRealOne does random things to a Crash and to a folder of the real file system.
func TestCrashBehavesLikeTheRealOne(t *testing.T) {
	names := []string{"a", "b", "d", "d/a", "d/b", "e", "e/d", "d/a/x"}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "vfs")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		b := &both{t: t, crash: vfs.NewCrash(), dir: dir, c: map[int]vfs.File{}, o: map[int]vfs.File{}, closed: map[int]bool{}}
		defer func() {
			for _, f := range b.o {
				f.Close()
			}
		}()
		name := rapid.SampledFrom(names)
		t.Repeat(map[string]func(*rapid.T){
			"mkdir": func(t *rapid.T) {
				n := name.Draw(t, "name")
				b.same("mkdir "+n, b.crash.Mkdir("/"+n, 0o755), b.real.Mkdir(b.path(n), 0o755))
			},
			"mkdirall": func(t *rapid.T) {
				n := name.Draw(t, "name")
				b.same("mkdirall "+n, b.crash.MkdirAll("/"+n, 0o755), b.real.MkdirAll(b.path(n), 0o755))
			},
			"rename": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				b.same("rename "+from+" "+to, b.crash.Rename("/"+from, "/"+to), b.real.Rename(b.path(from), b.path(to)))
			},
			"link": func(t *rapid.T) {
				from, to := name.Draw(t, "from"), name.Draw(t, "to")
				b.same("link "+from+" "+to, b.crash.Link("/"+from, "/"+to), b.real.Link(b.path(from), b.path(to)))
			},
			"remove": func(t *rapid.T) {
				n := name.Draw(t, "name")
				b.same("remove "+n, b.crash.Remove("/"+n), b.real.Remove(b.path(n)))
			},
			"removeall": func(t *rapid.T) {
				n := name.Draw(t, "name")
				c, o := b.crash.RemoveAll("/"+n), b.real.RemoveAll(b.path(n))
				b.same("removeall "+n, c, o)
			},
			"open": func(t *rapid.T) { b.open(name.Draw(t, "name")) },
			"file": func(t *rapid.T) { b.file(t) },
			"":     func(t *rapid.T) { b.check("") },
			"readdir?": func(t *rapid.T) {
				n := name.Draw(t, "name")
				_, c := b.crash.ReadDir("/" + n)
				_, o := b.real.ReadDir(b.path(n))
				b.same("readdir "+n, c, o)
			},
			"stat": func(t *rapid.T) { b.stat(name.Draw(t, "name")) },
		})
	})
}

func (b *both) stat(n string) {
	c, cerr := b.crash.Stat("/" + n)
	o, oerr := b.real.Stat(b.path(n))
	b.same("stat "+n, cerr, oerr)
	if cerr == nil {
		require.Equal(b.t, o.Name(), c.Name())
		require.Equal(b.t, o.IsDir(), c.IsDir())
		if !o.IsDir() {
			require.Equal(b.t, o.Size(), c.Size())
		}
	}
}

func (b *both) open(n string) {
	flags := []int{
		os.O_RDONLY, os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_CREATE, os.O_RDWR | os.O_CREATE | os.O_EXCL,
		os.O_WRONLY | os.O_CREATE | os.O_TRUNC, os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_APPEND | os.O_CREATE,
	}
	flag := rapid.SampledFrom(flags).Draw(b.t, "flag")
	c, cerr := b.crash.OpenFile("/"+n, flag, 0o644)
	o, oerr := b.real.OpenFile(b.path(n), flag, 0o644)
	b.same(fmt.Sprintf("open %s %x", n, flag), cerr, oerr)
	if cerr == nil {
		b.serial++
		b.c[b.serial], b.o[b.serial] = c, o
	}
}

// file does something to an open file.
func (b *both) file(t *rapid.T) {
	if len(b.c) == 0 {
		t.Skip("nothing open")
	}
	ids := make([]int, 0, len(b.c))
	for id := range b.c {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(t, "file")
	c, o := b.c[id], b.o[id]
	op := rapid.SampledFrom([]string{"write", "writeat", "read", "readat", "seek", "seekcur", "seekend", "truncate", "sync", "stat", "close"}).Draw(t, "op")
	data := []byte(rapid.StringMatching(`[a-z]{1,700}`).Draw(t, "data"))
	off := rapid.Int64Range(0, 1500).Draw(t, "off")
	if info, err := o.Stat(); err == nil && info.IsDir() && (op == "seek" || op == "seekcur" || op == "seekend") {
		return // means nothing for a folder
	}
	buf, buf2 := make([]byte, len(data)), make([]byte, len(data))
	var cn, on int64
	var cerr, oerr error
	n := func(k int, err error) (int64, error) { return int64(k), err }
	switch op {
	case "write":
		cn, cerr = n(c.Write(data))
		on, oerr = n(o.Write(data))
	case "writeat":
		cn, cerr = n(c.WriteAt(data, off))
		on, oerr = n(o.WriteAt(data, off))
	case "read":
		cn, cerr = n(c.Read(buf))
		on, oerr = n(o.Read(buf2))
	case "readat":
		cn, cerr = n(c.ReadAt(buf, off))
		on, oerr = n(o.ReadAt(buf2, off))
	case "seek", "seekcur", "seekend":
		whence := map[string]int{"seek": io.SeekStart, "seekcur": io.SeekCurrent, "seekend": io.SeekEnd}[op]
		cn, cerr = c.Seek(off-700, whence)
		on, oerr = o.Seek(off-700, whence)
	case "truncate":
		cerr, oerr = c.Truncate(off), o.Truncate(off)
	case "sync":
		cerr = c.Sync() // the real one would do nothing that could be seen, slowly
		if !b.closed[id] {
			require.NoError(b.t, cerr)
		}
		return
	case "stat":
		ci, e1 := c.Stat()
		oi, e2 := o.Stat()
		cerr, oerr = e1, e2
		if e1 == nil && !oi.IsDir() {
			cn, on = ci.Size(), oi.Size()
		}
	case "close":
		cerr, oerr = c.Close(), o.Close()
		b.closed[id] = true
	}
	b.same(op, cerr, oerr)
	require.Equal(b.t, on, cn, op)
	if op == "read" || op == "readat" {
		require.Equal(b.t, buf2, buf, op)
	}
}

// check holds everything that is in a folder against the real one.
func (b *both) check(dir string) {
	c, err := b.crash.ReadDir("/" + dir)
	require.NoError(b.t, err)
	o, err := b.real.ReadDir(b.path(dir))
	require.NoError(b.t, err)
	require.Len(b.t, c, len(o))
	for i := range o {
		require.Equal(b.t, o[i].Name(), c[i].Name())
		require.Equal(b.t, o[i].IsDir(), c[i].IsDir())
		p := filepath.Join(dir, o[i].Name())
		if o[i].IsDir() {
			b.check(p)
			continue
		}
		want, err := os.ReadFile(b.path(p))
		require.NoError(b.t, err)
		f, err := b.crash.OpenFile("/"+p, os.O_RDONLY, 0)
		require.NoError(b.t, err)
		got, err := io.ReadAll(f)
		require.NoError(b.t, err)
		require.NoError(b.t, f.Close())
		require.Equal(b.t, string(want), string(got), p)
	}
}
