package vfs_test

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/buuta/mail/internal/vfs"
)

// Stamp says what Stat says, of files, folders, what a link leads to, and what isn't there.
func TestStamp(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/file", []byte("12345"), 0o600))
	require.NoError(t, os.Chtimes(dir+"/file", time.Time{}, time.Unix(1_700_000_000, 123_456_789)))
	require.NoError(t, os.Symlink("file", dir+"/link"))
	require.NoError(t, os.Symlink("nowhere", dir+"/broken"))
	for _, name := range []string{"", "/file", "/link", "/broken", "/missing", "/file/below"} {
		info, want := vfs.OS{}.Stat(dir + name)
		mtime, size, err := vfs.Stamp(vfs.OS{}, dir+name)
		if want != nil {
			require.Error(t, err, name)
			for _, kind := range []error{fs.ErrNotExist, fs.ErrPermission} {
				require.Equal(t, errors.Is(want, kind), errors.Is(err, kind), name)
			}
			continue
		}
		require.NoError(t, err, name)
		require.True(t, info.ModTime().Equal(mtime), name)
		require.Equal(t, info.Size(), size, name)
	}
}

// On the machines that most servers are, nothing is left to be collected; long names and bad ones are what they are for Stat.
func TestStampNames(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("x", 200)
	require.NoError(t, os.MkdirAll(dir+"/"+long+"/"+long+"/"+long, 0o700))
	for _, name := range []string{dir, dir + "/" + long, dir + "/" + long + "/" + long, dir + "/" + long + "/" + long + "/" + long, "", dir + "/a\x00b", dir + strings.Repeat("/x", 3000)} {
		info, want := os.Stat(name)
		mtime, _, err := vfs.Stamp(vfs.OS{}, name)
		require.Equal(t, want == nil, err == nil, name)
		if err == nil {
			require.True(t, info.ModTime().Equal(mtime))
		}
	}
	if runtime.GOOS+runtime.GOARCH == "linuxamd64" {
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = vfs.Stamp(vfs.OS{}, dir) }))
	}
}

func BenchmarkStamp(b *testing.B) {
	name := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := vfs.Stamp(vfs.OS{}, name); err != nil {
			b.Fatal(err)
		}
	}
}
