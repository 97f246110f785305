package vfs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimes(t *testing.T) {
	dir := t.TempDir()
	crash := NewCrash()
	require.NoError(t, crash.Mkdir("/d", 0o700))
	at := time.Unix(1700000000, 123000000)
	for _, where := range []struct {
		fs  FS
		dir string
	}{{OS{}, dir}, {crash, "/d"}} {
		for _, n := range []string{"a", "b", "c"} {
			f, err := where.fs.OpenFile(filepath.Join(where.dir, n), os.O_CREATE|os.O_RDWR, 0o600)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.NoError(t, where.fs.Chtimes(filepath.Join(where.dir, n), at, at))
		}
		got := map[string]bool{}
		for e, err := range Times(where.fs, where.dir) {
			require.NoError(t, err)
			require.Equal(t, at.UnixNano(), e.MTime)
			got[e.Name] = true
		}
		require.Len(t, got, 3)
		for range Times(where.fs, where.dir) {
			break
		}
		for e, err := range Inodes(where.fs, where.dir) {
			require.NoError(t, err)
			info, err := where.fs.Stat(filepath.Join(where.dir, e.Name))
			require.NoError(t, err)
			require.Equal(t, inodeOf(info), e.Inode)
			delete(got, e.Name)
		}
		require.Empty(t, got)
		for _, err := range Times(where.fs, filepath.Join(where.dir, "none")) {
			require.True(t, errors.Is(err, os.ErrNotExist))
		}
	}
}
