package vfs_test

import (
	"io/fs"
	"os"
	"strconv"
	"testing"

	"github.com/buuta/mail/internal/vfs"
	"github.com/stretchr/testify/require"
)

// RenameFile does and refuses what Rename does and refuses, with files.
func TestRenameFile(t *testing.T) {
	for name, fsys := range map[string]vfs.FS{"os": vfs.OS{}, "crash": vfs.NewCrash()} {
		t.Run(name, func(t *testing.T) {
			dir := "/x"
			if name == "os" {
				dir = t.TempDir()
			}
			require.NoError(t, fsys.MkdirAll(dir+"/folder", 0o700))
			write := func(name, content string) {
				f, err := fsys.OpenFile(dir+"/"+name, os.O_CREATE|os.O_WRONLY, 0o600)
				require.NoError(t, err)
				_, err = f.Write([]byte(content))
				require.NoError(t, err)
				require.NoError(t, f.Close())
			}
			content := func(name string) string {
				p := make([]byte, 16)
				n, err := vfs.ReadInto(fsys, dir+"/"+name, p)
				require.NoError(t, err)
				return string(p[:n])
			}
			write("a", "1")
			write("b", "2")
			require.NoError(t, vfs.RenameFile(fsys, dir+"/a", dir+"/b"))
			require.Equal(t, "1", content("b"))
			err := vfs.RenameFile(fsys, dir+"/a", dir+"/c")
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorContains(t, err, dir+"/a")
			require.Error(t, vfs.RenameFile(fsys, dir+"/b", dir+"/folder"), "a folder is in the way")
			require.Equal(t, "1", content("b"))
			require.NoError(t, vfs.RenameFile(fsys, dir+"/b", dir+"/folder/b"))
			require.Equal(t, "1", content("folder/b"))
		})
	}
}

// BenchmarkRename is a rename of one file in a folder of 1,000, with and without the look for a folder in its way.
func BenchmarkRename(b *testing.B) {
	for name, rename := range map[string]func(from, to string) error{"Rename": vfs.OS{}.Rename, "RenameFile": func(from, to string) error { return vfs.RenameFile(vfs.OS{}, from, to) }} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			for i := range 1000 {
				require.NoError(b, os.WriteFile(dir+"/"+strconv.Itoa(i), nil, 0o600))
			}
			b.ReportAllocs()
			from, to := dir+"/5", dir+"/5:2,S"
			for b.Loop() {
				if err := rename(from, to); err != nil {
					b.Fatal(err)
				}
				from, to = to, from
			}
		})
	}
}
