//go:build unix

package editfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
)

func plus(line string) func([]byte) ([]byte, error) {
	return func(old []byte) ([]byte, error) { return append(bytes.Clone(old), line+"\n"...), nil }
}

// Whoever changes at the same time loses nothing of the other's.
func TestAtOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := Edit(t.Context(), name, 0o600, plus(fmt.Sprint("line ", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	for i := range 20 {
		require.Contains(t, string(b), fmt.Sprint("line ", i, "\n"))
	}
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// Mode, owner and links stay; an error and the same text change nothing.
func TestStays(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "users"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(name, []byte("a\n"), 0o600))
	require.NoError(t, os.Chmod(name, 0o640))
	require.NoError(t, os.Symlink("users", link))
	if os.Getuid() == 0 {
		require.NoError(t, os.Chown(name, 8, 12))
	}
	before, err := os.Stat(name)
	require.NoError(t, err)
	require.NoError(t, Edit(t.Context(), link, 0o600, func(old []byte) ([]byte, error) { return old, nil }))
	no := errors.New("no")
	require.ErrorIs(t, Edit(t.Context(), link, 0o600, func([]byte) ([]byte, error) { return []byte("x"), no }), no)
	after, err := os.Stat(name)
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))

	require.NoError(t, Edit(t.Context(), link, 0o600, plus("b")))
	b, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "a\nb\n", string(b))
	to, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "users", to)
	if after, err = os.Stat(name); err == nil {
		require.Equal(t, os.FileMode(0o640), after.Mode().Perm())
		require.Equal(t, before.Sys().(*syscall.Stat_t).Uid, after.Sys().(*syscall.Stat_t).Uid)
		require.Equal(t, before.Sys().(*syscall.Stat_t).Gid, after.Sys().(*syscall.Stat_t).Gid)
	}
	require.Error(t, Edit(t.Context(), dir, 0o600, plus("x")), "a folder is no file")
	require.ErrorIs(t, Edit(t.Context(), filepath.Join(dir, "none", "x"), 0o600, plus("x")), os.ErrNotExist)
}

// Wherever the machine stops, the file is the old one or the new one; the new one once Edit has returned.
func TestCrash(t *testing.T) {
	const before, after = "first\n", "first\nsecond line\n"
	for stop := 1; ; stop++ {
		disk := vfs.NewCrash()
		require.NoError(t, edit(t.Context(), disk, "/users", 0o600, plus("first")))
		disk.CrashAt(stop)
		err := edit(t.Context(), disk, "/users", 0o600, plus("second line"))
		for seed := range uint64(10) {
			left := disk.Recover(rand.New(rand.NewPCG(uint64(stop), seed)))
			got := content(t, left, "/users")
			if err == nil {
				require.Equal(t, after, got)
			}
			require.Contains(t, []string{before, after}, got, "stopped at %d", stop)
			require.NoError(t, edit(t.Context(), left, "/users", 0o600, plus("third")), "what a crash leaves is in nobody's way")
			require.True(t, strings.HasSuffix(content(t, left, "/users"), "third\n"))
		}
		if err == nil {
			require.Greater(t, stop, 5)
			return
		}
	}
}

func content(t *testing.T, fsys vfs.FS, name string) string {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	return string(b)
}

// A disk that is full leaves the file as it was.
func TestFailures(t *testing.T) {
	for _, op := range []string{"write", "sync", "rename", "chmod", "open"} {
		disk := vfs.NewCrash()
		require.NoError(t, edit(t.Context(), disk, "/users", 0o600, plus("first")))
		disk.Fail = func(did, name string) error {
			if did == op && strings.HasSuffix(name, ".new") {
				return syscall.ENOSPC
			}
			return nil
		}
		require.ErrorIs(t, edit(t.Context(), disk, "/users", 0o600, plus("second")), syscall.ENOSPC, op)
		disk.Fail = nil
		require.Equal(t, "first\n", content(t, disk, "/users"))
		_, err := disk.Stat("/.users.new")
		require.ErrorIs(t, err, os.ErrNotExist, op)
	}
}

// Who waits for the lock can be told to stop.
func TestWaiting(t *testing.T) {
	name := filepath.Join(t.TempDir(), "users")
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, Edit(t.Context(), name, 0o600, func(old []byte) ([]byte, error) {
		cancel()
		require.ErrorIs(t, Edit(ctx, name, 0o600, plus("x")), context.Canceled)
		return append(old, 'y'), nil
	}))
}
