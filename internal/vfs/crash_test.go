package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
)

func write(t testing.TB, c *vfs.Crash, name, text string) vfs.File {
	t.Helper()
	f, err := c.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte(text), 0)
	require.NoError(t, err)
	return f
}

func read(t testing.TB, c *vfs.Crash, name string) (string, bool) {
	t.Helper()
	f, err := c.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	require.NoError(t, err)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b), true
}

// after returns what there can be after crashes of what set makes, by name of the file.
func after(t testing.TB, name string, set func(c *vfs.Crash)) map[string]int {
	seen := map[string]int{}
	for seed := range uint64(300) {
		c := vfs.NewCrash()
		set(c)
		text, ok := read(t, c.Recover(rand.New(rand.NewPCG(seed, 1))), name)
		if !ok {
			text = "(gone)"
		}
		seen[text]++
	}
	return seen
}

func keys(m map[string]int) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestCrashForgetsWhatWasNotSynced(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(c *vfs.Crash)
		want []string
	}{
		{"nothing synced", func(c *vfs.Crash) { write(t, c, "/f", "new") }, []string{"(gone)", "", "new", "n", "ne", "n\x00", "n\x00\x00", "\x00", "\x00\x00", "\x00\x00\x00"}},
		{"file synced, its name not", func(c *vfs.Crash) { require.NoError(t, write(t, c, "/f", "new").Sync()) }, []string{"(gone)", "new"}},
		{"both synced", func(c *vfs.Crash) {
			require.NoError(t, write(t, c, "/f", "new").Sync())
			require.NoError(t, c.SyncDir("/"))
		}, []string{"new"}},
		{"removed, not synced", func(c *vfs.Crash) {
			require.NoError(t, write(t, c, "/f", "new").Sync())
			require.NoError(t, c.SyncDir("/"))
			require.NoError(t, c.Remove("/f"))
		}, []string{"(gone)", "new"}},
		{"replaced by rename, not synced", func(c *vfs.Crash) {
			require.NoError(t, write(t, c, "/f", "old").Sync())
			require.NoError(t, write(t, c, "/g", "new").Sync())
			require.NoError(t, c.SyncDir("/"))
			require.NoError(t, c.Rename("/g", "/f"))
		}, []string{"old", "new"}},
		{"in a folder whose own name was not synced", func(c *vfs.Crash) {
			require.NoError(t, c.Mkdir("/d", 0o700))
			require.NoError(t, write(t, c, "/d/f", "x").Sync())
			require.NoError(t, c.SyncDir("/d"))
			require.NoError(t, c.Rename("/d/f", "/f"))
			require.NoError(t, c.SyncDir("/"))
		}, []string{"x"}},
	} {
		name := "/f"
		seen := after(t, name, tt.set)
		for text := range seen {
			require.Contains(t, tt.want, text, tt.name)
		}
		for _, w := range tt.want {
			if !strings.Contains(w, "\x00") && len(w) != 1 && len(w) != 2 {
				require.Contains(t, keys(seen), w, "%s: must come up", tt.name)
			}
		}
	}
}

// A write-back that was cut off leaves some sectors old and some new.
func TestCrashTearsSectors(t *testing.T) {
	old, now := strings.Repeat("a", 2048), strings.Repeat("b", 2048)
	seen := after(t, "/f", func(c *vfs.Crash) {
		f := write(t, c, "/f", old)
		require.NoError(t, f.Sync())
		require.NoError(t, c.SyncDir("/"))
		write(t, c, "/f", now)
	})
	torn := 0
	for text := range seen {
		require.Len(t, text, 2048)
		for at := 0; at < 2048; at += 512 {
			s := text[at : at+512]
			require.True(t, s == old[:512] || s == now[:512], "a sector is whole")
		}
		if text != old && text != now {
			torn++
		}
	}
	require.Equal(t, 14, torn, "2^4 mixtures but for the two pure ones")
	require.Contains(t, seen, old)
	require.Contains(t, seen, now)
}

// Within a folder a later change doesn't survive an earlier one.
func TestCrashKeepsTheOrderWithinAFolder(t *testing.T) {
	counts := map[int]int{}
	for seed := range uint64(500) {
		c := vfs.NewCrash()
		for _, n := range []string{"/1", "/2", "/3", "/4"} {
			require.NoError(t, write(t, c, n, "x").Sync())
		}
		all, err := c.Recover(rand.New(rand.NewPCG(seed, 2))).ReadDir("/")
		require.NoError(t, err)
		for i, e := range all {
			require.Equal(t, string(rune('1'+i)), e.Name())
		}
		counts[len(all)]++
	}
	require.Len(t, counts, 5, "everything from none to all comes up: %v", counts)
}

// A rename across folders happens in both or in neither.
func TestCrashRenamesAtomically(t *testing.T) {
	where := map[string]int{}
	for seed := range uint64(300) {
		c := vfs.NewCrash()
		require.NoError(t, c.MkdirAll("/a", 0o700))
		require.NoError(t, c.MkdirAll("/b", 0o700))
		require.NoError(t, write(t, c, "/a/f", "x").Sync())
		require.NoError(t, c.SyncDir("/a"))
		require.NoError(t, c.SyncDir("/"))
		require.NoError(t, c.Rename("/a/f", "/b/f"))
		if seed%3 == 0 {
			require.NoError(t, c.SyncDir("/b"))
		}
		d := c.Recover(rand.New(rand.NewPCG(seed, 3)))
		_, inA := read(t, d, "/a/f")
		_, inB := read(t, d, "/b/f")
		require.True(t, inA != inB, "in exactly one folder")
		if seed%3 == 0 {
			require.True(t, inB, "synced")
			continue
		}
		where[map[bool]string{true: "a", false: "b"}[inA]]++
	}
	require.Len(t, where, 2)
}

func TestCrashAtEveryOperation(t *testing.T) {
	work := func(c *vfs.Crash) error {
		f, err := c.OpenFile("/t", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return err
		}
		if _, err := f.Write([]byte("x")); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := c.Rename("/t", "/f"); err != nil {
			return err
		}
		return c.SyncDir("/")
	}
	c := vfs.NewCrash()
	require.NoError(t, work(c))
	require.Equal(t, 5, c.Ops())
	for n := 1; n <= 5; n++ {
		c := vfs.NewCrash()
		c.CrashAt(n)
		require.ErrorIs(t, work(c), vfs.ErrCrashed)
		_, err := c.Stat("/")
		require.ErrorIs(t, err, vfs.ErrCrashed, "nothing works any more")
		d := c.Recover(rand.New(rand.NewPCG(1, uint64(n))))
		require.NoError(t, work(d), "the disk is usable again")
		text, ok := read(t, d, "/f")
		require.True(t, ok)
		require.Equal(t, "x", text)
	}
}

func TestCrashFail(t *testing.T) {
	full := errors.New("no space left on device")
	c := vfs.NewCrash()
	f := write(t, c, "/f", "x")
	c.Fail = func(op, name string) error {
		if op == "sync" && name == "/f" {
			return full
		}
		return nil
	}
	require.ErrorIs(t, f.Sync(), full)
	require.NoError(t, c.SyncDir("/"))
	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Close(), fs.ErrClosed)
	require.ErrorIs(t, f.Sync(), fs.ErrClosed)
	_, err := f.Stat()
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestCrashForgetsTimes(t *testing.T) {
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	seen := map[bool]int{}
	for seed := range uint64(50) {
		c := vfs.NewCrash()
		c.Now = func() time.Time { return day }
		require.NoError(t, write(t, c, "/f", "x").Sync())
		require.NoError(t, c.SyncDir("/"))
		require.NoError(t, c.Chtimes("/f", day, day.Add(time.Hour)))
		info, err := c.Recover(rand.New(rand.NewPCG(seed, 4))).Stat("/f")
		require.NoError(t, err)
		seen[info.ModTime().Equal(day)]++
	}
	require.Len(t, seen, 2, "it may be kept or not")
}

func TestRootStays(t *testing.T) {
	c := vfs.NewCrash()
	require.Error(t, c.Remove("/"))
	require.Error(t, c.Rename("/", "/x"))
	require.Error(t, c.Link("/", "/x"))
	require.ErrorIs(t, c.Mkdir("/", 0o700), fs.ErrExist)
	require.NoError(t, c.MkdirAll("/", 0o700))
}

// Both file systems hold a lock for one holder, in this process too, until it is closed.
func TestLock(t *testing.T) {
	for name, fsys := range map[string]vfs.FS{t.TempDir(): vfs.OS{}, "/": vfs.NewCrash()} {
		name = filepath.Join(name, "lock")
		a, err := fsys.Lock(name)
		require.NoError(t, err)
		_, err = fsys.Lock(name)
		require.ErrorIs(t, err, vfs.ErrLocked)
		require.NoError(t, a.Close())
		b, err := fsys.Lock(name)
		require.NoError(t, err)
		require.Error(t, a.Close(), "a second Close doesn't take b's lock")
		_, err = fsys.Lock(name)
		require.ErrorIs(t, err, vfs.ErrLocked)
		require.NoError(t, b.Close())
	}
}

func TestEntries(t *testing.T) {
	for dir, fsys := range map[string]vfs.FS{t.TempDir(): vfs.OS{}, "/d": vfs.NewCrash()} {
		require.NoError(t, fsys.MkdirAll(dir, 0o700))
		for i := range 1200 {
			f, err := fsys.OpenFile(filepath.Join(dir, string(rune('a'+i%26))+strings.Repeat("x", i/26)), os.O_CREATE|os.O_RDWR, 0o600)
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}
		seen := map[string]bool{}
		for e, err := range vfs.Entries(fsys, dir) {
			require.NoError(t, err)
			seen[e.Name()] = true
		}
		require.Len(t, seen, 1200)
		for range vfs.Entries(fsys, dir) {
			break
		}
		for _, err := range vfs.Entries(fsys, dir+"/missing") {
			require.ErrorIs(t, err, fs.ErrNotExist)
		}
	}
}

func TestCrashInManyGoroutines(t *testing.T) {
	c := vfs.NewCrash()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := "/" + string(rune('a'+i))
			for range 100 {
				f, err := c.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
				require.NoError(t, err)
				_, err = f.Write([]byte("x"))
				require.NoError(t, err)
				require.NoError(t, f.Sync())
				require.NoError(t, f.Close())
				require.NoError(t, c.SyncDir("/"))
				require.NoError(t, c.Remove(name))
			}
		})
	}
	wg.Wait()
}
