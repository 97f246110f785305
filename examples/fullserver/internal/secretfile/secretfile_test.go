package secretfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/buuta/mail/examples/fullserver/internal/secretfile"
	"github.com/stretchr/testify/require"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "key")
	require.NoError(t, os.WriteFile(file, []byte("old and readable"), 0o644))
	require.NoError(t, secretfile.Write(file, []byte("new")))
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "new", string(b))
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.Error(t, secretfile.Write(filepath.Join(dir, "none", "key"), nil))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "full"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "full", "x"), nil, 0o600))
	require.Error(t, secretfile.Write(filepath.Join(dir, "full"), []byte("x")), "a folder is there")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "no temporary file stays")
}
