package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTrace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "main.cf")
	require.NoError(t, os.WriteFile(file, []byte("myhostname = mx.example.test\nmaillog_file = "+dir+"/log\n"), 0o600))
	text, err := os.ReadFile("trace/testdata/postfix.log")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/log", text, 0o600))
	t.Setenv("LC_ALL", "vi_VN.UTF-8")
	status, out, errs := command(t, "", "-c", file, "trace", "b@slow.example")
	require.Zero(t, status, errs)
	require.Contains(t, out, "Vẫn đang đợi giao cho b@slow.example.")
	status, out, _ = command(t, "", "-c", file, "trace", "-l", "en", "b@slow.example")
	require.Zero(t, status)
	require.Contains(t, out, "Still waits for b@slow.example.")
	status, _, errs = command(t, "", "-c", dir+"/none", "trace", "x")
	require.Equal(t, 2, status)
	require.Contains(t, errs, "none")
}
